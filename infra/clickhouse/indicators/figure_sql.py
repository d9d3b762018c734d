"""From the registry to SQL: the matters of some indicators with what becomes of them, and their figures.

`judged` is the one place where a definition becomes SQL; figures, the tickets behind them and the views are
made of it. What callers give is only ever a bound parameter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from domain.periods import Grain
from infra.clickhouse.indicators.expression_sql import sql_of
from infra.clickhouse.indicators.quantile_sql import with_quantiles
from projections.indicators.expressions import columns_in
from projections.indicators.indicator import Indicator
from projections.indicators.question import DIMENSIONS, Breakdown
from projections.indicators.registry import REGISTRY

COUNTED, HIT, LEFT_OUT, OUTSIDE = 0, 1, 2, 255
"""Verdicts: in the denominator alone, in the numerator too, excluded (by which exclusion: this and up), and
not looked at by the indicator."""
STORED: Mapping[str, str] = {
    key: f"verdict_{key.replace('-', '_')}"
    for key, one in REGISTRY.items()
    if one.is_settled_by_events and any(name for part in one.verdict for name in columns_in(part))
}
"""The columns of the tables of matters that keep verdicts, by indicator."""
SPEAKS = ("origin", "untouched")
"""The columns that say up to when it is known what has become of a matter."""
_DIGITS = "[2, 4, 6, 9, 12]"
_START_OF = {
    Grain.DAY: "toDate",
    Grain.WEEK: "toMonday",
    Grain.MONTH: "toStartOfMonth",
    Grain.QUARTER: "toStartOfQuarter",
    Grain.YEAR: "toStartOfYear",
}
EVERYWHERE, IN_REGION = "true", "(region = {region:String} OR startsWith(region, {below:String}))"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The moments of a question, in SQL."""

    in_period: str
    """Whether `{at}` is in the period."""
    known_until: str
    """Up to when it is known what has become of a matter."""
    snapshot: str
    """The moment, or moments, of a snapshot."""
    many_snapshots: bool = False
    looks_at: tuple[str, ...] = ()
    """The columns that `known_until` depends on."""


_AS_OF = "toTimeZone({as_of:DateTime64(6, 'UTC')}, 'Asia/Shanghai')"
_SPOKE = (
    f"if(untouched, least({_AS_OF}, transform(toString(origin), {{origins:Array(String)}}, "
    f"{{spoke:Array(DateTime64(6, 'UTC'))}}, {_AS_OF})), {_AS_OF})"
)
_ONE = "toTimeZone({snapshot:DateTime64(6, 'UTC')}, 'Asia/Shanghai')"
_EACH = "toTimeZone(arrayJoin({snapshots:Array(DateTime64(6, 'UTC'))}), 'Asia/Shanghai')"


def asked(*, some_are_silent: bool, many_snapshots: bool) -> Bounds:
    """Give the bounds of a question, whose moments are bound parameters.

    `some_are_silent`: some origins have last spoken at `{spoke}`; `many_snapshots`: at each of `{snapshots}`.
    """
    return Bounds(
        in_period="{at} >= {{start:DateTime64(6, 'UTC')}} AND {at} < {{end:DateTime64(6, 'UTC')}}",
        known_until=_SPOKE if some_are_silent else _AS_OF,
        snapshot=_EACH if many_snapshots else _ONE,
        many_snapshots=many_snapshots,
        looks_at=SPEAKS if some_are_silent else (),
    )


def region_sql(breakdown: Breakdown) -> str:
    """Cut the region to a depth; a matter that is known less deeply stays under what is known."""
    return (
        f"if(match(region, '^[0-9]'), substring(region, 1, {_DIGITS}[{breakdown.depth}]), "
        f"arrayStringConcat(arraySlice(splitByChar(':', toString(region)), 1, {breakdown.depth}), ':'))"
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which matters, judged by which indicators."""

    indicators: tuple[Indicator, ...]
    source: Callable[[Sequence[str]], str]
    """Gives the statement for some columns of the matters in the region that is bound."""
    bounds: Bounds
    narrowed: tuple[str, ...] = ()
    """Dimensions, each bound as `narrow_N`."""
    by: tuple[Breakdown, ...] = ()
    stored: Mapping[str, str] = field(default_factory=dict)
    """Which of the columns of `STORED` the source has."""

    def columns(self, further: Iterable[str] = ()) -> list[str]:
        """Name the columns that it looks at: an analysis of all of them would take longer than the answer."""
        expressions = (
            part
            for one in self.indicators
            for part in (*one.surroundings, *(() if one.key in self.stored else one.verdict))
        )
        narrowed = (DIMENSIONS[name] for name in self.narrowed)
        looked_at = (name for expression in expressions for name in columns_in(expression))
        verdicts = (self.stored[one.key] for one in self.indicators if one.key in self.stored)
        always = ("late_events", *self.bounds.looks_at)
        return sorted({*always, *self.dimensions, *narrowed, *looked_at, *verdicts, *further})

    @property
    def dimensions(self) -> set[str]:
        """The columns that it is broken down by."""
        return {_column_of(breakdown) for breakdown in self.by if not breakdown.grain}


def judged(selection: Selection, further: Iterable[str] = ()) -> str:
    """Select matters with their verdicts, the columns of the breakdowns, and `further` ones.

    Of one indicator only those that belong to it. Of many each is looked at for itself: what belongs to any
    of them would only be worked out in addition.
    """
    columns, bounds, indicators = selection.columns(further), selection.bounds, selection.indicators
    alone = len(indicators) == 1
    shown = {*selection.dimensions, *further, "late_events"}
    parts = [part for n, one in enumerate(indicators) for part in _judgement(selection, one, n)]
    narrowed = [f"{DIMENSIONS[name]} = {{narrow_{n}:String}}" for n, name in enumerate(selection.narrowed)]
    belongs = [_belongs(indicators[0], bounds)] if alone else []  # a null is as good as false there
    matters = "matters"
    if bounds.many_snapshots:
        matters = f"(SELECT {', '.join(columns)}, {bounds.snapshot} AS at FROM matters)"  # noqa: S608
    return f"""
WITH matters AS ({selection.source(columns)}),
    {bounds.known_until} AS known_until{"" if bounds.many_snapshots else f", {bounds.snapshot} AS at"}
SELECT {", ".join([*sorted(shown), *parts])}
FROM {matters}
WHERE {" AND ".join([*narrowed, *belongs]) or EVERYWHERE}
"""  # noqa: S608 - our own names and definitions


def _column_of(breakdown: Breakdown) -> str:
    return DIMENSIONS.get(breakdown.name, "region")


def _at(indicator: Indicator) -> str:
    return sql_of(indicator.at, "matters") if indicator.at else "at"


def _belongs(indicator: Indicator, bounds: Bounds) -> str:
    counts = sql_of(indicator.counts, "matters")
    if indicator.at is None:
        return counts
    return f"{bounds.in_period.format(at=_at(indicator))} AND {counts}"


def _judgement(selection: Selection, indicator: Indicator, n: int) -> Iterator[str]:
    """Columns of one indicator: its moment, verdict, whether it is undecided, and how long it took."""
    verdict = selection.stored.get(indicator.key) or verdict_sql(indicator)
    if len(selection.indicators) > 1:
        verdict = f"if(ifNull({_belongs(indicator, selection.bounds)}, false), {verdict}, {OUTSIDE})"
    yield f"{_at(indicator)} AS at_{n}"
    yield f"{verdict} AS verdict_{n}"
    yield f"{sql_of(indicator.undecided, 'matters')} AS undecided_{n}"
    if indicator.duration:
        yield f"intDiv({sql_of(indicator.duration.microseconds, 'matters')}, 1000000) AS seconds_{n}"


def verdict_sql(indicator: Indicator) -> str:
    """Say what becomes of a matter that belongs to an indicator: the first exclusion that holds, if any."""
    excluded = [
        f"{sql_of(one.when, 'matters')}, {code}" for code, one in enumerate(indicator.exclusions, LEFT_OUT)
    ]
    achieved = f"{sql_of(indicator.achieved, 'matters')}, {HIT}"
    return f"multiIf({', '.join([*excluded, achieved])}, {COUNTED})"


def figures_sql(selection: Selection) -> str:
    """Count them: a row for every combination of the breakdowns, and one when there are none."""
    by, indicators = selection.by, selection.indicators
    keys = [f"{_key(breakdown)} AS key_{n}" for n, breakdown in enumerate(by)]
    counts = [part for n, one in enumerate(indicators) for part in _counts(one, n)]
    grouping = f"GROUP BY {', '.join(f'key_{n}' for n in range(len(by)))}" if by else ""
    counted = f"""
SELECT {", ".join([*keys, *counts])}
FROM ({judged(selection)})
{grouping}
"""  # noqa: S608 - our own names and definitions
    timed = {n: one.duration for n, one in enumerate(indicators) if one.duration}
    return with_quantiles(counted, timed) if timed else counted


def _key(breakdown: Breakdown) -> str:
    if breakdown.grain:
        return f"{_START_OF[breakdown.grain]}(at_0, 'Asia/Shanghai')"
    return region_sql(breakdown) if breakdown.name == "region" else DIMENSIONS[breakdown.name]


def _counts(indicator: Indicator, n: int) -> Iterator[str]:
    yield f"countIf(verdict_{n} < {LEFT_OUT}) AS included_{n}"
    yield f"countIf(verdict_{n} = {HIT}) AS hits_{n}"
    excluded = (f"countIf(verdict_{n} = {code})" for code, _ in enumerate(indicator.exclusions, LEFT_OUT))
    yield f"[{', '.join(excluded)}]::Array(UInt64) AS excluded_{n}"
    yield f"countIf(verdict_{n} != {OUTSIDE} AND undecided_{n}) AS undecided_in_{n}"
    yield f"sumIf(late_events, verdict_{n} != {OUTSIDE}) AS late_{n}"
    if indicator.duration:
        # even: finished; odd: not, and after those that are at the same time
        yield (
            f"arraySort(groupArrayIf(toUInt64(assumeNotNull(seconds_{n})) * 2 + (verdict_{n} = {COUNTED}), "
            f"verdict_{n} < {LEFT_OUT} AND isNotNull(seconds_{n}))) AS durations_{n}"
        )
