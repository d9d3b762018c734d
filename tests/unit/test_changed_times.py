"""Emergencies, revisions and the ledger: what moves a due time besides a pause, and how it is explained."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.clock_times import breached_at, thresholds
from domain.clocks import Clocks, advance, clocks_of
from domain.cloudevent import decode, encode
from domain.deadlines import Deadlines
from domain.errors import Refused
from domain.ledger import ledger
from domain.rulebook import Rulebook
from domain.time_intervals import IntervalKind
from domain.vocabulary import MatterClass, Role
from infra.policy_file import default_rulebook
from tests.journeys import ROADS, VILLAGE, Journey, walked
from tests.random_journeys import random_journey
from tests.unit.test_clocks import BOOK, FOREVER, HOUR, accepted, at, clock, december, due, november
from tests.unit.test_policy import changed, content


def stage(journey: Journey) -> Any:
    assert journey.ticket is not None
    assert journey.ticket.deadlines is not None
    return journey.ticket.deadlines.stage_due


# --- emergencies ---


def test_an_emergency_runs_round_the_clock_and_the_ordinary_clock_runs_on_underneath() -> None:
    journey = accepted(4)
    urgent = at(journey, november("23 20:00"), c.DeclareEmergency(reason="flood"), Role.COUNTY)
    assert due(urgent) == stage(journey) == november("23 22:00")
    calm = at(journey, november("25 10:00"), c.StandDown(), Role.COUNTY)
    assert due(calm) == november("30 09:00")
    assert stage(journey) == november("24 09:30")  # accept: one working day from Monday 09:30
    assert breached_at(clock(journey), FOREVER, BOOK) == november("23 22:00")


def test_the_utilities_have_a_day() -> None:
    journey = Journey()
    journey.give(c.Place(region=VILLAGE, category="water.supply"), Role.RESIDENT)
    assert due(journey.give(c.DeclareEmergency(reason="burst"), Role.COUNTY)) == november("24 09:00")


def test_an_emergency_never_lengthens() -> None:
    journey = accepted(4)
    late = november("30 08:00")  # the matter is due in an hour
    urgent = at(journey, late, c.DeclareEmergency(reason="flood"), Role.COUNTY)
    assert due(urgent) == november("30 09:00")
    assert clock(journey).terms[-1].start == november("23 09:00")


def test_an_order_that_began_in_an_emergency_gets_its_ordinary_limit_from_its_start() -> None:
    journey = accepted(1)
    at(journey, november("23 20:00"), c.DeclareEmergency(reason="flood"), Role.COUNTY)
    at(journey, november("23 21:00"), c.Dispatch(department=ROADS), Role.COUNTY)
    assert stage(journey) == november("23 23:00")
    at(journey, november("24 10:00"), c.StandDown(), Role.COUNTY)
    assert stage(journey) == november("25 08:30")


def test_a_hold_in_an_emergency_counts_for_the_ordinary_clock_by_its_own_measure() -> None:
    journey = accepted(5)
    at(journey, november("23 20:00"), c.DeclareEmergency(reason="flood"), Role.COUNTY)
    at(journey, november("23 21:00"), c.Suspend(reason="no access"), Role.COUNTY)
    resumed = at(journey, november("24 09:30"), c.Resume(), Role.SYSTEM)
    assert due(resumed) == november("24 10:30")  # an hour was left
    calm = at(journey, november("24 09:40"), c.StandDown(), Role.COUNTY)
    assert due(calm) == november("30 10:00")  # one working hour was on hold


def test_standing_down_keeps_the_resident_s_time_for_rating() -> None:
    journey = accepted(5)
    journey.give(c.DeclareEmergency(reason="flood"), Role.COUNTY)
    journey.give(c.Resolve(), Role.DEPARTMENT)
    fed_back = journey.give(c.FeedBack(), Role.GRID_WORKER)
    calm = journey.give(c.StandDown(), Role.COUNTY, HOUR)
    assert calm.deadlines is not None
    assert fed_back.deadlines is not None
    assert calm.deadlines.rating_due == fed_back.deadlines.rating_due is not None
    assert calm.deadlines.resolve_due == fed_back.deadlines.resolve_due


def test_a_class_that_changed_in_an_emergency_holds_when_it_is_over() -> None:
    journey = accepted(5)
    journey.give(c.DeclareEmergency(reason="flood"), Role.COUNTY)
    larger = c.Reclassify(matter_class=MatterClass.LARGER, reason="bigger")
    assert due(journey.give(larger, Role.DEPARTMENT)) == november("23 11:40")
    assert due(journey.give(c.StandDown(), Role.COUNTY)) == december("07 09:00")


def test_nothing_is_extended_while_an_emergency_is_declared() -> None:
    journey = accepted(5)
    journey.give(c.DeclareEmergency(reason="flood"), Role.COUNTY)
    with pytest.raises(Refused) as refused:
        journey.give(c.RequestExtension(until=december("01 09:00"), reason="x"), Role.DEPARTMENT)
    assert refused.value.rule == "emergency-runs"


# --- revisions ---

CLOSED = {"region": "6229", "first": "2026-11-25", "last": "2026-11-25", "reason": "开斋节"}
LATER = changed(
    version="default-3",
    effective_from="2026-11-24T12:00:00+08:00",
    resolve={**content()["resolve"], "general": {"amount": 4, "unit": "working_day"}},
    calendar=[{"version": "cn-2", "closures": [CLOSED]}],
)
TWO_VERSIONS = Rulebook([*BOOK.policies, LATER])


def running(steps: int = 4) -> Journey:
    journey = accepted(steps)
    journey.book = TWO_VERSIONS
    return journey


def test_a_new_policy_or_calendar_touches_a_running_clock_only_by_a_revision() -> None:
    journey = running()
    at(journey, november("24 14:30"), c.Accept(first_handler="officer:lu"), Role.DEPARTMENT)
    resolve = clock(journey)
    assert journey.ticket is not None
    assert journey.ticket.deadlines is not None
    assert (journey.ticket.deadlines.policy, journey.ticket.deadlines.calendar) == ("default-3", "cn-2/2026")
    assert (resolve.due, len(resolve.terms)) == (november("30 09:00"), 1)
    at(journey, november("24 15:30"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    at(journey, november("26 08:30"), c.Resume(), Role.SYSTEM)
    # by its own calendar the 25th was worked: two hours and a half and seven were on hold
    assert clock(journey).due == december("01 11:30")
    at(journey, november("26 09:00"), c.ReviseDeadlines(reason="new rules"), Role.SYSTEM)
    # four days from the 23rd, without the 25th: the 30th at 09:00; two and a half were on hold
    revised = clock(journey)
    assert revised.due == november("30 11:30")
    assert (revised.terms[-1].policy, revised.terms[-1].calendar) == ("default-3", "cn-2/2026")
    assert revised.terms[-1].because == "deadlines-revised"


def test_a_revision_that_changes_nothing_is_refused() -> None:
    journey = accepted(4)
    with pytest.raises(Refused) as refused:
        journey.give(c.ReviseDeadlines(reason="just in case"), Role.SYSTEM)
    assert refused.value.rule == "nothing-changes"


def test_a_stated_due_time_is_a_fact_and_the_other_clock_keeps_its_own() -> None:
    journey = accepted(4)
    before = stage(journey)
    stated = december("04 09:00")
    command = c.ReviseDeadlines(resolve_due=stated, policy="ruling 7", reason="the court said so")
    assert due(journey.give(command, Role.SYSTEM)) == stated
    assert stage(journey) == before
    terms = [one.terms[-1].policy for one in clocks_of(journey.events)]
    assert terms == ["ruling 7", "default-2", "default-2", "default-2", "default-2"]
    # a later pause goes by the clock's own calendar
    at(journey, november("27 18:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    assert due(at(journey, november("30 09:30"), c.Resume(), Role.SYSTEM)) == december("04 10:00")


def test_a_clock_whose_year_is_not_published_is_provisional_and_says_so() -> None:
    journey = Journey()
    placed = c.Place(region=VILLAGE, category="roads.surface")
    at(journey, december("29 09:00"), placed, Role.RESIDENT)
    assert journey.ticket is not None
    deadlines = journey.ticket.deadlines
    assert deadlines is not None
    assert deadlines.provisional
    assert deadlines.resolve_clock is not None
    assert deadlines.stage_clock is not None
    assert deadlines.resolve_clock.provisional
    assert deadlines.stage_clock.provisional is None
    assert clock(journey).terms[-1].provisional


# --- the ledger ---


def test_the_ledger_can_be_recomputed_with_a_pencil() -> None:
    journey = accepted(5)
    at(journey, november("24 10:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    at(journey, november("24 16:00"), c.Resume(), Role.SYSTEM)
    wanted = c.RequestExtension(until=december("01 15:00"), reason="parts")
    at(journey, november("25 09:00"), wanted, Role.DEPARTMENT)
    at(journey, november("25 09:00"), c.GrantExtension(), Role.TOWNSHIP)
    account = ledger(clock(journey), november("25 10:00"), BOOK)
    [hold] = [line for line in account.lines if line.kind is IntervalKind.SUSPENDED]
    assert (hold.start, hold.end, hold.counted) == (november("24 10:00"), november("24 16:00"), False)
    assert (hold.zh, hold.en) == ("挂起：frost", "suspended: frost")
    at_due = [line for line in account.lines if line.end == december("01 15:00")][-1]
    assert at_due.sum_amount == 6.0  # five days and an extension of one
    assert account.extended_amount == 1.0
    now = [line for line in account.lines if line.end == november("25 10:00")][-1]
    assert (now.sum_seconds, now.ahead) == ((6.5 + 1.5 + 2 + 1.5) * 3600, False)
    assert all(line.ahead == (line.start >= november("25 10:00")) for line in account.lines)
    first = account.lines[0]
    assert (first.level, first.start, first.end) == ("grid", november("23 09:00"), november("23 09:10"))


def test_the_ledger_names_holidays_and_make_up_workdays() -> None:
    journey = Journey()
    placed = c.Place(region=VILLAGE, category="roads.surface")
    journey.now = november("01 09:00").replace(month=2, day=13)
    journey.give(placed, Role.RESIDENT)
    account = ledger(clock(journey), journey.now, BOOK)
    names = [line.zh for line in account.lines]
    assert "春节" in names
    assert "春节调休上班" in names
    assert account.lines[-1].sum_amount == 5.0


def test_a_hold_that_only_the_end_of_the_ticket_ended_adds_nothing_to_the_limit() -> None:
    journey = walked(1)
    journey.give(c.Suspend(reason="waiting for parts"), Role.VILLAGE, timedelta(minutes=10))
    journey.give(c.Withdraw(), Role.RESIDENT, timedelta(minutes=30))
    held = clock(journey)
    account = ledger(held, journey.now, BOOK)
    assert held.stopped_at == held.pauses[-1].start
    assert account.extended_amount == 0


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_ledger_is_without_gaps_and_adds_up_to_its_limit(data: st.DataObject) -> None:
    journey = random_journey(data, serial=7)
    as_of = journey.now + data.draw(st.timedeltas(timedelta(0), timedelta(days=30)))
    for one in clocks_of(journey.events):
        term = one.terms[-1]
        account = ledger(one, as_of, BOOK)
        for before, after in zip(account.lines, account.lines[1:], strict=False):
            assert before.end == after.start
            assert before.sum_seconds <= after.sum_seconds
        changed_later = {said.because for said in one.terms} & {"extension-granted", "deadlines-revised"}
        is_held = any(pause.end is None for pause in one.pauses)
        held_late = term.due is not None and any(pause.start > term.due for pause in one.pauses)
        if term.amount is not None and not changed_later and not is_held and not held_late:
            assert account.extended_amount == pytest.approx(0, abs=1e-9), (one.kind, term)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_replay_equals_live_and_looking_later_changes_nothing_that_has_passed(data: st.DataObject) -> None:
    journey = random_journey(data, serial=7)
    live = Clocks()
    passed: dict[tuple[object, ...], Any] = {}
    for event in journey.events:
        for one in live.all:
            for threshold in thresholds(one, BOOK):
                if threshold.at < event.occurred_at and threshold.known_at <= event.occurred_at:
                    passed.setdefault((*one.key, threshold.percent), threshold.at)
        live = advance(live, event)
        decoded = advance(Clocks(), decode(encode(journey.events[0])))
        assert decoded.all[0].key == live.all[0].key
    replayed = clocks_of(decode(encode(event)) for event in journey.events)
    assert replayed == live.all
    now = {(*one.key, found.percent): found.at for one in replayed for found in thresholds(one, BOOK)}
    assert passed.items() <= now.items()


def test_what_the_deadlines_rest_on_stays_small() -> None:
    journey = accepted(4)
    event = journey.events[-1]
    bare = Deadlines.model_validate(
        event.payload.model_dump()["deadlines"] | {"stage_clock": None, "resolve_clock": None}
    )
    small = event._replace(payload=event.payload.model_copy(update={"deadlines": bare}))
    assert len(encode(event)) - len(encode(small)) < 300


def test_the_shipped_rulebook_is_read_once() -> None:
    assert default_rulebook() is BOOK
