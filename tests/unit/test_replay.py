"""Replaying a history: every step says what it changed, what ran, and what brought it about."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import commands as c
from domain.decide import decide_and_evolve
from domain.errors import Halted
from domain.event_names import EVENT_NAMES
from domain.events import PAYLOADS
from domain.replay import Change, Replay, causes, replay
from domain.ticket import Ticket
from domain.vocabulary import ClockKind, Level, Role, State
from tests.journeys import ACTORS, HAPPY_PATH, ROADS, Journey, walked

HOUR = timedelta(hours=1)


def changed(history: Replay, version: int) -> dict[str, Change]:
    return {change.field: change for change in history.steps[version - 1].changes}


def test_every_step_says_who_did_what_at_which_level() -> None:
    history = replay(walked(8).events)
    assert [(step.version, step.zh, step.actor.role, step.state) for step in history.steps] == [
        (1, "点单", Role.RESIDENT, State.PLACED),
        (2, "核单", Role.GRID_WORKER, State.VERIFIED),
        (3, "下单", Role.VILLAGE, State.ISSUED),
        (4, "派单", Role.TOWNSHIP, State.DISPATCHED),
        (5, "接单", Role.DEPARTMENT, State.ACCEPTED),
        (6, "办结", Role.DEPARTMENT, State.RESOLVED),
        (7, "反馈", Role.GRID_WORKER, State.FED_BACK),
        (8, "评单", Role.RESIDENT, State.FED_BACK),
        (9, "结案", Role.RESIDENT, State.CLOSED),
    ]
    assert (history.steps[3].level, history.steps[3].holder) == (Level.DEPARTMENT, ROADS)
    assert (history.version, history.state) == (9, State.CLOSED)


def test_a_step_says_what_it_changed_and_nothing_else() -> None:
    history = replay(walked(8).events)
    accepted = changed(history, 5)
    assert accepted["state"] == Change(field="state", before="dispatched", after="accepted")
    assert accepted["first_handler"] == Change(field="first_handler", before=None, after="officer:roads")
    assert accepted["deadlines.stage_due"].after is None
    assert "category" not in accepted
    assert "version" not in accepted
    rated = changed(history, 8)
    assert {name: change.after for name, change in rated.items()} == {"solved": True, "score": 5}


def test_the_first_step_changes_only_what_the_ticket_begins_with() -> None:
    first = changed(replay(walked(1).events), 1)
    assert first["state"] == Change(field="state", before=None, after="placed")
    assert {"returns", "children", "urged", "erased"}.isdisjoint(first)


def test_a_step_that_only_notes_something_changes_nothing() -> None:
    journey = walked(5)
    journey.give(c.Progress(words="on the way"), Role.DEPARTMENT, HOUR)
    assert replay(journey.events).steps[-1].changes == ()


def test_a_step_says_which_limit_ran_and_how_much_of_it_was_left() -> None:
    journey = walked(1)
    due = journey.events[0].ticket["stage_due"]
    assert due is not None
    journey.now = due
    journey.give(c.Verify(), Role.GRID_WORKER, HOUR)
    verify = replay(journey.events).steps[-1].ran
    assert verify is not None
    assert (verify.clock, verify.due_at, verify.margin_seconds) == (ClockKind.VERIFY, due, -3600)


def test_no_limit_runs_while_the_ticket_is_suspended() -> None:
    journey = walked(5)
    journey.give(c.Suspend(reason="waiting for parts"), Role.COUNTY, HOUR)
    journey.give(c.Resume(), Role.COUNTY, HOUR)
    suspended, resumed = replay(journey.events).steps[-2:]
    assert suspended.ran is not None
    assert suspended.ran.clock is ClockKind.RESOLVE
    assert resumed.ran is None


def test_what_one_command_did_stands_together_and_under_what_brought_it_about() -> None:
    journey = walked(4)
    announced, urging = UUID(int=901), UUID(int=902)
    for command, cause in ((c.Urge(), journey.events[-1].id), (c.Urge(), announced)):
        context = journey.context(ACTORS[Role.COUNTY])._replace(causation_id=cause, correlation_id=urging)
        events, journey.ticket = decide_and_evolve(journey.ticket, command, context)
        journey.events += events
    steps = replay(journey.events).steps
    roots = causes(steps)
    assert [root.versions for root in roots] == [(1,), (2,), (3,), (4,), (6,)]
    assert [one.versions for one in roots[3].brought_about] == [(5,)]
    assert roots[3].cause is None
    assert (roots[4].cause, roots[4].correlation_id) == (announced, urging)


def test_events_of_one_command_are_one_cause() -> None:
    assert causes(replay(walked(8).events).steps)[-1].versions == (8, 9)


def test_a_gap_is_no_history() -> None:
    events = walked(8).events
    with pytest.raises(Halted):
        replay([*events[:3], *events[4:]])
    with pytest.raises(ValueError, match="at least one"):
        replay([])


def test_every_kind_of_event_has_its_names() -> None:
    assert set(EVENT_NAMES) == set(PAYLOADS)
    assert len({name.chinese for name in EVENT_NAMES.values()}) == len(EVENT_NAMES)


@given(st.integers(1, len(HAPPY_PATH)))
def test_the_changes_lead_from_every_state_to_the_next(length: int) -> None:
    journey: Journey = walked(length)
    known: dict[str, object] = {}
    for step in replay(journey.events).steps:
        for change in step.changes:
            assert known.get(change.field) == change.before
            known[change.field] = change.after
    ticket = journey.ticket
    assert isinstance(ticket, Ticket)
    assert known["state"] == ticket.state
    assert known.get("score") == ticket.score
