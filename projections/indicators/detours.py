"""Ways round: how often a matter was sent back, handed on, put off, reopened; and who solved it."""

from domain.vocabulary import UNRESOLVED, End, Level, State
from projections.indicators import terms as t
from projections.indicators.expressions import Column, Number, Repeated
from projections.indicators.indicator import Direction, Exclusion, Indicator, Unit, Words

REPEATED = 3

_BY_RESOLUTION = Words("首次办结时间", "when it was first resolved")


def _detour(key: str, column: str, name: Words, done: Words, source: str) -> Indicator:
    undecided = {State.RESOLVED} | UNRESOLVED if column == "reworks" else UNRESOLVED
    return Indicator(
        key=key,
        name=name,
        definition=Words(
            f"期内首次办结的件次中，至少{done.zh}一次的比例",
            f"Of the matters first resolved in the period, those that were {done.en} at least once",
        ),
        numerator=Words(f"其中至少{done.zh}一次", f"{done.en} at least once"),
        denominator=Words("期内首次办结的件次", "matters first resolved in the period"),
        period=_BY_RESOLUTION,
        unit=Unit.SHARE,
        direction=Direction.LOWER,
        source=source,
        at=t.first_resolved_at,
        counts=t.first_resolved_at.known,
        hit=Column(column) > Number(0),
        undecided=t.state.is_(*sorted(undecided)),
    )


_OWN = "own definition over what was resolved, so that young cases do not make it look better"
DETOURS = (
    _detour(
        "rework-rate",
        "reworks",
        Words("返工率", "Rework rate"),
        Words("重办", "sent back for rework"),
        "返工率, as Fuzhou publishes it",
    ),
    _detour("return-rate", "returns", Words("退单率", "Return rate"), Words("退单", "returned"), _OWN),
    _detour(
        "transfer-rate", "transfers", Words("转办率", "Transfer rate"), Words("转办", "transferred"), _OWN
    ),
    _detour(
        "extension-rate",
        "extensions",
        Words("延期率", "Extension rate"),
        Words("获准延期", "granted an extension"),
        "延期率, as Fuzhou publishes it",
    ),
    _detour(
        "suspension-rate", "suspensions", Words("挂起率", "Suspension rate"), Words("挂起", "suspended"), _OWN
    ),
    _detour("urge-rate", "urges", Words("催办率", "Urging rate"), Words("催办", "urged"), _OWN),
    _detour(
        "escalation-rate",
        "escalations",
        Words("升级率", "Escalation rate"),
        Words("升级督办", "escalated"),
        _OWN,
    ),
    Indicator(
        key="reopening-rate",
        name=Words("重启率", "Reopening rate"),
        definition=Words(
            "期内关闭的件次中后来重启的比例", "Of the matters closed in the period, those reopened since"
        ),
        numerator=Words("其中已重启", "reopened since"),
        denominator=Words(
            "期内评单后或评价期满后关闭的件次", "matters closed in the period after a rating or without one"
        ),
        period=Words("关闭时间", "when it was closed"),
        unit=Unit.SHARE,
        direction=Direction.LOWER,
        source="own definition; residents may reopen within 15 days",
        at=t.closed_at,
        counts=t.closed_at.known & t.end.is_(End.RATED, End.RATING_LAPSED),
        hit=t.reopened_at.known,
        undecided=t.may_be_reopened,
    ),
    Indicator(
        key="repeat-concern-rate",
        name=Words("重复诉求率", "Repeat concerns"),
        definition=Words(
            f"同一网格（未知网格时同一区域）同一类别在一个自然月内点单 {REPEATED} 件及以上的工单比例",
            f"Tickets about one category at one grid (or region, where no grid is known) of which {REPEATED} "
            "or more were placed in one calendar month",
        ),
        numerator=Words("其中属重复诉求", "of them, repeated concerns"),
        denominator=Words("期内点单的工单", "tickets placed in the period"),
        period=Words("点单时间", "when it was placed"),
        unit=Unit.SHARE,
        direction=Direction.LOWER,
        source="own definition of 重复诉求 by place",
        at=t.filed_at,
        counts=t.is_first_cycle,
        hit=Repeated(REPEATED),
    ),
)

LEVELS = {
    Level.GRID: Words("网格", "grid"),
    Level.VILLAGE: Words("村（社区）", "village"),
    Level.TOWNSHIP: Words("乡镇（街道）", "township"),
    Level.DEPARTMENT: Words("部门", "department"),
}


def _solved_at(level: Level, name: Words) -> Indicator:
    return Indicator(
        key=f"solved-at-{level.value}",
        name=Words(f"{name.zh}办结占比", f"Solved at the {name.en}"),
        definition=Words(
            f"期内办结且有效的件次中由{name.zh}一级办结的比例",
            f"Of what was resolved in the period, as far as that stands, what the {name.en} resolved",
        ),
        numerator=Words(f"其中由{name.zh}办结", f"resolved by the {name.en}"),
        denominator=Words("期内办结且未重启的件次", "matters resolved in the period and not reopened since"),
        period=Words("办结时间", "when it was resolved"),
        unit=Unit.SHARE,
        direction=Direction.NEUTRAL,
        source="六单联办: what the grid or the village can solve ends there",
        at=t.resolved_at,
        counts=t.resolved_at.known & ~t.reopened_at.known,
        hit=t.resolver_level.is_(level.value),
        exclusions=(
            Exclusion(t.FROM_ELSEWHERE.key, t.FROM_ELSEWHERE.name, t.is_imported & ~t.resolver_level.known),
        ),
        undecided=t.is_not_settled,
    )


SOLVED_AT = tuple(_solved_at(level, name) for level, name in LEVELS.items())
