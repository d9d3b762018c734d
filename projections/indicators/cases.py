"""Cases: filed, closed, closed in time, responded to, and what residents say of them."""

from domain.vocabulary import End, State
from projections.indicators import terms as t
from projections.indicators.expressions import Column, Condition, Number
from projections.indicators.indicator import Direction, Exclusion, Indicator, Unit, Words

POSITIVE_SCORE = 4


def _ended_before(due: Column, end: End, zh: str, en: str) -> Exclusion:
    return Exclusion(end.value, Words(zh, en), t.end.is_(end.value) & (t.closed_at <= due))


_ON_HOLD = Exclusion(
    "suspended",
    Words("挂起中，时限暂停", "suspended before its limit passed"),
    t.suspended_at <= t.resolve_due,
)
_LEFT_OUT_OF_DUE = (
    _ON_HOLD,
    _ended_before(t.resolve_due, End.REJECTED, "到期前不予受理", "rejected before its limit passed"),
    _ended_before(t.resolve_due, End.WITHDRAWN, "到期前撤单", "withdrawn before its limit passed"),
    _ended_before(
        t.resolve_due,
        End.MERGED,
        "到期前并单，由主单计",
        "merged before its limit passed; its parent is counted",
    ),
)
_DUE_CASES = Words(
    "应结案件：办结时限落在期内且已到的件次",
    "due to be closed: matters whose resolve limit lies in the period and has passed",
)
_BY_DUE = Words("办结时限", "when it was due to be resolved")
_CLOSING = ~t.reopened_at.known & t.stands
_IS_DUE = t.resolve_due <= t.as_of

CASES = (
    Indicator(
        key="cases-filed",
        name=Words("受理量", "Cases filed"),
        definition=Words(
            "期内点单的工单数，含导入的历史工单", "Tickets placed in the period, imported ones included"
        ),
        numerator=Words("期内点单的工单", "tickets placed in the period"),
        denominator=Words("–", "–"),
        period=Words("点单时间", "when it was placed"),
        unit=Unit.COUNT,
        direction=Direction.NEUTRAL,
        source="common to all 12345 and grid centres' bulletins",
        at=t.filed_at,
        counts=t.is_first_cycle,
    ),
    Indicator(
        key="closing-rate",
        name=Words("结案率", "Closing rate"),
        definition=Words(
            "应结案件中已办结且办结有效（未重办、未重启）的比例，不论是否超期",
            "Of the matters due to be closed, those that were resolved, in time or not, as it stands: a "
            "reopened ticket is open again and its earlier closing does not count",
        ),
        numerator=Words("其中已办结且未重启", "resolved, and not reopened since"),
        denominator=_DUE_CASES,
        period=_BY_DUE,
        unit=Unit.SHARE,
        direction=Direction.HIGHER,
        source="结案率 = 结案数 / 应结案数, as Tianmen publishes it; suspended cases as in Jinhua",
        at=t.resolve_due,
        counts=_IS_DUE,
        hit=_CLOSING,
        exclusions=_LEFT_OUT_OF_DUE,
        undecided=t.is_not_settled,
    ),
    Indicator(
        key="on-time-rate",
        name=Words("按期结案率", "On-time rate"),
        definition=Words(
            "应结案件中在时限内办结且办结有效的比例；时限过后再调整，仍算超期",
            "Of the matters due to be closed, those resolved within their limit, as far as that stands; a "
            "limit that was moved after it had passed stays broken",
        ),
        numerator=Words("其中按期办结且未重启", "resolved in time, and not reopened since"),
        denominator=_DUE_CASES,
        period=_BY_DUE,
        unit=Unit.SHARE,
        direction=Direction.HIGHER,
        source="按期结案率 = 按期结案数 / 应结案数, as Tianmen publishes it; suspended cases as in Jinhua",
        at=t.resolve_due,
        counts=_IS_DUE,
        hit=_CLOSING & (t.resolved_at <= t.resolve_due) & ~t.broken_due.known,
        exclusions=(*_LEFT_OUT_OF_DUE, t.NOT_KNOWN_WHEN),
        undecided=((t.resolved_at <= t.resolve_due) & t.is_not_settled) | (t.suspended_at <= t.resolve_due),
    ),
    Indicator(
        key="response-rate",
        name=Words("响应率", "Response rate"),
        definition=Words(
            "应响应件中，网格员（或上级）在核单时限内响应的比例",
            "Of the cases that somebody had to look at, those taken up within the limit for verifying",
        ),
        numerator=Words(
            "其中在核单时限内核单、不予受理或直接派单", "verified, rejected or dispatched within that limit"
        ),
        denominator=Words(
            "核单时限落在期内且已到的工单",
            "tickets whose limit for verifying lies in the period and has passed",
        ),
        period=Words("核单时限", "when it was due to be verified"),
        unit=Unit.SHARE,
        direction=Direction.HIGHER,
        source="响应率 = 按时联系数 / 应联系数 of the 12345 hotlines",
        at=t.respond_due,
        counts=t.is_first_cycle & (t.respond_due <= t.as_of),
        hit=t.responded_at <= t.respond_due,
        exclusions=(
            Exclusion(
                "suspended",
                _ON_HOLD.name,
                ~t.responded_at.known & (t.suspended_at <= t.respond_due),
            ),
            Exclusion(
                "withdrawn",
                Words("响应前撤单", "withdrawn in time before anybody came"),
                t.first_step.is_(State.WITHDRAWN) & (t.responded_at <= t.respond_due),
            ),
            Exclusion(
                "merged",
                Words("响应前并单", "merged in time before anybody came"),
                t.first_step.is_(State.MERGED) & (t.responded_at <= t.respond_due),
            ),
        ),
        undecided=~t.responded_at.known & (t.suspended_at <= t.respond_due),
    ),
)


def _survey(key: str, name: Words, definition: Words, numerator: Words, hit: Condition) -> Indicator:
    return Indicator(
        key=key,
        name=name,
        definition=definition,
        numerator=numerator,
        denominator=Words("期内作出评价的件次", "matters that a resident rated in the period"),
        period=Words("评单时间，或评价期届满时间", "when it was rated, or the time for that was over"),
        unit=Unit.SHARE,
        direction=Direction.HIGHER,
        source="满意（解决）数 / 回访有效数 of the 12345 hotlines; silence is not an answer",
        at=t.surveyed_at,
        counts=t.surveyed_at.known,
        hit=hit,
        exclusions=(Exclusion("silent", Words("未评价", "no answer came"), ~t.is_rated),),
    )


SURVEYS = (
    _survey(
        "solution-rate",
        Words("解决率", "Solution rate"),
        Words(
            "作出评价的群众中认为已解决的比例", "Of those who answered, the share who say that it is solved"
        ),
        Words("其中评价已解决", "of them, solved as they say"),
        Column("solved").is_(True),
    ),
    _survey(
        "satisfaction-rate",
        Words("满意率", "Satisfaction rate"),
        Words("作出评价的群众中打 4 分及以上的比例", "Of those who answered, the share who gave 4 or 5 of 5"),
        Words("其中评分 4 分及以上", "of them, with a score of 4 or 5"),
        Column("score") >= Number(POSITIVE_SCORE),
    ),
)
