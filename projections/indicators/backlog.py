"""What is waiting: how much, how long, past its limit, and with whom."""

from projections.indicators import terms as t
from projections.indicators.expressions import ALWAYS, Column, Elapsed
from projections.indicators.indicator import Direction, Duration, Exclusion, Indicator, Unit, Words

_WAITING = (t.filed_at <= t.at_the_end) & ~(t.stopped_at <= t.at_the_end) & ~t.nobody_knows_when
_SOURCE_SILENT = Exclusion(
    "source-silent",
    Words("外部导入，此后来源系统无消息", "imported as open; its source has not spoken since"),
    t.as_of < t.at_the_end,
)
_AT_THE_END = Words("期末（或统计时点）", "the last moment of the period, or now if that is earlier")
_BACKLOG = Words("期末尚未办结的件次", "matters not resolved at the end of the period")
BACKLOG = (
    Indicator(
        key="backlog",
        name=Words("在办量", "Backlog"),
        definition=Words(
            "期末已点单（或重启）尚未办结的件次，含挂起",
            "Matters filed and not yet resolved at the end of the period, suspended ones included",
        ),
        numerator=_BACKLOG,
        denominator=Words("–", "–"),
        period=_AT_THE_END,
        unit=Unit.COUNT,
        direction=Direction.LOWER,
        source="common to all centres' bulletins",
        at=None,
        counts=_WAITING,
        exclusions=(_SOURCE_SILENT,),
    ),
    Indicator(
        key="backlog-age",
        name=Words("在办件龄", "Age of the backlog"),
        definition=Words(
            "期末在办件次自点单（或重启）起的自然时间",
            "Plain time since filing of what is not yet resolved at the end",
        ),
        numerator=_BACKLOG,
        denominator=_BACKLOG,
        period=_AT_THE_END,
        unit=Unit.SECONDS,
        direction=Direction.LOWER,
        source="own definition",
        at=None,
        counts=_WAITING,
        exclusions=(_SOURCE_SILENT,),
        duration=Duration(Elapsed(t.filed_at, t.at_the_end), ALWAYS),
    ),
    Indicator(
        key="overdue-backlog-rate",
        name=Words("在办超期率", "Overdue share of the backlog"),
        definition=Words(
            "期末在办件次中已超过办结时限的比例",
            "Of what is not resolved at the end, the share past its limit",
        ),
        numerator=Words("其中已超期", "of them, past their limit"),
        denominator=_BACKLOG,
        period=_AT_THE_END,
        unit=Unit.SHARE,
        direction=Direction.LOWER,
        source="own definition; while it is suspended the clock stands still",
        at=None,
        counts=_WAITING,
        hit=((t.resolve_due < t.at_the_end) & ~(t.suspended_at <= t.resolve_due))
        | (t.broken_due < t.at_the_end),
        exclusions=(
            _SOURCE_SILENT,
            Exclusion(
                "no-limit", Words("无办结时限", "it has no limit"), ~t.resolve_due.known & ~t.broken_due.known
            ),
        ),
    ),
    Indicator(
        key="first-handler-load",
        name=Words("第一经办人在办量", "First handlers' load"),
        definition=Words(
            "期末在办且已明确第一经办人的件次，宜按第一经办人分组",
            "Matters not resolved at the end with a named first handler; ask it by first handler",
        ),
        numerator=Words("期末在办且有第一经办人", "not resolved, with a named first handler"),
        denominator=Words("–", "–"),
        period=_AT_THE_END,
        unit=Unit.COUNT,
        direction=Direction.NEUTRAL,
        source="第一经办人 of the six orders",
        at=None,
        counts=_WAITING,
        exclusions=(
            _SOURCE_SILENT,
            Exclusion(
                "nobody-named", Words("未明确第一经办人", "nobody is named"), ~Column("first_handler").known
            ),
        ),
    ),
)
