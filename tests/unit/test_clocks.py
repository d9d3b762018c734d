"""The rules that such systems get wrong, one test each; all moments are Chinese time.

The journeys begin on Monday 23 November 2026 at 09:00. A road surface is a general matter: five working days,
seven hours each, so it is due on Monday 30 November at the time of day at which it was placed.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain import commands as c
from domain.clock_times import Threshold, breached_at, held_by, thresholds
from domain.clocks import Clock, clocks_of
from domain.decide import decide_pair
from domain.errors import Refused
from domain.evolve import evolve
from domain.ticket import Ticket
from domain.vocabulary import ClockKind, MatterClass, Role
from infra.policy_file import default_rulebook
from tests.journeys import ACTORS, HAPPY_PATH, ROADS, VILLAGE, Journey, walked

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BOOK = default_rulebook()
FOREVER = datetime(2099, 1, 1, tzinfo=SHANGHAI)


def november(text: str) -> datetime:
    """`27 17:00` is in November 2026."""
    day, _, clock = text.partition(" ")
    return datetime.fromisoformat(f"2026-11-{day} {clock}").replace(tzinfo=SHANGHAI)


def december(text: str) -> datetime:
    day, _, clock = text.partition(" ")
    return datetime.fromisoformat(f"2026-12-{day} {clock}").replace(tzinfo=SHANGHAI)


def at(journey: Journey, moment: datetime, command: c.Command, role: Role) -> Ticket:
    return journey.give(command, role, moment - journey.now)


def clock(journey: Journey, kind: ClockKind = ClockKind.RESOLVE) -> Clock:
    return [one for one in clocks_of(journey.events) if one.kind is kind][-1]


def reached(one: Clock) -> dict[int, datetime]:
    return {threshold.percent: threshold.at for threshold in thresholds(one, BOOK)}


def due(ticket: Ticket) -> datetime:
    assert ticket.deadlines is not None
    assert ticket.deadlines.resolve_due is not None
    return ticket.deadlines.resolve_due


def accepted(steps: int = 5) -> Journey:
    """Placed at 09:00, accepted at 09:40; the matter is due on 30 November at 09:00."""
    journey = Journey()
    for command, role in HAPPY_PATH[:steps]:
        journey.give(command, role, timedelta(0) if isinstance(command, c.Place) else 10 * MINUTE)
    return journey


def test_every_order_has_a_clock_by_its_limit() -> None:
    journey = walked(8, every=HOUR)
    found = clocks_of(journey.events)
    assert [(one.kind.value, one.run) for one in found] == [
        ("resolve", 1), ("verify", 1), ("issue", 2), ("dispatch", 3), ("accept", 4), ("feed_back", 6),
        ("rating", 7),
    ]  # fmt: skip
    assert all(one.stopped_at is not None for one in found)
    resolve, verify = found[0], found[1]
    assert (verify.due, verify.stopped_at) == (november("23 16:30"), november("23 11:00"))
    assert resolve.due == november("30 10:00")
    assert [(term.policy, term.calendar) for term in resolve.terms] == [("default-2", "cn-1/2026")]
    assert found[-1].due == journey.events[6].occurred_at + 7 * DAY


def test_thresholds_share_the_working_time() -> None:
    # 35 hours from Monday 09:00: half is 17.5 hours, two days and a half, the fourth fifth four days
    found = reached(clock(accepted()))
    assert found == {
        50: november("25 15:00"), 80: november("27 09:00"),
        100: november("30 09:00"), 150: december("02 15:00"),
    }  # fmt: skip


def test_hold_time_is_not_counted_and_not_credited_twice() -> None:
    journey = accepted()
    at(journey, november("24 10:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    assert due(at(journey, november("24 16:00"), c.Resume(), Role.SYSTEM)) == november("30 15:00")
    at(journey, november("25 10:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    assert due(at(journey, november("25 11:00"), c.Resume(), Role.SYSTEM)) == november("30 16:00")
    # the second hold adds its own hour only, and a new class counts both once
    larger = c.Reclassify(matter_class=MatterClass.LARGER, reason="bigger than it looked")
    assert due(at(journey, november("25 12:00"), larger, Role.DEPARTMENT)) == december("07 16:00")
    back = c.Reclassify(matter_class=MatterClass.GENERAL, reason="it was not")
    assert due(at(journey, november("25 12:00"), back, Role.DEPARTMENT)) == november("30 16:00")


def test_a_weekend_on_hold_is_not_credited() -> None:
    journey = accepted()
    at(journey, november("27 18:00"), c.Suspend(reason="nobody there"), Role.TOWNSHIP)
    resumed = at(journey, november("30 08:30"), c.Resume(), Role.SYSTEM)
    assert due(resumed) == november("30 09:00")
    journey = accepted()
    at(journey, november("27 17:00"), c.Suspend(reason="nobody there"), Role.TOWNSHIP)
    resumed = at(journey, november("30 08:45"), c.Resume(), Role.SYSTEM)
    assert due(resumed) == november("30 10:15")


def test_a_limit_in_calendar_days_is_held_by_plain_time() -> None:
    journey = accepted()
    difficult = c.Reclassify(matter_class=MatterClass.DIFFICULT, reason="whose land is it")
    assert due(journey.give(difficult, Role.DEPARTMENT)) == december("23 09:00")
    at(journey, november("27 18:00"), c.Suspend(reason="nobody there"), Role.TOWNSHIP)
    assert due(at(journey, november("30 08:30"), c.Resume(), Role.SYSTEM)) == december("25 23:30")


def test_what_has_run_out_stays_run_out_when_it_is_suspended_afterwards() -> None:
    journey = accepted()
    at(journey, december("01 09:00"), c.Suspend(reason="late, and now frost"), Role.TOWNSHIP)
    resumed = at(journey, december("04 09:00"), c.Resume(), Role.SYSTEM)
    assert due(resumed) == november("30 09:00")
    found = reached(clock(journey))
    assert found[100] == november("30 09:00")
    # of the 17.5 hours to 150 % seven had gone; the other 10.5 begin after the suspension
    assert found[150] == december("07 15:00")


def test_no_threshold_is_reached_while_it_is_suspended() -> None:
    journey = accepted()
    at(journey, november("25 10:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    assert reached(clock(journey)) == {}
    assert breached_at(clock(journey), FOREVER, BOOK) is None


def test_an_early_extension_does_not_shift_a_warning_that_has_passed() -> None:
    journey = accepted()
    until = december("03 09:00")
    at(journey, november("25 15:30"), c.RequestExtension(until=until, reason="parts"), Role.DEPARTMENT)
    at(journey, november("25 16:00"), c.GrantExtension(), Role.TOWNSHIP)
    found = reached(clock(journey))
    assert found[50] == november("25 15:00")
    # what had not passed moves: 56 hours in all, of which four fifths are 44.8
    assert found[80] == december("01 11:48")
    assert found[100] == until


def test_a_breach_is_dated_when_the_limit_passed_and_the_boundary_is_in_time() -> None:
    limit = november("30 09:00")
    for moment, breached in ((limit, None), (limit + timedelta(microseconds=1), limit), (FOREVER, limit)):
        assert breached_at(clock(accepted()), moment, BOOK) == breached
    for late, breached in ((timedelta(0), None), (timedelta(microseconds=1), limit)):
        journey = accepted()
        at(journey, limit + late, c.Resolve(), Role.DEPARTMENT)
        assert breached_at(clock(journey), FOREVER, BOOK) == breached


def test_an_extension_granted_late_does_not_undo_the_breach() -> None:
    journey = accepted()
    until = december("02 09:00")
    at(journey, november("30 08:45"), c.RequestExtension(until=until, reason="parts"), Role.DEPARTMENT)
    at(journey, november("30 15:00"), c.GrantExtension(), Role.TOWNSHIP)
    assert clock(journey).due == until
    assert breached_at(clock(journey), FOREVER, BOOK) == november("30 09:00")


def test_an_extension_asked_for_before_a_hold_is_not_shortened_by_it() -> None:
    journey = accepted()
    wanted = c.RequestExtension(until=december("01 09:00"), reason="parts")
    at(journey, november("24 09:00"), wanted, Role.DEPARTMENT)
    at(journey, november("24 09:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    assert due(at(journey, november("26 09:00"), c.Resume(), Role.SYSTEM)) == december("02 09:00")
    assert due(at(journey, november("26 10:00"), c.GrantExtension(), Role.TOWNSHIP)) == december("03 09:00")


def test_a_closed_ticket_never_escalates() -> None:
    journey = accepted()
    at(journey, november("24 10:00"), c.Resolve(), Role.DEPARTMENT)
    assert reached(clock(journey)) == {}
    journey.give(c.FeedBack(), Role.GRID_WORKER, HOUR)
    journey.give(c.Rate(solved=True, score=5), Role.RESIDENT, HOUR)
    for one in clocks_of(journey.events):
        assert reached(one) == {}, one.kind
        assert breached_at(one, FOREVER, BOOK) is None


def test_a_withdrawn_ticket_stops_when_it_was_suspended() -> None:
    journey = accepted()
    at(journey, november("27 10:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    at(journey, december("14 10:00"), c.Withdraw(), Role.RESIDENT)
    assert clock(journey).stopped_at == november("27 10:00")
    assert reached(clock(journey)) == {50: november("25 15:00"), 80: november("27 09:00")}


def test_a_merged_ticket_never_escalates_and_runs_on_when_it_is_unmerged() -> None:
    child, parent = walked(3, every=timedelta(0)), Journey(serial=8)
    for command, role in HAPPY_PATH[:3]:
        parent.give(command, role)
    tickets = [ticket for ticket in (child.ticket, parent.ticket) if ticket is not None]
    context = child.context(ACTORS[Role.TOWNSHIP])
    merge = decide_pair(tickets[0], tickets[1], c.Merge(into=tickets[1].number), context)
    child.events.append(merge[0])
    child.ticket = evolve(child.ticket, merge[0])
    assert [reached(one) for one in clocks_of(child.events)] == [{}, {}, {}, {}]
    child.now = december("01 10:00")
    pair = [evolve(ticket, event) for ticket, event in zip(tickets, merge, strict=True)]
    unmerge = c.Unmerge(reason="two holes")
    child.events.append(decide_pair(pair[0], pair[1], unmerge, child.context(ACTORS[Role.TOWNSHIP]))[0])
    resolve = clock(child)
    assert (resolve.due, resolve.stopped_at) == (november("30 09:00"), None)
    assert thresholds(resolve, BOOK)[:3] == (
        Threshold(50, november("25 15:00"), child.now),
        Threshold(80, november("27 09:00"), child.now),
        Threshold(100, november("30 09:00"), child.now),
    )


def test_a_rework_lets_the_clock_run_on() -> None:
    journey = accepted()
    at(journey, november("24 10:00"), c.Resolve(), Role.DEPARTMENT)
    at(journey, november("26 10:00"), c.Rework(reason="not done"), Role.GRID_WORKER)
    resolve = clock(journey)
    assert (resolve.run, resolve.due, resolve.stopped_at) == (1, november("30 09:00"), None)
    assert thresholds(resolve, BOOK)[0] == Threshold(50, november("25 15:00"), november("26 10:00"))


def test_a_reopened_ticket_has_new_clocks_and_the_old_ones_stay() -> None:
    journey = walked(8, every=HOUR)
    before = clocks_of(journey.events)
    at(journey, november("30 10:00"), c.Reopen(reason="again"), Role.RESIDENT)
    after = clocks_of(journey.events)
    assert after[: len(before)] == before
    [new] = after[len(before) :]
    assert (new.kind, new.cycle, new.started_at) == (ClockKind.RESOLVE, 2, november("30 10:00"))
    assert new.due == december("07 10:00")


def test_ping_pong_shows_as_time_per_level() -> None:
    journey = accepted(4)
    at(journey, november("24 09:00"), c.Return(reason="not ours"), Role.DEPARTMENT)
    at(journey, november("24 11:00"), c.Dispatch(department=ROADS), Role.TOWNSHIP)
    at(journey, november("24 16:00"), c.Return(reason="still not ours"), Role.DEPARTMENT)
    at(journey, november("25 09:00"), c.Dispatch(department=ROADS), Role.COUNTY)
    at(journey, november("27 18:00"), c.Suspend(reason="frost"), Role.TOWNSHIP)
    at(journey, november("30 14:30"), c.Resume(), Role.SYSTEM)
    found = held_by(clock(journey), november("30 15:30"), BOOK)
    hours = [(part.level, round(part.counted_seconds / 3600, 2)) for part in found]
    assert hours == [
        ("grid", 0.17), ("village", 0.17), ("township", 0.17), ("department", 6.5), ("township", 2.0),
        ("department", 2.5), ("county", 2.5), ("department", 21.5),
    ]  # fmt: skip
    assert [one.kind.value for one in clocks_of(journey.events)].count("dispatch") == 3


def test_a_stage_that_comes_again_has_a_limit_of_its_own() -> None:
    journey = accepted(4)
    at(journey, november("24 16:00"), c.Return(reason="not ours"), Role.DEPARTMENT)
    first, second = [one for one in clocks_of(journey.events) if one.kind is ClockKind.DISPATCH]
    assert (first.due, first.stopped_by) == (november("23 15:50"), "order-dispatched")
    assert (second.due, second.stopped_at) == (november("25 10:30"), None)


def test_an_import_is_judged_by_what_the_source_said() -> None:
    opened, target, closed = november("02 09:00"), november("07 09:00"), november("07 09:00:01")
    command = c.Import(
        origin="nyc311", source_id="1", region=VILLAGE, category="nyc311:x", category_text="x",
        placed_at=opened, resolve_due=target, closed_at=closed, closed=True, agency=ROADS,
    )  # fmt: skip
    journey = Journey()
    journey.give(command, Role.SYSTEM)
    [one] = clocks_of(journey.events)
    assert breached_at(one, FOREVER, BOOK) == target
    assert reached(one) == {100: target}
    assert one.charges[0].unit == ROADS


def test_an_import_that_was_due_before_it_was_opened_follows_the_same_rule() -> None:
    command = c.Import(
        origin="nyc311", source_id="1", region=VILLAGE, category="nyc311:x", category_text="x",
        placed_at=november("07 09:00"), resolve_due=november("02 09:00"), closed=False, agency=ROADS,
    )  # fmt: skip
    journey = Journey()
    journey.give(command, Role.SYSTEM)
    assert breached_at(clocks_of(journey.events)[0], FOREVER, BOOK) == november("02 09:00")


def test_an_extension_is_refused_beyond_what_the_class_allows_in_working_days() -> None:
    journey = accepted()
    late = c.RequestExtension(until=december("03 09:00:01"), reason="parts")
    with pytest.raises(Refused) as refused:
        journey.give(late, Role.DEPARTMENT)
    assert refused.value.rule == "extension-too-long"
    journey.give(c.RequestExtension(until=december("01 09:00"), reason="parts"), Role.DEPARTMENT)
    journey.give(c.GrantExtension(), Role.TOWNSHIP)
    for until, fits in ((december("03 09:01"), False), (december("03 09:00"), True)):
        wanted = c.RequestExtension(until=until, reason="more parts")
        if fits:
            assert journey.give(wanted, Role.DEPARTMENT).extension_asked == until
        else:
            with pytest.raises(Refused):
                journey.give(wanted, Role.DEPARTMENT)
