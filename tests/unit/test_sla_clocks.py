"""Clocks begin, move, hold still, stop and begin again as the events say; breaches follow from them."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.regions import Region
from domain.ticket import Ticket
from domain.vocabulary import ClockKind, Role, State
from projections.sla_clocks import ClockRow
from tests.journeys import ROADS, START, VILLAGE, Journey, walked
from tests.random_journeys import random_journey
from tests.read_models import clock_rows, pair

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STAGES = {
    State.PLACED: ClockKind.VERIFY,
    State.VERIFIED: ClockKind.ISSUE,
    State.ISSUED: ClockKind.DISPATCH,
    State.DISPATCHED: ClockKind.ACCEPT,
    State.RESOLVED: ClockKind.FEED_BACK,
    State.FED_BACK: ClockKind.RATING,
}


def of(journey: Journey, clock: ClockKind) -> list[ClockRow]:
    return [row for row in clock_rows(journey.events) if row.clock == clock]


def broken(row: ClockRow, as_of: datetime) -> bool:
    """The definition in the module's docstring."""
    if row.due_at is None or row.due_at >= as_of:
        return False
    return row.due_at < (row.stopped_at or row.suspended_at or as_of)


def check_against(ticket: Ticket, rows: list[ClockRow], as_of: datetime) -> None:
    deadlines = ticket.deadlines
    current = [row for row in rows if row.current]
    [resolve] = [row for row in current if row.clock == ClockKind.RESOLVE]
    running = [row for row in rows if row.stopped_at is None]
    assert (resolve in running) == (ticket.resolved_at is None and not ticket.ended)
    assert resolve.cycle == ticket.cycle
    assert resolve.version == ticket.version
    if resolve in running:
        assert deadlines is not None
        assert resolve.due_at == deadlines.resolve_due
    if ticket.suspended_at is None and ticket.state is not State.WITHDRAWN:
        assert broken(resolve, as_of) == ticket.overdue(as_of)
    stages = [row for row in running if row is not resolve]
    clock = STAGES.get(ticket.state)
    due = None
    if deadlines is not None:
        due = deadlines.rating_due if clock is ClockKind.RATING else deadlines.stage_due
    if due is not None and clock is not None:
        assert [(row.clock, row.due_at) for row in stages] == [(clock, due)]
    for row in running:
        assert (row.suspended_at is not None) == (ticket.suspended_at is not None)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_after_every_event_the_clocks_are_what_the_ticket_says(data: st.DataObject) -> None:
    journey = random_journey(data, serial=7)
    assert journey.ticket is not None
    rows = clock_rows(journey.events)
    check_against(journey.ticket, rows, journey.now + data.draw(st.integers(0, 90)) * DAY)
    for row in rows:
        assert row.kept == (
            row.due_at is None or (row.stopped_at is not None and row.stopped_at <= row.due_at)
        )
        if row.kept:
            assert not broken(row, START + 9999 * DAY)


def test_every_order_has_its_clock() -> None:
    rows = clock_rows(walked(8).events)
    assert [row.clock for row in rows] == [
        "resolve", "verify", "issue", "dispatch", "accept", "feed_back", "rating",
    ]  # fmt: skip
    assert all(row.kept for row in rows)
    assert all(row.stopped_at is not None for row in rows)


def test_stopped_exactly_when_due_is_in_time_and_a_microsecond_later_is_not() -> None:
    for late, kept in ((timedelta(0), True), (timedelta(microseconds=1), False)):
        journey = walked(1)
        journey.give(c.Verify(), Role.GRID_WORKER, 6.5 * HOUR + late)  # four working hours and the break
        [row] = of(journey, ClockKind.VERIFY)
        assert row.due_at is not None
        assert row.stopped_at == row.due_at + late
        assert row.kept is kept
        assert broken(row, START + 90 * DAY) is not kept


def test_a_limit_that_is_moved_after_it_has_passed_stays_broken() -> None:
    journey = walked(5)
    journey.give(c.DeclareEmergency(reason="flood"), Role.COUNTY)
    emergency_due = of(journey, ClockKind.RESOLVE)[-1].due_at
    journey.give(c.StandDown(), Role.COUNTY, 3 * DAY)
    broken_one, running = of(journey, ClockKind.RESOLVE)
    assert (broken_one.due_at, broken_one.stopped_at) == (emergency_due, journey.now)
    assert broken(broken_one, START + 90 * DAY)
    assert running.due_at is not None
    assert broken_one.due_at is not None
    assert running.due_at > broken_one.due_at
    assert running.stopped_at is None
    assert running.started_at == broken_one.started_at


def test_a_stage_that_is_entered_twice_has_two_runs() -> None:
    journey = walked(4)
    journey.give(c.Return(reason="not ours"), Role.DEPARTMENT, 2 * DAY)
    journey.give(c.Dispatch(department="dept:water"), Role.TOWNSHIP, HOUR)
    first, second = of(journey, ClockKind.ACCEPT)
    assert (first.holder, first.kept) == (ROADS, False)
    assert (second.holder, second.stopped_at) == ("dept:water", None)
    assert [row.stopped_at is None for row in of(journey, ClockKind.DISPATCH)] == [False, False]


def test_a_transfer_goes_on_with_the_same_run_and_charges_the_new_holder() -> None:
    journey = walked(4)
    journey.give(c.Transfer(to_unit="dept:water", reason="theirs"), Role.DEPARTMENT, HOUR)
    [row] = of(journey, ClockKind.ACCEPT)
    assert (row.holder, row.stopped_at) == ("dept:water", None)


def test_a_stopped_clock_is_charged_to_the_one_who_let_it_run() -> None:
    journey = walked(5)
    journey.give(c.Resolve(), Role.DEPARTMENT, 20 * DAY)
    [row] = of(journey, ClockKind.RESOLVE)
    assert (row.level, row.holder, row.kept) == ("department", ROADS, False)


def test_while_it_is_suspended_no_limit_is_broken() -> None:
    journey = walked(5)
    journey.give(c.Suspend(reason="winter"), Role.TOWNSHIP, DAY)
    [row] = of(journey, ClockKind.RESOLVE)
    assert row.suspended_at == journey.now
    assert not broken(row, START + 900 * DAY)
    journey.give(c.Resume(), Role.TOWNSHIP, 100 * DAY)
    [resumed] = of(journey, ClockKind.RESOLVE)
    assert row.due_at is not None
    assert (resumed.suspended_at, resumed.due_at) == (None, row.due_at + 100 * DAY)
    assert not broken(resumed, journey.now)


def test_withdrawn_while_suspended_stops_when_the_clock_stood_still() -> None:
    journey = walked(5)
    journey.give(c.Suspend(reason="winter"), Role.TOWNSHIP, DAY)
    suspended_at = journey.now
    journey.give(c.Withdraw(), Role.RESIDENT, 100 * DAY)
    [row] = of(journey, ClockKind.RESOLVE)
    assert (row.stopped_at, row.kept) == (suspended_at, True)
    journey.give(c.ErasePersonalData(reason="asked"), Role.DATA_PROTECTION, DAY)
    assert of(journey, ClockKind.RESOLVE)[0].stopped_at == suspended_at


def test_rework_lets_the_matters_clock_run_on() -> None:
    journey = walked(6)
    journey.give(c.Rework(reason="still broken"), Role.GRID_WORKER, HOUR)
    [row] = of(journey, ClockKind.RESOLVE)
    assert row.stopped_at is None
    journey.give(c.Resolve(), Role.DEPARTMENT, 20 * DAY)
    [row] = of(journey, ClockKind.RESOLVE)
    assert (row.stopped_at, row.kept) == (journey.now, False)
    assert len(of(journey, ClockKind.FEED_BACK)) == 2


def test_a_reopened_ticket_has_a_new_cycle_and_the_old_one_stays_as_it_was() -> None:
    journey = walked(8)
    before = clock_rows(journey.events)
    journey.give(c.Reopen(reason="it is back"), Role.RESIDENT, DAY)
    first, second = of(journey, ClockKind.RESOLVE)
    assert first == before[0]._replace(current=False, version=journey.events[-1].sequence)
    assert (second.cycle, second.started_at, second.stopped_at) == (2, journey.now, None)
    assert second.due_at == journey.now + 7 * DAY  # five working days and a weekend


def test_a_merge_stops_the_clocks_and_its_undoing_lets_the_same_ones_run_on() -> None:
    child, parent = Journey(serial=1), Journey(serial=2)
    for journey in (child, parent):
        journey.give(c.Place(region=VILLAGE), Role.RESIDENT)
        journey.give(c.Verify(), Role.GRID_WORKER, HOUR)
    assert parent.ticket is not None
    before = clock_rows(child.events)
    pair(child, parent, c.Merge(into=parent.ticket.number), HOUR)
    assert all(row.stopped_at == child.now for row in clock_rows(child.events) if row.clock != "verify")
    assert [row.stopped_at for row in clock_rows(parent.events)].count(None) == 2
    pair(child, parent, c.Unmerge(reason="another lamp"), HOUR)
    again = clock_rows(child.events)
    version = child.events[-1].sequence
    assert [row._replace(version=0) for row in again] == [row._replace(version=0) for row in before]
    assert [row.version for row in again if row.stopped_at is None] == [version, version]


def imported(**fields: object) -> list[ClockRow]:
    journey = Journey()
    command = {
        "origin": "nyc311",
        "source_id": "39573567",
        "region": Region("us-nyc:queens:09"),
        "category": "nyc311:noise",
        "category_text": "Noise",
        "agency": "nyc:nypd",
        "placed_at": START - 9 * DAY,
        "resolve_due": START - 8 * DAY,
    } | fields
    journey.give(c.Import.model_validate(command), Role.SYSTEM)
    return clock_rows(journey.events)


def test_an_imported_ticket_has_the_one_clock_that_its_source_knew() -> None:
    [row] = imported(closed=True, closed_at=START - 7 * DAY)
    assert (row.clock, row.started_at, row.due_at) == ("resolve", START - 9 * DAY, START - 8 * DAY)
    assert (row.stopped_at, row.kept) == (START - 7 * DAY, False)
    assert (row.holder, row.origin, row.source_id) == ("nyc:nypd", "nyc311", "39573567")
    [row] = imported(closed=True, closed_at=START - 8 * DAY)
    assert row.kept
    [row] = imported()
    assert broken(row, START)
    [row] = imported(resolve_due=None)
    assert not broken(row, START + 900 * DAY)


def test_closed_nobody_knows_when_cannot_be_judged() -> None:
    [row] = imported(closed=True)
    assert (row.due_at, row.kept) == (None, True)
