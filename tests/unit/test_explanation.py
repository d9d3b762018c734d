"""The explanation of a ticket's deadlines: complete, without gaps, and it can be recomputed with a pencil."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.events import DeadlinesRevised, EmergencyDeclared, ExtensionGranted
from domain.explanation import IN_CHINESE, ClockAccount, Explanation, Standing, explain
from domain.time_intervals import IntervalKind
from domain.vocabulary import ClockKind, Role, Unit
from tests.journeys import HAPPY_PATH, ROADS, Journey, walked
from tests.random_journeys import random_journey
from tests.unit.test_clocks import BOOK, DAY, HOUR, accepted, at, november

DAY_SECONDS = 7 * 3600
"""What the office works in a day."""


def told(journey: Journey, moment: datetime | None = None) -> Explanation:
    return explain(journey.events, moment or journey.now, BOOK)


def account(explanation: Explanation, kind: ClockKind = ClockKind.RESOLVE) -> ClockAccount:
    return [one for one in explanation.clocks if one.clock is kind][-1]


def test_every_clock_is_there_and_named_in_chinese() -> None:
    explanation = told(walked(8))
    assert [one.clock.value for one in explanation.clocks] == [
        "resolve", "verify", "issue", "dispatch", "accept", "feed_back", "rating",
    ]  # fmt: skip
    assert {one.standing for one in explanation.clocks} == {Standing.STOPPED}
    assert [one.zh for one in explanation.clocks] == [IN_CHINESE[one.clock] for one in explanation.clocks]
    assert set(IN_CHINESE) == set(ClockKind)


def test_a_resident_recomputes_the_due_time_by_hand() -> None:
    journey = accepted()  # placed on Monday at 09:00; five working days of seven hours
    at(journey, november("24 11:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    at(journey, november("25 09:30"), c.Resume(), Role.SYSTEM)
    resolve = account(told(journey))
    by_hand = sum(
        (line.end - line.start).total_seconds()
        for line in resolve.lines
        if line.counted and resolve.due_at is not None and line.end <= resolve.due_at
    )
    assert by_hand == 5 * DAY_SECONDS
    # on hold: one hour of Tuesday morning, three and a half of the afternoon, one on Wednesday
    assert resolve.due_at == november("30 17:00")
    hold = [line for line in resolve.lines if line.kind is IntervalKind.SUSPENDED]
    assert [(one.start, one.end, one.counted) for one in hold] == [
        (november("24 11:00"), november("25 09:30"), False)
    ]
    assert (resolve.extended_amount, resolve.zone) == (0.0, "Asia/Shanghai")
    assert [(term.because, term.amount, term.unit) for term in resolve.terms] == [
        ("order-placed", 5, Unit.WORKING_DAY), ("ticket-resumed", 5, Unit.WORKING_DAY),
    ]  # fmt: skip
    assert {(term.policy, term.calendar) for term in resolve.terms} == {("default-2", "cn-1/2026")}


def test_a_clock_that_stands_still_says_so_and_how_far_it_had_come() -> None:
    journey = accepted()
    at(journey, november("23 11:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    resolve = account(told(journey, november("27 11:00")))
    assert (resolve.standing, resolve.counted_seconds) == (Standing.SUSPENDED, 2 * 3600)
    assert resolve.extended_amount is None
    assert resolve.breached_at is None
    assert resolve.lines[-1].end == november("27 11:00")


def test_what_was_extended_is_named_and_what_was_passed_too() -> None:
    journey = accepted()
    until = november("30 09:00") + 2 * DAY
    at(journey, november("25 16:00"), c.RequestExtension(until=until, reason="parts"), Role.DEPARTMENT)
    at(journey, november("25 16:30"), c.GrantExtension(), Role.TOWNSHIP)
    resolve = account(told(journey, until + timedelta(minutes=1)))
    assert (resolve.extended_amount, resolve.due_at, resolve.breached_at) == (2.0, until, until)
    assert [(one.percent, one.reached) for one in resolve.thresholds] == [
        (50, True), (80, True), (100, True), (150, False),
    ]  # fmt: skip
    assert account(told(journey, until)).breached_at is None  # the boundary itself is in time


def test_an_earlier_moment_does_not_know_what_came_later() -> None:
    journey = accepted()
    early = explain(journey.events[:1], november("23 09:05"), BOOK)
    assert [one.clock.value for one in early.clocks] == ["resolve", "verify"]
    assert early.version == 1


def test_standing_down_gives_the_time_in_between_back_as_the_ordinary_clock_counts_it() -> None:
    """平急结合: declared on Monday evening, stood down on Wednesday; nothing of it is lost, nothing given."""
    calm, urgent = accepted(4), accepted(4)
    at(urgent, november("23 20:00"), c.DeclareEmergency(reason="flood"), Role.COUNTY)
    during = account(told(urgent, november("23 21:00")))
    assert (during.terms[-1].unit, during.due_at) == (Unit.URGENT_WORKING_HOUR, november("23 22:00"))
    assert [line.kind for line in during.lines] == [IntervalKind.ALL_HOURS] * 2
    at(urgent, november("25 10:00"), c.StandDown(), Role.COUNTY)
    for kind in (ClockKind.RESOLVE, ClockKind.ACCEPT):
        ordinary, after = (account(told(one, november("25 10:00")), kind) for one in (calm, urgent))
        assert after.due_at == ordinary.due_at
        assert after.lines == ordinary.lines
        assert after.counted_seconds == ordinary.counted_seconds
    resolve = account(told(urgent))
    assert [term.because for term in resolve.terms] == [
        "order-placed", "emergency-declared", "emergency-stood-down",
    ]  # fmt: skip
    # two working days and an hour had gone by then: what the emergency took is neither lost nor given
    assert resolve.counted_seconds == 2 * DAY_SECONDS + 3600
    assert resolve.breached_at == november("23 22:00")  # what passed in the emergency has passed


def test_an_order_of_the_emergency_is_measured_by_the_ordinary_limit_from_its_own_start() -> None:
    journey = accepted(1)
    at(journey, november("23 20:00"), c.DeclareEmergency(reason="flood"), Role.COUNTY)
    at(journey, november("23 21:00"), c.Dispatch(department=ROADS), Role.COUNTY)
    at(journey, november("24 10:00"), c.StandDown(), Role.COUNTY)
    accept = account(told(journey), ClockKind.ACCEPT)
    assert accept.terms[-1].counted_from == november("23 21:00")
    assert accept.lines[0].kind is IntervalKind.OFF_HOURS
    assert accept.counted_seconds == 1.5 * 3600


def test_return_ping_pong_is_visible_in_the_lines() -> None:
    journey = accepted(4)
    at(journey, november("23 11:00"), c.Return(reason="not ours"), Role.DEPARTMENT)
    at(journey, november("23 12:00"), c.Dispatch(department=ROADS), Role.TOWNSHIP)
    held = [line.level for line in account(told(journey, november("23 16:00"))).lines if not line.ahead]
    assert held == ["grid", "village", "township", "department", "township", "department", "department"]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_account_is_without_gaps_and_its_counted_sum_is_the_limit_at_the_due_time(
    data: st.DataObject,
) -> None:
    journey = random_journey(data, serial=7)
    as_of = journey.now + data.draw(st.timedeltas(timedelta(0), 30 * DAY))
    explanation = told(journey, as_of)
    changed = any(
        isinstance(event.payload, ExtensionGranted | DeadlinesRevised | EmergencyDeclared)
        for event in journey.events
    )
    for one in explanation.clocks:
        lines = one.lines
        assert all(before.end == after.start for before, after in pairwise(lines))
        assert all(line.start < line.end for line in lines)
        assert lines == () or lines[0].start == one.terms[-1].counted_from
        total = 0.0
        for line in lines:
            total += line.counted_seconds
            assert line.counted or line.counted_seconds == 0
            assert line.sum_seconds == pytest.approx(total)
        held = any(line.kind is IntervalKind.SUSPENDED for line in lines)
        amount = one.terms[-1].amount
        if not changed and not held and amount is not None:
            at_due = [line.sum_amount for line in lines if line.end == one.due_at]
            assert at_due == [pytest.approx(amount)]
    assert Explanation.model_validate_json(explanation.model_dump_json()) == explanation


def test_a_random_walk_uses_every_step_of_the_path() -> None:
    assert len(told(walked(len(HAPPY_PATH))).clocks) == 7
    assert told(walked(1, every=HOUR)).clocks[0].standing is Standing.RUNNING
