"""Worklists: whose turn it is, what waits one level up, and in which order."""

from datetime import timedelta

from domain import commands as c
from domain.vocabulary import Level, Role
from infra.read_store.open import ReadStore
from infra.read_store.ticket_queries import SqlTicketQueries
from projections.ticket_state import Because, TicketRow
from projections.worklist import LEVEL_OF
from tests.contract.read_store_fixtures import open_reads, project, read_url, reads
from tests.journeys import ACTORS, COUNTY, HAPPY_PATH, PREFECTURE, START, VILLAGE, Journey, walked

__all__ = ["open_reads", "read_url", "reads"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TURNS = (
    Role.GRID_WORKER, Role.VILLAGE, Role.TOWNSHIP, Role.DEPARTMENT, Role.DEPARTMENT, Role.GRID_WORKER,
    None, None,
)  # fmt: skip
"""Who is next after each step of the happy path."""


def test_every_step_waits_on_the_worklist_of_its_holder_and_of_nobody_else(reads: ReadStore) -> None:
    journey = Journey()
    queries = SqlTicketQueries(reads)
    turns = [
        Role.GRID_WORKER,
        Role.VILLAGE,
        Role.TOWNSHIP,
        Role.DEPARTMENT,
        Role.DEPARTMENT,
        Role.GRID_WORKER,
    ]
    for (command, role), turn in zip(HAPPY_PATH, [*turns, None, None], strict=True):
        journey.give(command, role, HOUR)
        project(reads, journey.events)
        for actor in ACTORS.values():
            page = queries.worklist(actor.role, actor.unit)
            assert [work.because for work in page.items] == ([Because.HELD] if actor.role is turn else [])


def test_others_of_the_same_level_do_not_see_it(reads: ReadStore) -> None:
    queries = SqlTicketQueries(reads)
    project(reads, walked(3).events)
    assert not queries.worklist(Role.TOWNSHIP, "622901002").items
    assert not queries.worklist(Role.TOWNSHIP, None).items
    assert queries.worklist(Role.TOWNSHIP, COUNTY).items  # an officer for the whole county's townships
    project(reads, walked(4).events[3:])
    assert not queries.worklist(Role.DEPARTMENT, "dept:622901").items


def test_extensions_suspensions_and_escalations_wait_one_level_up(reads: ReadStore) -> None:
    journey = walked(5)
    queries = SqlTicketQueries(reads)

    def listed() -> dict[Role, Because]:
        project(reads, journey.events)
        found = {actor.role: queries.worklist(actor.role, actor.unit).items for actor in ACTORS.values()}
        return {role: items[0].because for role, items in found.items() if items}

    until = journey.now + 9 * DAY
    journey.give(c.RequestExtension(until=until, reason="parts"), Role.DEPARTMENT)
    assert listed() == {Role.DEPARTMENT: Because.HELD, Role.TOWNSHIP: Because.EXTENSION}
    journey.give(c.GrantExtension(), Role.TOWNSHIP)
    assert listed() == {Role.DEPARTMENT: Because.HELD}
    journey.give(c.Suspend(reason="parts"), Role.TOWNSHIP)
    assert listed() == {Role.DEPARTMENT: Because.HELD, Role.TOWNSHIP: Because.SUSPENDED}
    journey.give(c.Resume(), Role.TOWNSHIP)
    for level in (Role.TOWNSHIP, Role.COUNTY):
        journey.give(c.Escalate(reason="late"), Role.SYSTEM)
        assert listed() == {Role.DEPARTMENT: Because.HELD, level: Because.ESCALATED}
    journey.give(c.Resolve(), Role.DEPARTMENT)
    assert listed() == {Role.GRID_WORKER: Because.HELD}


def test_an_emergency_waits_for_the_county(reads: ReadStore) -> None:
    journey = walked(1)
    journey.give(c.DeclareEmergency(reason="fire"), Role.COUNTY)
    project(reads, journey.events)
    [work] = SqlTicketQueries(reads).worklist(Role.COUNTY, COUNTY).items
    assert (work.because, work.commands) == (Because.EMERGENCY, ("dispatch",))
    assert not SqlTicketQueries(reads).worklist(Role.PREFECTURE, PREFECTURE).items


def test_the_worklist_is_in_order_of_due_and_comes_in_pages(reads: ReadStore) -> None:
    for serial, hours in enumerate([5, 1, 3, 1, 4, 2]):
        journey = Journey(serial=serial, now=START + hours * HOUR)
        journey.give(c.Place(region=VILLAGE), Role.RESIDENT)
        project(reads, journey.events)
    imported = Journey(serial=50)
    command = c.Import(
        origin="x1", source_id="1", region=VILLAGE, category="x", category_text="x", placed_at=START
    )
    imported.give(command, Role.SYSTEM)
    project(reads, imported.events)
    queries = SqlTicketQueries(reads)
    found: list[TicketRow] = []
    cursor = None
    while True:
        page = queries.worklist(Role.GRID_WORKER, VILLAGE, limit=2, cursor=cursor)
        found += [work.ticket for work in page.items]
        if (cursor := page.next_cursor) is None:
            break
    dues = [row.stage_due for row in found]
    assert dues[-1] is None
    assert len(dues) == 7
    assert dues[:-1] == sorted(due for due in dues if due)


def test_every_role_that_holds_tickets_has_a_desk() -> None:
    assert set(LEVEL_OF.values()) == set(Level)
