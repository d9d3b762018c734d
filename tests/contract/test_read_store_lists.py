"""Lists: the same answers from SQLite and PostgreSQL, and complete page by page."""

import random
from collections.abc import Callable
from functools import partial

import pytest

from domain import commands as c
from domain.errors import Invalid
from domain.regions import Region
from domain.ticket_event import TicketEvent
from domain.vocabulary import Level, MatterClass, Role, State
from infra.read_store.clock_queries import SqlClockQueries
from infra.read_store.open import ReadStore
from infra.read_store.ticket_queries import SqlTicketQueries
from projections.page import Page
from projections.sla_clocks import BreachFilter
from projections.ticket_state import Sort, TicketFilter, TicketRow
from tests.contract.read_store_fixtures import open_reads, project, read_url, reads
from tests.contract.read_store_sample import DAY, GRID, NOW, histories, rows
from tests.journeys import ROADS, START, VILLAGE, Journey

__all__ = ["histories", "open_reads", "read_url", "reads", "rows"]


def pages(ask: Callable[[str | None], Page[TicketRow]]) -> list[TicketRow]:
    found: list[TicketRow] = []
    cursor = None
    while True:
        page = ask(cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


FILTERS: dict[str, tuple[TicketFilter, Callable[[TicketRow], bool]]] = {
    "all": (TicketFilter(), lambda row: True),
    "open": (TicketFilter(open=True), lambda row: row.open),
    "ended": (TicketFilter(open=False), lambda row: not row.open),
    "states": (
        TicketFilter(states=frozenset({State.PLACED, State.CLOSED})),
        lambda row: row.state in ("placed", "closed"),
    ),
    "open states": (
        TicketFilter(states=frozenset({State.PLACED, State.ISSUED})),
        lambda row: row.state in ("placed", "issued"),
    ),
    "class": (TicketFilter(matter_class=MatterClass.GENERAL), lambda row: row.matter_class == "general"),
    "category": (TicketFilter(category="roads.surface"), lambda row: row.category == "roads.surface"),
    "text, any case": (TicketFilter(text="heat"), lambda row: "HEATING" in row.category_text),
    "text, Chinese": (TicketFilter(text="道路"), lambda row: "道路" in row.category_text),
    "text, no wildcard": (TicketFilter(text="100%"), lambda row: "100%" in row.category_text),
    "text, no wildcard either": (TicketFilter(text="_"), lambda row: "_" in row.category),
    "holder": (TicketFilter(holder=ROADS), lambda row: row.holder == ROADS),
    "level": (TicketFilter(level=Level.GRID), lambda row: row.level == "grid"),
    "placed": (
        TicketFilter(placed_from=START, placed_before=START + DAY / 4),
        lambda row: START <= row.placed_at < START + DAY / 4,
    ),
    "due": (
        TicketFilter(due_before=START),
        lambda row: row.resolve_due is not None and row.resolve_due < START,
    ),
    "overdue": (TicketFilter(overdue_at=NOW), lambda row: row.overdue(NOW)),
    "overdue then": (TicketFilter(overdue_at=START), lambda row: row.overdue(START)),
    "suspended": (TicketFilter(suspended=True), lambda row: row.suspended),
    "running": (TicketFilter(suspended=False), lambda row: not row.suspended),
    "emergency": (TicketFilter(emergency=True), lambda row: row.emergency),
    "origin": (TicketFilter(origin="nyc311"), lambda row: row.origin == "nyc311"),
    "several": (
        TicketFilter(region=Region("us-nyc"), open=True, origin="nyc311"),
        lambda row: row.open and row.origin == "nyc311" and row.area == "us-nyc",
    ),
    "scope": (
        TicketFilter(region=Region("622901001001"), scope=Region("622901")),
        lambda row: row.place.startswith("622901001001"),
    ),
    "outside the scope": (
        TicketFilter(region=Region("622901001001"), scope=Region("us-nyc:queens")),
        lambda row: False,
    ),
}


@pytest.mark.parametrize("sort", Sort)
def test_filters_orders_and_pages(reads: ReadStore, rows: list[TicketRow], sort: Sort) -> None:
    queries = SqlTicketQueries(reads)
    for name, (wanted, holds) in FILTERS.items():
        expected = sorted((row for row in rows if holds(row)), key=lambda row: _sort_key(row, sort))
        if sort is Sort.NEWEST:
            expected.reverse()
        found = pages(partial(_page, queries, wanted, sort))
        assert found == expected, name
        assert queries.count(wanted) == len(expected), name
        if name != "outside the scope":
            assert len(expected) > 0, name


def _page(queries: SqlTicketQueries, wanted: TicketFilter, sort: Sort, cursor: str | None) -> Page[TicketRow]:
    return queries.list(wanted, sort=sort, limit=3, cursor=cursor)


def _sort_key(row: TicketRow, sort: Sort) -> tuple[bool, object, str]:
    key = row.resolve_due if sort is Sort.DUE else row.placed_at
    return key is None, key or START, row.number


WHERE = (
    "62", "6229", "622901", "622921", "622901001", "622901002", "622901001001", "65", "11", "us-nyc",
    "us-nyc:queens", "us-nyc:queens:09", "us-nyc:bronx", "us-nyc2", "us-nyc:queens-west", "us-n",
    "us-nyc:que", "us-nyc:queens:0",
)  # fmt: skip


@pytest.mark.parametrize("sort", Sort)
def test_a_region_contains_what_the_domain_says(reads: ReadStore, rows: list[TicketRow], sort: Sort) -> None:
    queries = SqlTicketQueries(reads)
    for where in map(Region.parse, WHERE):
        found = queries.list(TicketFilter(region=where), sort=sort, limit=500)
        assert {row.number for row in found.items} == {
            row.number for row in rows if where.contains(row.grid or row.region)
        }, where


def test_a_grid_is_a_region_too(reads: ReadStore, rows: list[TicketRow]) -> None:
    found = SqlTicketQueries(reads).list(TicketFilter(region=GRID))
    assert [row.grid for row in found.items] == [GRID]


def test_get(reads: ReadStore, rows: list[TicketRow]) -> None:
    queries = SqlTicketQueries(reads)
    assert queries.get(rows[3].number) == rows[3]
    assert queries.get("622901-261123-XXXXX") is None


@pytest.mark.parametrize("sort", Sort)
def test_pages_are_complete_while_rows_change(
    reads: ReadStore, histories: list[list[TicketEvent]], rows: list[TicketRow], sort: Sort
) -> None:
    queries = SqlTicketQueries(reads)
    arrivals = [Journey(serial=1000 + n, now=START + n * DAY / 3) for n in range(40)]
    pause = random.Random(5)
    seen: list[str] = []
    cursor = None
    while True:
        page = queries.list(TicketFilter(), sort=sort, limit=4, cursor=cursor)
        seen += [row.number for row in page.items]
        if (cursor := page.next_cursor) is None:
            break
        journey = arrivals.pop()
        journey.give(c.Place(region=VILLAGE), Role.RESIDENT)
        journey.give(c.Verify(), Role.GRID_WORKER, pause.random() * DAY)
        project(reads, journey.events)
    assert len(seen) == len(set(seen))
    assert {row.number for row in rows} <= set(seen)


def test_a_cursor_of_another_order_is_refused(reads: ReadStore, rows: list[TicketRow]) -> None:
    queries = SqlTicketQueries(reads)
    cursor = queries.list(TicketFilter(), limit=2).next_cursor
    assert cursor is not None
    for bad in (cursor[:-3], "x"):
        with pytest.raises(Invalid):
            queries.list(TicketFilter(), limit=2, cursor=bad)
    with pytest.raises(Invalid):
        queries.list(TicketFilter(), sort=Sort.DUE, limit=2, cursor=cursor)
    with pytest.raises(Invalid):
        SqlClockQueries(reads).breaches(BreachFilter(), as_of=NOW, cursor=cursor)
    with pytest.raises(Invalid):
        queries.list(TicketFilter(), limit=0)
