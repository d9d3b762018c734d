"""How long a figure takes over millions of events: beside hand-written queries, and by itself."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client

from domain.periods import Period
from domain.regions import Region
from infra.clickhouse.indicators.matter_tables import SETTLED
from infra.clickhouse.indicators.queries import ClickHouseIndicators
from projections.indicators.dashboard import DASHBOARD
from projections.indicators.indicator import Indicator
from projections.indicators.question import Question
from projections.indicators.registry import REGISTRY
from projections.indicators.table import tables
from tests.benchmarks.large_warehouse import large_warehouse
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides

_EVENTS, _QUICK_EVENTS = 5_000_000, 100_000
_QUESTION = Question(Period.parse("2026"), datetime(2027, 2, 1, tzinfo=UTC), Region("6229"))
_YEAR = "{at} >= '2026-01-01' AND {at} < '2027-01-01'"
_DUE = (
    f"WHERE startsWith(region, '6229') AND {_YEAR.format(at='resolve_due')} "
    "AND NOT ifNull(suspended_at <= resolve_due, false) "
    "AND NOT (end IN ('rejected', 'withdrawn', 'merged') AND ifNull(closed_at <= resolve_due, false))"
)
_HAND_WRITTEN: Mapping[str, str] = {
    "cases-filed": f"SELECT count() FROM {SETTLED} WHERE startsWith(region, '6229') AND cycle = 1 "
    f"AND {_YEAR.format(at='filed_at')}",
    "closing-rate": "SELECT count(), countIf(isNull(reopened_at) AND (isNotNull(resolved_at) "
    "OR state = 'closed')) "
    f"FROM {SETTLED} {_DUE}",
    "on-time-rate": "SELECT count(), countIf(isNull(reopened_at) AND resolved_at <= resolve_due "
    f"AND isNull(broken_due)) FROM {SETTLED} {_DUE}",
    "satisfaction-rate": f"SELECT countIf(rated), countIf(score >= 4), countIf(NOT rated) FROM {SETTLED} "
    f"WHERE startsWith(region, '6229') AND {_YEAR.format(at='surveyed_at')}",
    "backlog-age": "SELECT quantilesExact(0.5, 0.9)(dateDiff('second', filed_at, "
    "toDateTime64('2027-01-01', 6))) "
    f"FROM {SETTLED} WHERE startsWith(region, '6229') AND isNull(resolved_at) AND isNull(closed_at) "
    "AND state NOT IN ('closed', 'rejected', 'withdrawn', 'merged')",
}
"""What somebody who knows the table well would write, over the settled matters alone."""


class IndicatorsOverAYear:
    """Five indicators of a prefecture and a year, one after the other, in milliseconds for all of them.

    The embedded ClickHouse, a process of its own, with 5 million events (quick: 100,000). Ours: as the API
    asks them, with exclusions by reason, undecided matters, late events and intervals. Theirs: the best query
    by hand over the settled matters, for numerator and denominator alone. Beside it, in milliseconds: the
    slowest of all indicators, asked one by one (to stay below 150), and a dashboard of twelve figures (below
    500).
    """

    name = "indicators"
    unit = "ms"
    against = "the best hand-written queries"
    limit = Limit(Direction.AT_MOST, 1.5)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Fill the warehouse and ask everything once; both sides ask over connections that are open."""
        with large_warehouse(place, place.pick(_EVENTS, _QUICK_EVENTS)) as (client, connect):
            asked = ClickHouseIndicators(connect)
            ours = [_asking(asked, REGISTRY[name]) for name in _HAND_WRITTEN]
            theirs = [_querying(client, sql) for sql in _HAND_WRITTEN.values()]
            every = [_asking(asked, indicator) for indicator in REGISTRY.values()]

            def measured() -> Figure:
                by_hand = sum(map(_milliseconds, ours))
                slowest = max(map(_milliseconds, every))
                dashboard = _milliseconds(lambda: tables(asked, DASHBOARD, _QUESTION, lambda _: None))
                return Figure(by_hand, (("slowest", slowest), ("dashboard", dashboard)))

            measured()
            yield Sides(measured, lambda: Figure(sum(map(_milliseconds, theirs))))
            asked.close()


def _asking(asked: ClickHouseIndicators, indicator: Indicator) -> Callable[[], object]:
    return lambda: asked.figures([indicator], _QUESTION)


def _querying(client: Client, sql: str) -> Callable[[], object]:
    return lambda: client.query(sql).result_rows


def _milliseconds(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    question()
    return (time.perf_counter() - began) * 1000
