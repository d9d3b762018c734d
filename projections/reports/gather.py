"""Asks for everything that a report says, always as of the same moment and position of the log."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from domain.periods import Period
from projections.indicators.dashboard import DASHBOARD
from projections.indicators.figures import Figure, Key
from projections.indicators.indicator import Indicator
from projections.indicators.question import Breakdown
from projections.indicators.registry import REGISTRY
from projections.indicators.standing import standing
from projections.indicators.table import OldestMissing
from projections.reports.facts import Compared, Facts, Figures, KnownLog, ReportQueries
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
_AT_A_TIME = 4
Run = Mapping[Period, Mapping[Key, Figure]]
"""Figures by period, then by the values of the other breakdowns."""
_CATEGORY, _LEVEL, _HOLDER, _GRID = map(Breakdown, ("category", "level", "holder", "grid"))


def gather(order: ReportOrder, queries: ReportQueries, oldest_missing: OldestMissing) -> Facts:
    """Ask for the facts of a report; raises Transient.

    The order is pinned to where the log is. When nothing has arrived beyond that before everything is asked,
    nor after it, then what is known now was asked; otherwise what was known at the position is.
    """
    position = queries.position()
    pinned = replace(order, offsets=order.offsets or position.landed)
    newest = queries.newest(pinned.question(order.period))
    order = replace(order, position=None, offsets=newest.offsets or pinned.offsets)
    positionless = newest.offsets and not newest.position
    log = KnownLog(newest.position, None if positionless else oldest_missing(newest.position))
    if not newest.unknown and position.complete:
        facts = _ask(replace(order, latest=True), log, queries)
        if queries.position() == position:
            return replace(facts, order=order)
    return _ask(order, log, queries)


def _ask(order: ReportOrder, log: KnownLog, queries: ReportQueries) -> Facts:
    """Ask several questions at a time: most of the time of one is its analysis, by one processor."""
    period, on_time, before = order.period, REGISTRY["on-time-rate"], order.period.before
    with ThreadPoolExecutor(_AT_A_TIME) as pool:

        def figures(indicators: Sequence[Indicator], *by: Breakdown, of: Period = period) -> Future[Figures]:
            return pool.submit(queries.figures, indicators, order.question(of, *by))

        def run(indicator: Indicator, *by: Breakdown, since: Period) -> Future[Run]:
            return pool.submit(_run, indicator, order, queries, by, since)

        first = min(order.earlier[0], period.last_year, key=lambda one: one.start)
        overviews = [figures(DASHBOARD, of=one) for one in (period, before, period.last_year)]
        units, categories = figures(BY_UNIT, order.units), figures(BY_CATEGORY, _CATEGORY)
        holders, times = figures(BY_HOLDER, _LEVEL, _HOLDER), figures(TIMES)
        filed = run(REGISTRY["cases-filed"], order.units, _CATEGORY, since=first)
        trend = {key: run(REGISTRY[key], since=order.earlier[0]) for key in TREND}
        grids = run(on_time, _GRID, since=before)
        names = pool.submit(queries.names, order)
    overview = tuple(
        Compared(one, *(of_period.result()[one.key][()] for of_period in overviews)) for one in DASHBOARD
    )
    undecided = sum(one.now.counted.undecided for one in overview)
    return Facts(
        order=order,
        log=log,
        names=names.result(),
        provisional=standing(order.question(period), undecided, log.oldest_missing),
        overview=overview,
        units=units.result(),
        categories=categories.result(),
        holders=holders.result(),
        times=times.result(),
        filed={of: {key: one.counted.included for key, one in found.items()}
               for of, found in filed.result().items()},
        trend={key: {of: found[()] for of, found in one.result().items() if () in found}
               for key, one in trend.items()},
        grids=grids.result()[period],
        grids_before=grids.result()[before],
    )  # fmt: skip


def _run(
    indicator: Indicator,
    order: ReportOrder,
    queries: ReportQueries,
    by: tuple[Breakdown, ...],
    since: Period,
) -> Run:
    """Ask for a run of periods up to the report's, each with its figures."""
    found: dict[Period, dict[Key, Figure]] = {}
    period = since
    while period.start <= order.period.start:
        found[period] = {}
        period = period.following
    question = replace(order.question(order.period, *by, Breakdown(order.period.grain)), since=since)
    for (*key, name), figure in queries.figures([indicator], question)[indicator.key].items():
        found[Period.parse(name)][tuple(key)] = figure
    return found
