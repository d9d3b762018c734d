"""Who may do what, from where, to where: the rules that users notice."""

from datetime import timedelta

import pytest

from domain import commands as c
from domain.decide import decide, decide_pair
from domain.errors import Conflict, Forbidden, Refused
from domain.events import PAYLOADS
from domain.lifecycle import LIFECYCLE, permitted_commands
from domain.regions import Region
from domain.ticket_event import Actor
from domain.vocabulary import End, Level, MatterClass, Role, State
from tests.journeys import ACTORS, COUNTY, HAPPY_PATH, ROADS, START, TOWNSHIP, VILLAGE, Journey, walked

DAY = timedelta(days=1)


def test_six_orders_close_the_loop() -> None:
    journey = walked(len(HAPPY_PATH))
    assert [event.type.split(".")[2] for event in journey.events] == [
        "order-placed", "order-verified", "order-issued", "order-dispatched", "order-accepted",
        "matter-resolved", "result-fed-back", "order-rated", "ticket-closed",
    ]  # fmt: skip
    assert journey.ticket is not None
    assert (journey.ticket.state, journey.ticket.end) == (State.CLOSED, End.RATED)
    assert [event.sequence for event in journey.events] == list(range(1, 10))


def test_every_command_has_its_row_and_every_event_comes_from_one() -> None:
    assert set(LIFECYCLE) == set(c.COMMANDS.values())
    emitted = {event for rule in LIFECYCLE.values() for event in rule.events}
    assert emitted == set(PAYLOADS.values())


@pytest.mark.parametrize("steps", range(1, len(HAPPY_PATH)))
def test_an_order_cannot_be_given_twice(steps: int) -> None:
    journey = walked(steps)
    command, role = HAPPY_PATH[steps - 1]
    with pytest.raises(Conflict if steps == 1 else Refused):
        journey.give(command, role)


def test_another_region_and_another_department_are_refused() -> None:
    with pytest.raises(Forbidden) as region:
        walked(1).give(c.Verify(), Actor("w", Role.GRID_WORKER, "622902001001"))
    assert region.value.rule == "outside-region"
    with pytest.raises(Forbidden) as department:
        walked(4).give(c.Accept(first_handler="x"), Actor("d", Role.DEPARTMENT, "dept:water"))
    assert department.value.rule == "not-the-holder"
    with pytest.raises(Forbidden) as resident:
        walked(7).give(c.Rate(solved=True, score=5), Actor("somebody-else", Role.RESIDENT))
    assert resident.value.rule == "not-your-ticket"


def test_the_second_return_goes_to_the_county_whose_ruling_binds() -> None:
    journey = walked(4)
    back = journey.give(c.Return(reason="not ours"), Role.DEPARTMENT)
    assert (back.state, back.holder and back.holder.level) == (State.ISSUED, Level.TOWNSHIP)
    journey.give(c.Dispatch(department=ROADS), Role.TOWNSHIP)
    again = journey.give(c.Return(reason="still not ours"), Role.DEPARTMENT)
    assert (again.state, again.holder and again.holder.unit) == (State.ISSUED, COUNTY)
    with pytest.raises(Forbidden) as refused:
        journey.give(c.Dispatch(department=ROADS), Role.TOWNSHIP)
    assert refused.value.rule == "county-dispatches"
    journey.give(c.Dispatch(department=ROADS), Role.COUNTY)
    with pytest.raises(Refused) as binding:
        journey.give(c.Return(reason="no"), Role.DEPARTMENT)
    assert binding.value.rule == "ruling-is-binding"


def test_what_the_grid_can_solve_ends_there() -> None:
    journey = walked(1)
    journey.give(c.Verify(solvable_in_grid=True), Role.GRID_WORKER)
    resolved = journey.give(c.Resolve(), Role.GRID_WORKER)
    assert resolved.state is State.RESOLVED
    assert resolved.resolver is not None
    assert resolved.resolver.level is Level.GRID


def test_rework_goes_back_to_the_resolver() -> None:
    journey = walked(6)
    back = journey.give(c.Rework(reason="hole is still there"), Role.GRID_WORKER)
    assert (back.state, back.holder and back.holder.unit, back.resolved_at) == (State.ACCEPTED, ROADS, None)


def test_a_suspension_stops_the_clock_and_is_credited_once() -> None:
    journey = walked(5)
    assert journey.ticket is not None
    assert journey.ticket.deadlines is not None
    due = journey.ticket.deadlines.resolve_due
    assert due is not None
    journey.give(c.Suspend(reason="waiting for spring"), Role.TOWNSHIP)
    with pytest.raises(Refused) as refused:
        journey.give(c.Resolve(), Role.DEPARTMENT)
    assert refused.value.rule == "suspended"
    resumed = journey.give(c.Resume(), Role.DEPARTMENT, after=3 * DAY)
    assert resumed.deadlines is not None
    assert resumed.deadlines.resolve_due == due + 3 * DAY


def test_an_extension_is_asked_before_expiry_and_decided_one_level_up() -> None:
    journey = walked(5)
    assert journey.ticket is not None
    assert journey.ticket.deadlines is not None
    due = journey.ticket.deadlines.resolve_due
    assert due is not None
    journey.give(c.RequestExtension(until=due + 2 * DAY, reason="parts"), Role.DEPARTMENT)
    with pytest.raises(Forbidden):
        journey.give(c.GrantExtension(), Role.DEPARTMENT)
    granted = journey.give(c.GrantExtension(), Role.TOWNSHIP)
    assert granted.deadlines is not None
    assert granted.deadlines.resolve_due == due + 2 * DAY
    with pytest.raises(Refused) as too_long:
        journey.give(c.RequestExtension(until=due + 4 * DAY, reason="more"), Role.DEPARTMENT)
    assert too_long.value.rule == "extension-too-long"
    with pytest.raises(Refused) as too_late:
        journey.give(c.RequestExtension(until=due + 3 * DAY, reason="x"), Role.DEPARTMENT, after=10 * DAY)
    assert too_late.value.rule == "extension-too-late"


def test_silence_lapses_only_after_the_rating_period() -> None:
    journey = walked(7)
    with pytest.raises(Refused):
        journey.give(c.LapseRating(), Role.SYSTEM, after=6 * DAY)
    lapsed = journey.give(c.LapseRating(), Role.SYSTEM, after=DAY)
    assert (lapsed.end, lapsed.solved, lapsed.score) == (End.RATING_LAPSED, None, None)


def test_reopening_starts_a_new_cycle_with_a_new_clock() -> None:
    journey = walked(8)
    reopened = journey.give(c.Reopen(reason="broken again"), Role.RESIDENT, after=14 * DAY)
    assert (reopened.state, reopened.cycle, reopened.closed_at, reopened.end) == (
        State.ACCEPTED, 2, None, None,
    )  # fmt: skip
    assert reopened.deadlines is not None
    assert reopened.deadlines.resolve_due == journey.now + 7 * DAY  # five working days and a weekend
    late = walked(8)
    with pytest.raises(Refused) as refused:
        late.give(c.Reopen(reason="broken again"), Role.RESIDENT, after=16 * DAY)
    assert refused.value.rule == "reopening-period-over"
    assert late.give(c.Reopen(reason="inspection"), Role.COUNTY).cycle == 2


def test_a_merge_writes_to_both_and_can_be_undone() -> None:
    child, parent = walked(3), Journey(serial=8)
    for command, role in HAPPY_PATH[:2]:
        parent.give(command, role)
    assert child.ticket is not None
    assert parent.ticket is not None
    into = c.Merge(into=parent.ticket.number)
    events = decide_pair(child.ticket, parent.ticket, into, child.context(ACTORS[Role.TOWNSHIP]))
    assert {event.number for event in events} == {child.ticket.number, parent.ticket.number}
    with pytest.raises(Refused) as itself:
        decide_pair(child.ticket, child.ticket, into, child.context(ACTORS[Role.TOWNSHIP]))
    assert itself.value.rule == "merge-into-itself"
    with pytest.raises(Refused):
        decide(child.ticket, into, child.context(ACTORS[Role.TOWNSHIP]))
    elsewhere = parent.ticket.changed(region=Region("622901002001"))
    with pytest.raises(Forbidden) as outside:
        decide_pair(child.ticket, elsewhere, into, child.context(ACTORS[Role.TOWNSHIP]))
    assert outside.value.rule == "outside-region"


def test_an_emergency_sends_it_straight_to_the_department_and_back_to_its_clock() -> None:
    journey = walked(1)
    assert journey.ticket is not None
    ordinary = journey.ticket.deadlines
    assert ordinary is not None
    urgent = journey.give(c.DeclareEmergency(reason="flood"), Role.COUNTY)
    assert urgent.deadlines is not None
    assert urgent.deadlines.resolve_due == journey.now + timedelta(hours=2)
    assert journey.give(c.Dispatch(department=ROADS), Role.COUNTY).state is State.DISPATCHED
    calm = journey.give(c.StandDown(), Role.COUNTY)
    assert calm.deadlines is not None
    assert calm.deadlines.resolve_due == ordinary.resolve_due


def test_a_cross_county_matter_is_dispatched_by_the_county() -> None:
    journey = walked(1)
    journey.give(c.Verify(cross_county=True), Role.GRID_WORKER)
    issued = journey.give(c.Issue(), Role.VILLAGE)
    assert issued.matter_class is MatterClass.CROSS_COUNTY
    assert issued.holder is not None
    assert issued.holder.level is Level.COUNTY
    with pytest.raises(Forbidden):
        journey.give(c.Dispatch(department=ROADS), Role.TOWNSHIP)
    assert journey.give(c.Dispatch(department=ROADS), Role.PREFECTURE).state is State.DISPATCHED


def test_a_late_ticket_shows_as_late() -> None:
    journey = walked(2)
    assert journey.ticket is not None
    assert journey.ticket.deadlines is not None
    due = journey.ticket.deadlines.resolve_due
    assert due is not None
    assert not journey.ticket.overdue(due)
    assert journey.ticket.overdue(due + timedelta(microseconds=1))


def test_a_clock_that_has_stopped_is_not_revised() -> None:
    with pytest.raises(Refused) as refused:
        walked(6).give(c.ReviseDeadlines(resolve_due=START, policy="2", reason="calendar"), Role.SYSTEM)
    assert refused.value.rule == "clock-stopped"


def test_a_suspended_ticket_does_not_become_late() -> None:
    ticket = walked(5).give(c.Suspend(reason="frost"), Role.TOWNSHIP)
    assert ticket.deadlines is not None
    assert ticket.deadlines.resolve_due is not None
    assert not ticket.overdue(ticket.deadlines.resolve_due + DAY)


def test_permitted_commands_come_from_the_table() -> None:
    ticket = walked(3).ticket
    assert ticket is not None
    assert "dispatch" in permitted_commands(ticket, ACTORS[Role.TOWNSHIP])
    assert permitted_commands(ticket, Actor("v", Role.VILLAGE, VILLAGE)) == ["progress", "attach"]
    assert permitted_commands(ticket, Actor("t", Role.TOWNSHIP, "622902001")) == []
    assert TOWNSHIP in ticket.region
