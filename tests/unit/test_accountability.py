"""Who answers for a broken limit; times are Chinese, the office works seven hours a day."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.accountability import Accountability, account_for
from domain.vocabulary import ClockKind, Role
from tests.journeys import ROADS, Journey
from tests.random_journeys import random_journey
from tests.unit.test_clocks import BOOK, DAY, accepted, at, december, november

HOUR = 3600.0


def account(journey: Journey, moment: datetime) -> Accountability:
    return account_for(journey.events, moment, BOOK)


def ping_pong() -> Journey:
    """Returned once by the department, and resolved a working day and a half too late."""
    journey = accepted(4)  # with the department on Monday at 09:30
    at(journey, november("24 09:00"), c.Return(reason="not ours"), Role.DEPARTMENT)
    at(journey, november("26 09:00"), c.Dispatch(department=ROADS), Role.TOWNSHIP)
    at(journey, november("26 10:00"), c.Accept(first_handler="officer:ma"), Role.DEPARTMENT)
    at(journey, november("27 10:00"), c.Assign(first_handler="officer:lu"), Role.DEPARTMENT)
    at(journey, december("01 14:30"), c.Resolve(), Role.DEPARTMENT)
    return journey


def test_the_time_is_charged_to_those_who_had_it() -> None:
    [resolve, dispatch] = account(ping_pong(), december("02 12:00")).breaches
    assert (resolve.clock, resolve.breached_at) == (ClockKind.RESOLVE, november("30 09:00"))
    assert resolve.limit_seconds == 35 * HOUR
    assert resolve.stopped_at == december("01 14:30")
    assert resolve.overdue_seconds == 29.5 * HOUR
    assert (resolve.level_at_breach, resolve.unit_at_breach) == ("department", ROADS)
    held = {share.level: share for share in resolve.held}
    assert list(held) == ["grid", "village", "township", "department"]
    # Monday from 09:20 to 09:30, then Tuesday from 09:00 until Thursday at 09:00
    assert (held["township"].stretches, held["township"].counted_seconds) == (2, 14 * HOUR + 600)
    # Monday from 09:30, half an hour on Tuesday; from Thursday 09:00, Friday, Monday, Tuesday morning
    hours = (6 + 0.5) + (6.5 + 7 + 7 + 3.5)
    assert (held["department"].stretches, held["department"].counted_seconds) == (2, hours * HOUR)
    assert held["department"].late_counted_seconds == (6.5 + 3.5) * HOUR
    assert held["department"].late_plain_seconds == resolve.overdue_seconds
    assert held["grid"].late_plain_seconds == 0
    assert held["township"].share == pytest.approx((14 * HOUR + 600) / (35 * HOUR))
    # the township's own limit: four working hours from Tuesday at 09:00
    assert (dispatch.clock, dispatch.run, dispatch.unit_at_breach) == (ClockKind.DISPATCH, 5, "622901001")
    assert dispatch.breached_at == november("24 15:30")
    assert [(share.level, share.counted_seconds) for share in dispatch.held] == [("township", 14 * HOUR)]


def test_first_handlers_returns_and_transfers_are_named() -> None:
    journey = ping_pong()
    at(journey, december("01 15:00"), c.Rework(reason="not done"), Role.GRID_WORKER)
    at(journey, december("01 16:00"), c.Transfer(to_unit="dept:water", reason="a pipe"), Role.DEPARTMENT)
    found = account(journey, december("02 12:00"))
    assert [(one.first_handler, one.unit, one.since) for one in found.first_handlers] == [
        ("officer:ma", ROADS, november("26 10:00")), ("officer:lu", ROADS, november("27 10:00")),
    ]  # fmt: skip
    assert [(one.kind, one.from_unit, one.to_unit, one.reason) for one in found.handovers] == [
        ("order-returned", ROADS, "622901001", "not ours"),
        ("rework-ordered", "622901001001", ROADS, "not done"),
        ("order-transferred", ROADS, "dept:water", "a pipe"),
    ]


def test_a_ticket_in_time_has_nothing_to_answer_for() -> None:
    assert account(accepted(), november("24 09:00")).breaches == ()


def test_a_limit_is_broken_only_after_its_last_moment() -> None:
    journey, limit = accepted(), november("30 09:00")
    assert account(journey, limit).breaches == ()
    [late] = account(journey, limit + timedelta(seconds=1)).breaches
    assert (late.overdue_seconds, late.stopped_at) == (1.0, None)


def test_a_late_ticket_that_is_suspended_stops_getting_later() -> None:
    journey = accepted()
    at(journey, november("30 10:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    [late] = account(journey, december("04 10:00")).breaches
    assert late.overdue_seconds == HOUR


def test_an_emergency_s_limit_is_answered_for_by_its_own_measure() -> None:
    journey = accepted(4)
    at(journey, november("23 20:00"), c.DeclareEmergency(reason="flood"), Role.COUNTY)
    at(journey, november("23 23:30"), c.StandDown(), Role.COUNTY)
    resolve = next(one for one in account(journey, november("24 12:00")).breaches)
    assert (resolve.limit_seconds, resolve.counted_from) == (2 * HOUR, november("23 20:00"))
    # it was given its ordinary time back an hour and a half after the two hours were over
    assert resolve.overdue_seconds == 1.5 * HOUR
    assert [(one.unit, one.counted_seconds) for one in resolve.held] == [(ROADS, 3.5 * HOUR)]


def test_the_resident_s_own_time_is_nobody_s_breach() -> None:
    journey = accepted()
    at(journey, november("24 09:00"), c.Resolve(), Role.DEPARTMENT)
    at(journey, november("24 10:00"), c.FeedBack(), Role.GRID_WORKER)
    assert account(journey, december("31 09:00")).breaches == ()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_what_all_of_them_had_is_what_the_clock_ran(data: st.DataObject) -> None:
    journey = random_journey(data, serial=7)
    as_of = journey.now + data.draw(st.timedeltas(timedelta(0), 30 * DAY))
    found = account(journey, as_of)
    for breach in found.breaches:
        assert breach.overdue_seconds >= 0
        plain = sum(share.plain_seconds for share in breach.held)
        ran = (breach.breached_at - breach.counted_from).total_seconds() + breach.overdue_seconds
        assert plain == pytest.approx(ran)
        late = sum(share.late_plain_seconds for share in breach.held)
        assert late == pytest.approx(breach.overdue_seconds)
        for share in breach.held:
            assert 0 <= share.late_counted_seconds <= share.counted_seconds + 1e-6
            assert share.counted_seconds <= share.plain_seconds + 1e-6
    assert Accountability.model_validate_json(found.model_dump_json()) == found
