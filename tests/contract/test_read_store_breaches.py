"""Breaches: the same answers from SQLite and PostgreSQL, and those of the definition."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from domain import commands as c
from domain.regions import Region
from domain.ticket_event import TicketEvent
from domain.vocabulary import ClockKind, Level, MatterClass, Role
from infra.read_store.clock_queries import SqlClockQueries
from infra.read_store.open import ReadStore
from projections.sla_clocks import Breach, BreachFilter
from projections.ticket_state import TicketRow
from tests.contract.read_store_fixtures import open_reads, project, read_url, reads
from tests.contract.read_store_sample import DAY, HOUR, NOW, histories, rows
from tests.journeys import ROADS, START, VILLAGE, Journey, walked
from tests.read_models import clock_rows, pair

__all__ = ["histories", "open_reads", "read_url", "reads", "rows"]


def breaches(reads: ReadStore, wanted: BreachFilter, as_of: datetime = NOW) -> list[Breach]:
    queries = SqlClockQueries(reads)
    found: list[Breach] = []
    cursor = None
    while True:
        page = queries.breaches(wanted, as_of=as_of, limit=3, cursor=cursor)
        found += page.items
        if (cursor := page.next_cursor) is None:
            assert queries.count_breaches(wanted, as_of=as_of) == len(found)
            return found


@pytest.mark.parametrize("as_of", [START - 3 * DAY, START + 5 * HOUR, NOW])
def test_breaches_are_those_of_the_definition(
    reads: ReadStore, histories: list[list[TicketEvent]], rows: list[TicketRow], as_of: datetime
) -> None:
    expected = []
    for row in (row for events in histories for row in clock_rows(events)):
        if row.due_at is None or row.clock == ClockKind.RATING:
            continue
        end = min(row.stopped_at or row.suspended_at or as_of, as_of)
        if row.due_at < end:
            expected.append(
                (row.due_at, row.number, row.cycle, row.clock, (end - row.due_at).total_seconds())
            )
    found = breaches(reads, BreachFilter(), as_of)
    assert [(b.due_at, b.number, b.cycle, b.clock, b.overdue_seconds) for b in found] == sorted(
        expected, reverse=True
    )
    assert expected
    assert all(breach.breached_at == breach.due_at for breach in found)


def test_breaches_can_be_narrowed(reads: ReadStore, rows: list[TicketRow]) -> None:
    every = breaches(reads, BreachFilter())
    narrowed: dict[BreachFilter, Callable[[Breach], bool]] = {
        BreachFilter(region=Region("622901")): lambda b: b.place.startswith("622901"),
        BreachFilter(scope=Region("us-nyc:queens")): lambda b: Region("us-nyc:queens").contains(b.place),
        BreachFilter(clock=ClockKind.VERIFY): lambda b: b.clock is ClockKind.VERIFY,
        BreachFilter(matter_class=MatterClass.GENERAL): lambda b: b.matter_class == "general",
        BreachFilter(level=Level.DEPARTMENT): lambda b: b.level == "department",
        BreachFilter(holder=ROADS): lambda b: b.holder == ROADS,
        BreachFilter(origin="nyc311"): lambda b: b.origin == "nyc311",
        BreachFilter(running=True): lambda b: b.stopped_at is None,
        BreachFilter(running=False): lambda b: b.stopped_at is not None,
    }
    for wanted, holds in narrowed.items():
        expected = [breach for breach in every if holds(breach)]
        assert breaches(reads, wanted) == expected, wanted
        assert 0 < len(expected) < len(every), wanted


def test_the_boundary_second(reads: ReadStore) -> None:
    journey = walked(1)
    journey.give(c.Verify(), Role.GRID_WORKER, 6.5 * HOUR)  # four working hours and the break
    late = Journey(serial=8)
    late.give(c.Place(region=VILLAGE), Role.RESIDENT)
    late.give(c.Verify(), Role.GRID_WORKER, 6.5 * HOUR + timedelta(seconds=1))
    project(reads, journey.events + late.events)
    [breach] = breaches(reads, BreachFilter(clock=ClockKind.VERIFY))
    assert (breach.number, breach.overdue_seconds) == (late.events[0].number, 1.0)


def test_ratings_are_listed_only_when_asked_for(reads: ReadStore) -> None:
    journey = walked(7)
    project(reads, journey.events)
    assert not breaches(reads, BreachFilter())
    [breach] = breaches(reads, BreachFilter(clock=ClockKind.RATING))
    assert breach.due_at == journey.now + 7 * DAY


def test_a_reopened_and_a_merged_ticket(reads: ReadStore) -> None:
    journey = walked(8)
    journey.give(c.Reopen(reason="again"), Role.RESIDENT, DAY)
    other = Journey(serial=12, now=journey.now)
    other.give(c.Place(region=VILLAGE), Role.RESIDENT)
    other.give(c.Verify(), Role.GRID_WORKER)
    assert journey.ticket is not None
    pair(other, journey, c.Merge(into=journey.ticket.number))
    project(reads, journey.events + other.events)
    [breach] = breaches(reads, BreachFilter())
    assert (breach.number, breach.cycle, breach.stopped_at) == (journey.ticket.number, 2, None)
    pair(other, journey, c.Unmerge(reason="another lamp"))
    project(reads, [other.events[-1], journey.events[-1]])
    found = breaches(reads, BreachFilter())
    assert sorted((b.number, b.clock) for b in found) == sorted(
        [(breach.number, "resolve"), (other.events[0].number, "resolve"), (other.events[0].number, "issue")]
    )
    clocks = SqlClockQueries(reads).clocks(journey.ticket.number)
    assert list(clocks) == clock_rows(journey.events)
