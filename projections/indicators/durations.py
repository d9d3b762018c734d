"""How long things take: to respond, to resolve, at every level, in an emergency."""

from domain.vocabulary import State
from projections.indicators import terms as t
from projections.indicators.detours import LEVELS
from projections.indicators.expressions import ALWAYS, Column, Elapsed, Number, Sum, When
from projections.indicators.indicator import Direction, Duration, Exclusion, Indicator, Unit, Words


def _time_at(level: str, name: Words) -> Indicator:
    held, still = Column(f"{level}_microseconds"), Column("holding").is_(level)
    running = Elapsed(When(still, Column("holding_since")), t.as_of)
    return Indicator(
        key=f"time-at-{level}",
        name=Words(f"{name.zh}滞留时长", f"Time at the {name.en}"),
        definition=Words(
            f"工单在{name.zh}一级停留的自然时间（含夜间和节假日，不含挂起），往返累计；仍在该级的按删失处理",
            f"Plain time, nights and holidays included and suspensions left out, that the {name.en} held a "
            "matter, all its stretches together; what is still there is censored",
        ),
        numerator=Words("其中已离开该级", "of them, no longer there"),
        denominator=Words(
            "期内点单（或重启）且到过该级的件次", "matters filed in the period that came to that level"
        ),
        period=t.BY_FILING,
        unit=Unit.SECONDS,
        direction=Direction.LOWER,
        source="own definition: time is charged to the level that held the ticket; Kaplan–Meier quantiles",
        at=t.filed_at,
        counts=(held > Number(0)) | still,
        exclusions=(t.FROM_ELSEWHERE,),
        undecided=t.is_open,
        duration=Duration(Sum(held, running), ~still),
    )


_BEFORE_FILING = Exclusion(
    "before-filing",
    Words("办结早于点单（来源数据有误）", "resolved before it was filed, as its source says"),
    t.resolved_at < t.filed_at,
)
_FAST = ~(t.emergency_over_at < t.emergency_response_at) & t.emergency_response_at.known
DURATIONS = (
    Indicator(
        key="response-time",
        name=Words("响应时长", "Time to respond"),
        definition=Words(
            "从点单到首次响应（核单、不予受理或直接派单）的自然时间",
            "Plain time from placing until it was first taken up: verified, rejected or dispatched",
        ),
        numerator=Words("其中已响应", "of them, taken up"),
        denominator=Words("期内点单的工单", "tickets placed in the period"),
        period=Words("点单时间", "when it was placed"),
        unit=Unit.SECONDS,
        direction=Direction.LOWER,
        source="own definition; Kaplan–Meier quantiles",
        at=t.filed_at,
        counts=t.is_first_cycle,
        exclusions=(
            t.FROM_ELSEWHERE,
            Exclusion(
                "withdrawn", Words("响应前撤单", "withdrawn before"), t.first_step.is_(State.WITHDRAWN)
            ),
            Exclusion("merged", Words("响应前并单", "merged before"), t.first_step.is_(State.MERGED)),
        ),
        undecided=~t.responded_at.known & t.is_open,
        duration=Duration(
            Elapsed(t.filed_at, t.responded_at.or_else(t.closed_at, t.as_of)), t.responded_at.known
        ),
    ),
    Indicator(
        key="resolution-time",
        name=Words("办结时长", "Time to resolve"),
        definition=Words(
            "从点单（或重启）到办结的自然时间，含挂起；未办结的按删失处理",
            "Plain time, suspensions included, from filing until it was resolved; what is not is censored",
        ),
        numerator=Words("其中已办结", "of them, resolved"),
        denominator=Words("期内点单（或重启）的件次", "matters filed in the period"),
        period=t.BY_FILING,
        unit=Unit.SECONDS,
        direction=Direction.LOWER,
        source="own definition; Kaplan–Meier quantiles",
        at=t.filed_at,
        counts=ALWAYS,
        exclusions=(t.NOT_KNOWN_WHEN, _BEFORE_FILING),
        undecided=t.is_open,
        duration=Duration(Elapsed(t.filed_at, t.stopped_at.or_else(t.as_of)), t.resolved_at.known),
    ),
    *(_time_at(level.value, name) for level, name in LEVELS.items()),
    _time_at("above", Words("县州", "county and prefecture")),
    Indicator(
        key="emergency-response-time",
        name=Words("应急响应时长", "Emergency response time"),
        definition=Words(
            "从转急到首条应急处置记录的自然时间；转平前无记录的按删失处理；一件内多次转急取首次",
            "From declaring an emergency to the first entry in its response log; without one before "
            "it was stood down it is censored; of several emergencies of one matter the first",
        ),
        numerator=Words("其中已有处置记录", "of them, with an entry"),
        denominator=Words("期内转急的件次", "matters for which an emergency was declared in the period"),
        period=Words("转急时间", "when the emergency was declared"),
        unit=Unit.SECONDS,
        direction=Direction.LOWER,
        source="平急结合: warn, report, track at once; Kaplan–Meier quantiles",
        at=t.emergency_at,
        counts=t.emergency_at.known,
        undecided=~_FAST & t.is_open & ~t.emergency_over_at.known,
        duration=Duration(
            Elapsed(
                t.emergency_at,
                When(_FAST, t.emergency_response_at).or_else(t.emergency_over_at, t.closed_at, t.as_of),
            ),
            _FAST,
        ),
    ),
)
