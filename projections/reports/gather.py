"""Asks for everything that a report says, always as of the same moment and position of the log."""

from collections.abc import Mapping
from dataclasses import replace

from domain.periods import Period
from projections.indicators.dashboard import DASHBOARD
from projections.indicators.figures import Counted, Figure, Key, figure_of
from projections.indicators.indicator import Indicator
from projections.indicators.question import Breakdown
from projections.indicators.registry import REGISTRY
from projections.indicators.standing import standing
from projections.indicators.table import OldestMissing
from projections.reports.facts import Compared, Facts, KnownLog, ReportQueries
from projections.reports.order import ReportOrder

TREND = ("on-time-rate", "satisfaction-rate")
BY_UNIT = tuple(
    REGISTRY[key]
    for key in (
        "cases-filed", "closing-rate", "on-time-rate", "response-rate", "solution-rate", "satisfaction-rate",
        "backlog", "overdue-backlog-rate", "emergency-response-time",
    )
)  # fmt: skip
BY_CATEGORY = tuple(
    REGISTRY[key]
    for key in (
        "cases-filed", "on-time-rate", "satisfaction-rate", "backlog", "overdue-backlog-rate",
        "repeat-concern-rate",
    )
)  # fmt: skip
BY_HOLDER = tuple(REGISTRY[key] for key in ("on-time-rate", "overdue-backlog-rate"))
TIMES = tuple(one for key, one in REGISTRY.items() if key.startswith("time-at-"))
_CATEGORY, _LEVEL, _HOLDER, _GRID = map(Breakdown, ("category", "level", "holder", "grid"))


def gather(order: ReportOrder, queries: ReportQueries, oldest_missing: OldestMissing) -> Facts:
    """Ask for the facts of a report; raises Transient.

    The order is pinned to where the log is. When nothing has arrived beyond that before everything is asked,
    nor after it, then what is known now was asked; otherwise what was known at the position is.
    """
    pinned = replace(order, offsets=order.offsets or queries.position().landed)
    newest = queries.newest(pinned.question(order.period))
    order = replace(order, position=None, offsets=newest.offsets or pinned.offsets)
    positionless = newest.offsets and not newest.position
    log = KnownLog(newest.position, None if positionless else oldest_missing(newest.position))
    if not newest.unknown and queries.position().complete:
        facts = _ask(replace(order, latest=True), log, queries)
        if not queries.newest(order.question(order.period)).unknown:
            return replace(facts, order=order)
    return _ask(order, log, queries)


def _ask(order: ReportOrder, log: KnownLog, queries: ReportQueries) -> Facts:
    period = order.period
    overview = _overview(order, queries)
    undecided = sum(one.now.counted.undecided for one in overview)
    on_time = REGISTRY["on-time-rate"]
    return Facts(
        order=order,
        log=log,
        names=queries.names(order),
        provisional=standing(order.question(period), undecided, log.oldest_missing),
        overview=overview,
        units=queries.figures(BY_UNIT, order.question(period, order.units)),
        categories=queries.figures(BY_CATEGORY, order.question(period, _CATEGORY)),
        holders=queries.figures(BY_HOLDER, order.question(period, _LEVEL, _HOLDER)),
        times=queries.figures(TIMES, order.question(period)),
        filed=_filed(order, queries),
        trend={key: _trend(REGISTRY[key], order, queries) for key in TREND},
        grids=queries.figures([on_time], order.question(period, _GRID))[on_time.key],
        grids_before=queries.figures([on_time], order.question(period.before, _GRID))[on_time.key],
    )


def _overview(order: ReportOrder, queries: ReportQueries) -> tuple[Compared, ...]:
    now, before, last_year = (
        queries.figures(DASHBOARD, order.question(period))
        for period in (order.period, order.period.before, order.period.last_year)
    )
    return tuple(Compared(one, now[one.key][()], before[one.key][()], last_year[one.key][()])
                 for one in DASHBOARD)  # fmt: skip


def _filed(order: ReportOrder, queries: ReportQueries) -> Mapping[Period, Mapping[Key, int]]:
    filed = _by_period(REGISTRY["cases-filed"], order, queries, (order.units, _CATEGORY))
    return {period: {key: one.included for key, one in counts.items()} for period, counts in filed.items()}


def _trend(indicator: Indicator, order: ReportOrder, queries: ReportQueries) -> Mapping[Period, Figure]:
    found = _by_period(indicator, order, queries, ())
    return {period: figure_of(indicator, counts[()]) for period, counts in found.items() if () in counts}


def _by_period(
    indicator: Indicator, order: ReportOrder, queries: ReportQueries, by: tuple[Breakdown, ...]
) -> Mapping[Period, Mapping[Key, Counted]]:
    """Ask year by year, and add up what lies in one period: a week can lie in two years."""
    wanted = (*order.earlier, order.period)
    wanted = wanted if order.period.last_year in wanted else (order.period.last_year, *wanted)
    grain = Breakdown(order.period.grain)
    found: dict[Period, dict[Key, Counted]] = {period: {} for period in wanted}
    for year in sorted({moment.year for period in wanted for moment in (period.start, period.last_moment)}):
        question = order.question(Period.parse(str(year)), *by, grain)
        for (*key, name), figure in queries.figures([indicator], question)[indicator.key].items():
            period = Period.parse(name)
            if period in found:
                counts = found[period]
                counts[tuple(key)] = _sum(counts.get(tuple(key)), figure.counted)
    return found


def _sum(one: Counted | None, other: Counted) -> Counted:
    """Add up what was counted of shares and counts; durations have no sum."""
    if one is None:
        return other
    return Counted(
        one.included + other.included,
        one.hits + other.hits,
        {key: one.excluded.get(key, 0) + other.excluded.get(key, 0)
         for key in {**one.excluded, **other.excluded}},
        one.undecided + other.undecided,
        one.late_events + other.late_events,
    )  # fmt: skip
