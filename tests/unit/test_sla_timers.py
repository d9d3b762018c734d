"""What is announced follows from the events alone: not from who looks, when, or how often."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.regions import Region
from domain.ticket_event import TicketEvent
from domain.vocabulary import Role
from infra.policy_file import default_rulebook
from projections.sla_announcements import Announcement, Kind, decode, encode
from projections.sla_timers import History, follow, history_of, still_runs, timers_of
from tests.journeys import ROADS, START, VILLAGE, Journey, walked
from tests.random_journeys import random_journey

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOOK = default_rulebook()


def announced(events: list[TicketEvent], before: datetime) -> list[Announcement]:
    """Everything that is to be said before a moment."""
    found = [one for clock in timers_of(history_of(events), BOOK) for one in clock.announcements]
    return sorted(one for one in found if one.known_at < before)


def said(journey: Journey, before: datetime, clock: str = "resolve") -> list[tuple[int, datetime]]:
    return [(one.key.percent, one.at) for one in announced(journey.events, before) if one.key.clock == clock]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_live_late_and_from_scratch_say_the_same(data: st.DataObject) -> None:
    journey = random_journey(data, serial=7)
    end = journey.now + data.draw(st.integers(0, 40)) * DAY
    looks = sorted(
        START + timedelta(seconds=each)
        for each in data.draw(st.lists(st.integers(0, int((end - START).total_seconds())), max_size=12))
    )
    live: dict[object, bytes] = {}
    for now in (*looks, end):
        seen = [event for event in journey.events if event.occurred_at < now]
        if seen:
            for one in announced(seen, now):
                live.setdefault(one.key, encode(one))
    assert live == {one.key: encode(one) for one in announced(journey.events, end)}


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_event_by_event_is_all_at_once(data: st.DataObject) -> None:
    journey = random_journey(data, serial=7)
    known: History | None = None
    for event in journey.events:
        known = follow(known, event)
    assert known == history_of(journey.events)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_is_published_is_read_back(data: st.DataObject) -> None:
    for one in announced(random_journey(data, serial=7).events, START + 900 * DAY):
        assert decode(encode(one)) == one


def test_the_four_shares_of_a_limit() -> None:
    journey = walked(5)
    shares = said(journey, START + 90 * DAY)
    assert [percent for percent, _ in shares] == [50, 80, 100, 150]
    assert journey.ticket is not None
    assert journey.ticket.deadlines is not None
    assert shares[2][1] == journey.ticket.deadlines.resolve_due
    kinds = {one.key.kind for one in announced(journey.events, START + 90 * DAY)}
    assert kinds == {Kind.WARNING, Kind.BREACHED, Kind.OVERRUN}


def test_exactly_when_due_is_in_time_and_a_microsecond_later_is_not() -> None:
    for late, breaches in ((timedelta(0), 0), (timedelta(microseconds=1), 1)):
        journey = walked(1)
        assert journey.ticket is not None
        assert journey.ticket.deadlines is not None
        due = journey.ticket.deadlines.stage_due
        assert due is not None
        journey.give(c.Verify(), Role.GRID_WORKER, due - journey.now + late)
        found = [percent for percent, _ in said(journey, due + DAY, "verify") if percent == 100]
        assert len(found) == breaches


def test_a_stopped_clock_says_nothing_more_and_an_ended_ticket_nothing_at_all() -> None:
    journey = walked(8)
    assert announced(journey.events, START + 900 * DAY) == []
    journey = walked(2)
    journey.give(c.Withdraw(), Role.RESIDENT, HOUR)
    assert said(journey, START + 900 * DAY) == []


def test_an_extension_leaves_the_warnings_that_were_given() -> None:
    journey = walked(5)
    before = said(journey, START + 900 * DAY)
    journey.give(c.RequestExtension(until=before[2][1] + 2 * DAY, reason="parts"), Role.DEPARTMENT, HOUR)
    journey.give(c.GrantExtension(), Role.TOWNSHIP, before[0][1] - journey.now + HOUR)
    after = said(journey, START + 900 * DAY)
    assert after[0] == before[0]
    assert all(late > early for (_, late), (_, early) in zip(after[1:], before[1:], strict=True))


def test_a_suspension_stops_what_is_to_come() -> None:
    journey = walked(5)
    journey.give(c.Suspend(reason="frost"), Role.TOWNSHIP, HOUR)
    assert said(journey, START + 900 * DAY) == []
    journey.give(c.Resume(), Role.TOWNSHIP, 60 * DAY)
    assert said(journey, START + 50 * DAY) == []
    assert [percent for percent, _ in said(journey, START + 900 * DAY)] == [50, 80, 100, 150]


def test_it_speaks_of_the_ticket_as_it_was_then() -> None:
    journey = walked(4)
    due = said(journey, START + 900 * DAY, "accept")[2][1]
    journey.give(c.Return(reason="not ours"), Role.DEPARTMENT, due - journey.now + DAY)
    journey.give(c.Dispatch(department="dept:622901:water"), Role.TOWNSHIP, HOUR)
    breach = next(
        one for one in announced(journey.events, journey.now) if one.key.clock == "accept" and one.at == due
    )
    facts = breach.facts
    assert (facts.holder, facts.state, facts.version, facts.due_at) == (ROADS, "dispatched", 4, due)
    assert not still_runs(history_of(journey.events), breach.key)


def test_the_end_of_the_rating_is_said_once_and_only_without_a_rating() -> None:
    journey = walked(7)
    [over] = [one for one in announced(journey.events, START + 90 * DAY) if one.key.clock == "rating"]
    assert (over.key.kind, over.at) == (Kind.RATING_OVER, journey.now + 7 * DAY)
    journey.give(c.Rate(solved=True, score=5), Role.RESIDENT, HOUR)
    assert announced(journey.events, START + 900 * DAY) == []


def test_an_import_says_what_its_source_knew() -> None:
    journey = Journey()
    command = c.Import(
        origin="nyc311", source_id="1", region=Region("us-nyc:queens:09"), category="nyc311:noise",
        category_text="Noise", agency="dept:us-nyc:nypd", placed_at=START - 9 * DAY,
        resolve_due=START - 8 * DAY, closed_at=START - 7 * DAY, closed=True,
    )  # fmt: skip
    journey.give(command, Role.SYSTEM)
    [breach] = announced(journey.events, START + DAY)
    assert (breach.at, breach.known_at) == (START - 8 * DAY, START)
    assert (breach.key.kind, breach.facts.source_id, breach.facts.state) == (Kind.BREACHED, "1", "closed")


def test_what_is_said_holds_nothing_personal() -> None:
    journey = Journey()
    journey.give(c.Place(region=VILLAGE, name="马小明", contact="13800000000", words="灯坏了"), Role.RESIDENT)
    for one in announced(journey.events, START + 90 * DAY):
        assert "11111111" not in encode(one).decode()
        assert one.facts.version == 1
