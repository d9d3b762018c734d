"""Lists of many tickets stay fast because each is read from an index in its own order (SQLite's planner)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import event

from domain.regions import Region
from domain.vocabulary import Role
from infra.read_store.clock_queries import SqlClockQueries
from infra.read_store.open import ReadStore, open_read_store
from infra.read_store.ticket_queries import SqlTicketQueries
from infra.read_store.timer_firing import due_timers, held_by
from projections.page import write_cursor
from projections.sla_clocks import BreachFilter
from projections.ticket_state import Sort, TicketFilter
from tests.journeys import START, TOWNSHIP


def plan_of(store: ReadStore, ask: Callable[[], object]) -> str:
    """How the database answers the first question that `ask` puts."""
    asked: list[tuple[str, tuple[object, ...]]] = []

    def listen(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        if statement.startswith("SELECT") and isinstance(values, tuple):
            asked.append((statement, values))

    event.listen(store._engine, "before_cursor_execute", listen)
    ask()
    event.remove(store._engine, "before_cursor_execute", listen)
    statement, values = asked[0]
    with store.reading() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return " ".join(str(row[3]) for row in found) + " "


@pytest.mark.parametrize(
    ("wanted", "sort", "index"),
    [
        (TicketFilter(), Sort.NEWEST, "ticket_state_1_placed"),
        (TicketFilter(region=Region("6229")), Sort.NEWEST, "ticket_state_1_placed"),
        (TicketFilter(region=Region("622901")), Sort.NEWEST, "ticket_state_1_area_placed"),
        (TicketFilter(region=Region("622901")), Sort.OLDEST, "ticket_state_1_area_placed"),
        (TicketFilter(region=Region("us-nyc:queens")), Sort.NEWEST, "ticket_state_1_area_placed"),
        (TicketFilter(region=Region("622901"), open=True), Sort.NEWEST, "ticket_state_1_open_area"),
        (TicketFilter(region=Region("622901"), open=True), Sort.DUE, "ticket_state_1_open_area_due"),
        (TicketFilter(region=Region("62"), open=True), Sort.DUE, "ticket_state_1_open_due"),
        (TicketFilter(region=Region("622901001001")), Sort.NEWEST, "ticket_state_1_place"),
        (TicketFilter(region=Region("us-nyc:queens:09")), Sort.NEWEST, "ticket_state_1_place"),
    ],
)
def test_lists_are_read_from_the_index_that_was_made_for_them(
    tmp_path: Path, wanted: TicketFilter, sort: Sort, index: str
) -> None:
    store = open_read_store(f"sqlite:///{tmp_path}/read.db")
    for cursor in (None, write_cursor(sort, (START, "622901-261123-222AX"))):
        plan = plan_of(store, partial(SqlTicketQueries(store).list, wanted, sort=sort, cursor=cursor))
        assert f"USING INDEX {index} " in plan
        assert ("TEMP B-TREE" in plan) == (index == "ticket_state_1_place")
    store.close()


def test_breaches_are_read_from_what_is_late(tmp_path: Path) -> None:
    store = open_read_store(f"sqlite:///{tmp_path}/read.db")
    queries = SqlClockQueries(store)
    for wanted, index in (
        (BreachFilter(), "sla_clocks_1_late_due"),
        (BreachFilter(region=Region("622901")), "sla_clocks_1_late_area"),
    ):
        plan = plan_of(store, partial(queries.breaches, wanted, as_of=START))
        assert f"USING INDEX {index} " in plan
    store.close()


def test_a_worklist_does_not_read_closed_tickets(tmp_path: Path) -> None:
    store = open_read_store(f"sqlite:///{tmp_path}/read.db")
    plan = plan_of(store, partial(SqlTicketQueries(store).worklist, Role.TOWNSHIP, TOWNSHIP))
    assert "USING INDEX ticket_state_1_open" in plan  # a partial index: only what is open
    store.close()


def test_the_next_due_timers_are_found_without_looking_at_those_that_are_not(tmp_path: Path) -> None:
    store = open_read_store(f"sqlite:///{tmp_path}/read.db")
    with store.reading() as connection:
        for ask in (
            lambda: connection.execute(due_timers("", START, 1000)).all(),
            lambda: held_by(connection),
        ):
            plan = plan_of(store, ask)
            assert "INDEX sla_timers_1_due " in plan
            assert "SCAN" not in plan
            assert "TEMP B-TREE" not in plan
    store.close()
