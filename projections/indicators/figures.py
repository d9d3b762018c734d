"""From matters to figures: the fold. The same is asked in SQL by `infra.clickhouse.indicators`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from domain.periods import Grain, Period
from projections.indicators.estimates import Interval, Quantiles, quantiles, wilson
from projections.indicators.expressions import PEERS, Value
from projections.indicators.indicator import Indicator, Unit
from projections.indicators.matter import Matter
from projections.indicators.question import DIMENSIONS, Breakdown, Question

Key = tuple[str, ...]
"""The values of a figure's breakdowns, in their order."""
_DIGITS = (2, 4, 6, 9, 12)
_MICROSECONDS = 1_000_000


class Counted(NamedTuple):
    """What was counted for one figure."""

    included: int
    hits: int
    """Of those included; for durations, those that are finished."""
    excluded: Mapping[str, int]
    """By reason, without those that left nothing out."""
    undecided: int
    """Of those included or excluded, how many may still change the figure."""
    late_events: int
    """Events of those included or excluded that were recorded more than 24 hours after they happened."""
    times: Quantiles | None = None


class Figure(NamedTuple):
    """An indicator's value, with what it was made of."""

    numerator: int
    denominator: int | None
    """None of a count."""
    value: float | None
    """A share, a number, or the median in seconds; None when there is nothing to divide by."""
    p90: float | None
    """The 90th percentile of durations, in seconds."""
    interval: Interval | None
    """95 %, of the share or of the median."""
    counted: Counted


class Judged(NamedTuple):
    """A matter behind a figure."""

    matter: Matter
    at: datetime
    reason: str
    """Why it is left out; empty when it is not."""
    hit: bool
    undecided: bool
    seconds: int | None


def figures(indicator: Indicator, matters: Iterable[Matter], question: Question) -> dict[Key, Figure]:
    """Fold matters into figures by the values of the breakdowns; without any, into one under `()`."""
    groups: dict[Key, list[Judged]] = {} if question.by else {(): []}
    for judged in judge(indicator, matters, question):
        groups.setdefault(_key(judged, question.by), []).append(judged)
    return {key: figure_of(indicator, _count(indicator, group)) for key, group in sorted(groups.items())}


def judge(indicator: Indicator, matters: Iterable[Matter], question: Question) -> Iterator[Judged]:
    """Give the matters that belong to an indicator in a period, each with what becomes of it."""
    matters = list(matters)
    peers = Counter(_neighbourhood(matter) for matter in matters if matter.cycle == 1)
    for matter in filter(lambda one: _is_wanted(one, question), matters):
        surroundings: dict[str, Value] = {**matter._asdict(), PEERS: peers[_neighbourhood(matter)]}
        surroundings["as_of"] = _known_until(matter, question)
        for at in _moments(indicator, surroundings, question):
            surroundings["at"] = at
            if indicator.counts.value(surroundings):
                yield _judged(indicator, matter, at, surroundings)


def figure_of(indicator: Indicator, counted: Counted) -> Figure:
    """Make the figure of what was counted."""
    if indicator.unit is Unit.COUNT:
        return Figure(counted.included, None, counted.included, None, None, counted)
    if indicator.unit is Unit.SHARE:
        value = counted.hits / counted.included if counted.included else None
        return Figure(
            counted.hits, counted.included, value, None, wilson(counted.hits, counted.included), counted
        )
    times = counted.times
    if times is None or times.p50_low is None:
        return Figure(counted.hits, counted.included, None, None, None, counted)
    interval = Interval(times.p50_low, times.p50_high)
    return Figure(counted.hits, counted.included, times.p50, times.p90, interval, counted)


def _moments(
    indicator: Indicator, surroundings: Mapping[str, Value], question: Question
) -> Sequence[datetime]:
    if indicator.at is None:
        return question.snapshots
    at = indicator.at.value(surroundings)
    inside = isinstance(at, datetime) and question.start <= at < question.period.end
    return (cast(datetime, at),) if inside else ()


def _judged(indicator: Indicator, matter: Matter, at: datetime, of: Mapping[str, Value]) -> Judged:
    reason = next((one.key for one in indicator.exclusions if one.when.value(of)), "")
    duration = indicator.duration
    hit = duration.finished if duration else indicator.hit
    microseconds = duration.microseconds.value(of) if duration else None
    return Judged(
        matter,
        at,
        reason,
        not reason and bool(hit.value(of)),
        bool(indicator.undecided.value(of)),
        microseconds // _MICROSECONDS if isinstance(microseconds, int) else None,
    )


def _count(indicator: Indicator, group: Sequence[Judged]) -> Counted:
    included = [judged for judged in group if not judged.reason]
    times = quantiles((one.seconds, one.hit) for one in included if one.seconds is not None)
    return Counted(
        included=len(included),
        hits=sum(judged.hit for judged in included),
        excluded=dict(Counter(judged.reason for judged in group if judged.reason)),
        undecided=sum(judged.undecided for judged in group),
        late_events=sum(judged.matter.late_events for judged in group),
        times=times if indicator.duration else None,
    )


def _is_wanted(matter: Matter, question: Question) -> bool:
    region = question.region
    return (region is None or region.contains(matter.region)) and all(
        getattr(matter, DIMENSIONS[name]) == value for name, value in question.narrowed.items()
    )


def _known_until(matter: Matter, question: Question) -> datetime:
    spoke = question.known_until.get(matter.origin) if matter.untouched else None
    return min(question.as_of, spoke) if spoke else question.as_of


def _neighbourhood(matter: Matter) -> tuple[str, str, Period]:
    return matter.grid or matter.region, matter.category, Period.containing(matter.filed_at, Grain.MONTH)


def _key(judged: Judged, by: Sequence[Breakdown]) -> Key:
    return tuple(_value(judged, breakdown) for breakdown in by)


def _value(judged: Judged, breakdown: Breakdown) -> str:
    if breakdown.grain:
        return str(Period.containing(judged.at, breakdown.grain))
    if breakdown.name != "region":
        return str(getattr(judged.matter, DIMENSIONS[breakdown.name]))
    region = judged.matter.region
    if region[:1].isdigit():
        return region[: _DIGITS[breakdown.depth - 1]]
    return ":".join(region.split(":")[: breakdown.depth])
