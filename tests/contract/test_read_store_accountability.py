"""Whom broken limits are charged to: the same sums from SQLite and PostgreSQL, and those of the breaches."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import pytest

from domain.regions import Region
from domain.ticket_event import TicketEvent
from domain.vocabulary import ClockKind, Level
from infra.read_store.accountability_query import SqlAccountabilityQueries
from infra.read_store.clock_queries import SqlClockQueries
from infra.read_store.open import ReadStore
from projections.page import MAX_LIMIT
from projections.sla_accountability import Charges, Period
from projections.sla_clocks import Breach, BreachFilter
from projections.ticket_state import TicketRow
from tests.contract.read_store_fixtures import open_reads, project, read_url, reads
from tests.contract.read_store_sample import DAY, HOUR, NOW, histories, rows
from tests.journeys import ROADS, START

__all__ = ["histories", "open_reads", "read_url", "reads", "rows"]

EVER = Period(START - 100 * DAY, START + 100 * DAY)
WEEK = Period(START - 2 * DAY, START + 5 * DAY)


def charges(
    reads: ReadStore, wanted: BreachFilter | None = None, period: Period = EVER, as_of: datetime = NOW,
    known_until: Mapping[str, datetime] | None = None, limit: int = 1000, worst: int = 1000,
) -> Charges:  # fmt: skip
    return SqlAccountabilityQueries(reads).charges(
        wanted or BreachFilter(),
        period,
        as_of=as_of,
        known_until=known_until or {},
        limit=limit,
        worst=worst,
    )


def breaches(
    reads: ReadStore, wanted: BreachFilter, as_of: datetime, known_until: Mapping[str, datetime]
) -> list[Breach]:
    page = SqlClockQueries(reads).breaches(wanted, as_of=as_of, known_until=known_until, limit=MAX_LIMIT)
    assert page.next_cursor is None
    return list(page.items)


@pytest.mark.parametrize("as_of", [START - 3 * DAY, START + 5 * HOUR, NOW])
@pytest.mark.parametrize("period", [EVER, WEEK])
@pytest.mark.parametrize("known_until", [{}, {"nyc311": START - DAY, "boston311": START + DAY}])
def test_the_sums_are_those_of_the_breaches(
    reads: ReadStore,
    rows: list[TicketRow],
    as_of: datetime,
    period: Period,
    known_until: Mapping[str, datetime],
) -> None:
    assert rows
    by_unit: defaultdict[tuple[str | None, str | None, ClockKind], list[Breach]] = defaultdict(list)
    for breach in breaches(reads, BreachFilter(), as_of, known_until):
        if period.start <= breach.due_at < period.end:
            by_unit[breach.level, breach.holder, breach.clock].append(breach)
    found = charges(reads, period=period, as_of=as_of, known_until=known_until)
    assert {(line.level, line.unit, line.clock) for line in found.lines} == set(by_unit)
    assert (found.lines_in_all, found.breaches) == (len(by_unit), sum(map(len, by_unit.values())))
    for line in found.lines:
        expected = by_unit[line.level, line.unit, line.clock]
        assert line.breaches == len(expected)
        assert line.tickets == len({breach.number for breach in expected})
        assert line.running == sum(breach.stopped_at is None for breach in expected)
        assert line.overdue_seconds == pytest.approx(sum(breach.overdue_seconds for breach in expected))
        late = sorted((-b.overdue_seconds, b.number, b.cycle, b.due_at, b.stopped_at) for b in expected)
        assert [tuple(one[:4]) for one in line.worst] == [tuple(one[1:]) for one in late]
        assert [one.overdue_seconds for one in line.worst] == [pytest.approx(-one[0]) for one in late]
    sums = [line.overdue_seconds for line in found.lines]
    assert sums == sorted(sums, reverse=True)
    assert found.overdue_seconds == pytest.approx(sum(sums))


def test_the_sums_can_be_narrowed_and_cut(reads: ReadStore, rows: list[TicketRow]) -> None:
    assert rows
    every = charges(reads)
    assert len(every.lines) > 3
    for wanted in (BreachFilter(level=Level.DEPARTMENT), BreachFilter(holder=ROADS)):
        narrowed = charges(reads, wanted)
        assert 0 < len(narrowed.lines) < len(every.lines)
        assert set(narrowed.lines) < set(every.lines)
    here = charges(reads, BreachFilter(region=Region("622901")))
    assert 0 < here.breaches < every.breaches
    cut = charges(reads, limit=2, worst=1)
    assert (cut.lines_in_all, cut.breaches) == (every.lines_in_all, every.breaches)
    assert [(line.unit, line.clock) for line in cut.lines] == [
        (line.unit, line.clock) for line in every.lines[:2]
    ]
    assert [line.worst for line in cut.lines] == [line.worst[:1] for line in every.lines[:2]]


def test_a_month_begins_when_it_says(reads: ReadStore, histories: list[list[TicketEvent]]) -> None:
    project(reads, [event for events in histories for event in events])
    due = min(breach.due_at for breach in breaches(reads, BreachFilter(), NOW, {}))
    assert charges(reads, period=Period(due, due)).lines == ()
    inside, before = Period(due, due + HOUR), Period(due - HOUR, due)
    assert charges(reads, period=inside).breaches > 0
    assert charges(reads, period=before) == Charges((), 0, 0, 0.0)
