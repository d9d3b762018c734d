"""The watch on the deadlines, over both databases and with a clock that the test turns."""

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from consumers.sla_watch.act import PROGRESS, command_id
from consumers.sla_watch.publish import publication_name
from domain import commands as c
from domain.errors import Halted, Refused
from domain.regions import Region
from domain.vocabulary import Level, Role
from infra.event_log.embedded import EmbeddedEventLog
from infra.event_log.port import Headers, LogUnavailable
from infra.past_time import LOCK, deadlines_unwatched
from infra.read_store.announcement_rows import AnnouncementRows, Progress
from infra.read_store.open import ReadStore
from infra.read_store.schema import SLA_TIMERS
from projections.sla_announcements import Kind, decode
from tests.journeys import HAPPY_PATH, START
from tests.watched_town import Town, announced, events_of, in_topic, kinds, look

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SETTLE = timedelta(seconds=2)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/events.db"
    else:
        url = request.getfixturevalue("postgres_url")
    with Town(url, tmp_path) as town:
        yield town


@pytest.fixture
def reads(town: Town) -> ReadStore:
    postgres = town.store_url.startswith("postgres")
    return town.reads(town.store_url if postgres else f"sqlite:///{town.folder}/read.db")


def another(town: Town, name: str) -> ReadStore:
    return town.reads(f"sqlite:///{town.folder}/{name}.db")


def said(reads: ReadStore, kind: Kind | None = None) -> list[tuple[str, int]]:
    return [
        (row.key.clock, row.key.percent) for row in announced(reads) if kind is None or row.key.kind is kind
    ]


def check_topic(town: Town, reads: ReadStore) -> None:
    """What was announced is in the topic once, byte for byte, and nothing else."""
    records = in_topic(town.log)
    assert [(record.key, record.value) for record in records] == [
        (row.key.number, row.event) for row in announced(reads)
    ]


def test_an_order_that_lies_is_warned_of_announced_and_escalated(town: Town, reads: ReadStore) -> None:
    ticket = town.walk(4)
    watch = town.watch(reads)
    assert look(watch) == 0
    for _ in range(40):
        town.hands.turn(HOUR)
        look(watch)
    assert [one for one in said(reads) if one[0] == "accept"] == [
        ("accept", 50), ("accept", 80), ("accept", 100), ("accept", 150),
    ]  # fmt: skip
    check_topic(town, reads)
    after = town.store.stream(ticket.number.stream_id, after=4)
    escalated = [orjson.loads(each.state) for each in after]
    assert [(each["data"]["to_level"], each["data"]["actor"]["id"]) for each in escalated] == [
        ("township", "system:sla"), ("county", "system:sla"),
    ]  # fmt: skip
    breach, overrun = (row for row in announced(reads) if row.key[2] == "accept" and row.key.percent >= 100)
    assert [each["causationid"] for each in escalated] == [str(breach.key.id), str(overrun.key.id)]
    assert [each["commandid"] for each in escalated] == [
        str(command_id(decode(row.event))) for row in (breach, overrun)
    ]
    published = orjson.loads(breach.event)
    assert (published["type"], published["subject"]) == ("liudan.sla.breached.v1", ticket.number)
    assert published["time"] == published["data"]["due_at"]
    assert (published["data"]["level"], published["data"]["state"]) == ("department", "dispatched")


def test_the_boundary_is_in_time_however_late_somebody_looks(town: Town, reads: ReadStore) -> None:
    exactly, late = town.walk(1), town.walk(1)
    assert exactly.deadlines is not None
    assert exactly.deadlines.stage_due is not None
    watch = town.watch(reads)
    town.hands.now = exactly.deadlines.stage_due
    town.give(c.Verify(), Role.GRID_WORKER, exactly.number)
    town.hands.turn(timedelta(microseconds=1))
    town.give(c.Verify(), Role.GRID_WORKER, late.number)
    look(watch)
    assert said(reads, Kind.BREACHED) == []
    town.hands.turn(SETTLE - timedelta(microseconds=1))
    look(watch)
    assert said(reads, Kind.BREACHED) == []
    town.hands.turn(timedelta(microseconds=1))
    look(watch)
    assert [(row.key.number, row.key.clock) for row in announced(reads) if row.key.percent == 100] == [
        (late.number, "verify")
    ]


def test_a_simulated_year_is_the_same_live_late_in_pieces_and_from_scratch(
    town: Town, reads: ReadStore
) -> None:
    dice = random.Random(2026)
    watch = town.watch(reads, timers=7)
    waiting = []
    for _ in range(73):
        if dice.random() < 0.5:
            waiting.append((town.walk(1), 1))
        for index, (ticket, steps) in enumerate(list(waiting)):
            if dice.random() < 0.3 and steps < len(HAPPY_PATH) and not ticket.ended:
                try:
                    ticket = town.give(*HAPPY_PATH[steps], ticket.number, timedelta(minutes=5))
                except Refused:  # the system has closed what was not rated
                    continue
                waiting[index] = (ticket, steps + 1)
        town.hands.turn(dice.choice([HOUR, DAY, 5 * DAY, 13 * DAY]))
        if dice.random() < 0.6:
            look(watch)
        if dice.random() < 0.2:
            watch = town.watch(reads, timers=dice.choice([1, 50]))
    look(watch)
    check_topic(town, reads)
    assert {kind for kind in Kind if said(reads, kind)} == set(Kind)
    scratch = another(town, "scratch")
    before = town.store.last_position()
    look(town.watch(scratch))
    assert events_of(announced(scratch)) == events_of(announced(reads))
    assert town.store.last_position() == before
    check_topic(town, reads)


def test_a_clock_that_jumps_back_and_a_day_of_sleep(town: Town, reads: ReadStore) -> None:
    town.walk(4)
    watch = town.watch(reads)
    town.hands.turn(7 * HOUR)
    look(watch)
    first = announced(reads)
    assert first
    town.hands.turn(-2 * DAY)
    look(watch)
    assert announced(reads) == first
    town.hands.turn(2 * DAY + DAY)
    look(watch)
    assert announced(reads)[: len(first)] == first
    assert said(reads, Kind.BREACHED) == [("accept", 100)]
    check_topic(town, reads)


def test_what_was_done_meanwhile_is_announced_but_not_escalated(town: Town, reads: ReadStore) -> None:
    done, ended, merged, into = town.walk(4), town.walk(4), town.walk(4), town.walk(4)
    late = town.give(*HAPPY_PATH[4], done.number, 5 * DAY)
    town.give(c.Withdraw(), Role.RESIDENT, ended.number)
    town.give(c.Merge(into=into.number), Role.TOWNSHIP, merged.number)
    town.hands.turn(HOUR)
    look(town.watch(reads))
    breached = {row.key.number for row in announced(reads) if row.key.kind is Kind.BREACHED}
    assert breached == {done.number, ended.number, merged.number, into.number}
    for ticket in (late, ended, merged):
        assert "ticket-escalated" not in kinds(town.store, ticket.number)
    assert "ticket-escalated" in kinds(town.store, into.number)


def test_a_rating_that_does_not_come_closes_the_ticket(town: Town, reads: ReadStore) -> None:
    ticket = town.walk(7)
    watch = town.watch(reads)
    town.hands.turn(7 * DAY)
    look(watch)
    assert kinds(town.store, ticket.number)[-1] == "result-fed-back"
    town.hands.turn(2 * SETTLE)
    look(watch)
    assert kinds(town.store, ticket.number)[-2:] == ["rating-lapsed", "ticket-closed"]
    assert said(reads, Kind.RATING_OVER) == [("rating", 100)]
    assert said(reads, Kind.BREACHED) == []


def test_an_import_is_judged_by_its_sources_last_word_and_never_escalated(
    town: Town, reads: ReadStore
) -> None:
    def case(serial: int, due: timedelta, **more: object) -> c.Import:
        fields: dict[str, object] = {
            "origin": "nyc311", "source_id": str(serial), "region": Region("us-nyc:queens:09"),
            "category": "nyc311:noise", "category_text": "Noise", "agency": "dept:us-nyc:nypd",
            "placed_at": START - 20 * DAY, "resolve_due": START + due,
        }  # fmt: skip
        return c.Import.model_validate(fields | more)

    late = town.give(case(1, -9 * DAY), Role.SYSTEM)
    unknown = town.give(case(2, -3 * DAY), Role.SYSTEM)
    town.give(case(3, -9 * DAY, closed=True, closed_at=START - 8 * DAY), Role.SYSTEM)
    watch = town.watch(reads)
    town.hands.turn(DAY)
    look(watch)
    assert len(announced(reads)) == 1  # the closed one: that the others are open nobody has said yet
    town.known_until["nyc311"] = START - 5 * DAY
    look(watch)
    assert [orjson.loads(row.event)["data"]["source_id"] for row in announced(reads)] == ["3", "1"]
    town.known_until["nyc311"] = START - 3 * DAY
    look(watch)
    assert len(announced(reads)) == 2  # due exactly then is in time
    assert kinds(town.store, late.number) == ["ticket-imported"]
    town.give(c.Urge(), Role.SYSTEM, unknown.number)
    town.hands.turn(DAY)
    look(watch)
    assert announced(reads)[-1].key.number == unknown.number
    assert kinds(town.store, unknown.number)[-1] == "ticket-escalated"
    check_topic(town, reads)


def test_nothing_is_sent_twice_after_a_crash_before_the_bookmark(town: Town, reads: ReadStore) -> None:
    for _ in range(9):
        town.walk(4)
    town.hands.turn(30 * DAY)
    look(town.watch(reads, timers=4))
    check_topic(town, reads)
    rows, name = AnnouncementRows(reads), publication_name(town.log)
    events = town.store.count()
    for sequence, ends in ((0, {}), (3, {0: 2}), (rows.last() - 2, {0: 1})):
        rows.set_progress(name, Progress(sequence, ends))
        rows.set_progress(PROGRESS, Progress(sequence))
        look(town.watch(reads, timers=3))
        check_topic(town, reads)
    assert town.store.count() == events


def test_a_read_store_made_anew_repeats_nothing(town: Town, reads: ReadStore) -> None:
    for _ in range(5):
        town.walk(3)
    town.hands.turn(30 * DAY)
    look(town.watch(reads))
    events, records = town.store.count(), in_topic(town.log)
    anew = another(town, "anew")
    look(town.watch(anew, timers=3))
    assert events_of(announced(anew)) == events_of(announced(reads))
    assert (town.store.count(), in_topic(town.log)) == (events, records)
    town.hands.turn(DAY)
    town.walk(2)
    town.hands.turn(30 * DAY)
    look(town.watch(anew))
    assert sorted(record.value for record in in_topic(town.log)) == events_of(announced(anew))


class Unreachable(EmbeddedEventLog):
    """A log whose broker does not answer: what was sent may have arrived or not."""

    mood = "gone"

    def publish(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> None:
        if self.mood != "gone":
            super().publish(topic, records, headers)
        if self.mood != "well":
            raise LogUnavailable("no answer")


def test_while_the_log_is_away_escalation_goes_on_and_nothing_is_lost(town: Town, reads: ReadStore) -> None:
    ticket = town.walk(4)
    town.hands.turn(30 * DAY)
    away = Unreachable(town.store, town.folder)
    watch = town.watch(reads, away)
    for mood in ("gone", "gone", "deaf"):
        away.mood = mood
        with pytest.raises(LogUnavailable):
            look(watch)
    assert "ticket-escalated" in kinds(town.store, ticket.number)
    away.mood = "well"
    look(watch)
    away.close()
    check_topic(town, reads)


def test_thousands_in_the_same_second_come_in_batches_and_in_order(town: Town, reads: ReadStore) -> None:
    for _ in range(60):
        town.walk(1)
    watch = town.watch(reads, timers=7)
    town.hands.turn(30 * DAY)
    assert look(watch) >= 60 * 2 / 7
    rows = announced(reads)
    assert len(rows) == len({row.key for row in rows}) == 60 * 8
    times = [orjson.loads(row.event)["time"] for row in rows]
    assert times == sorted(times)


def test_only_one_watches_and_none_while_the_past_is_written(town: Town, reads: ReadStore) -> None:
    with deadlines_unwatched(town.store), town.store.lock(LOCK) as active:
        assert not active
    with town.store.lock(LOCK) as active:
        assert active


def test_timers_of_another_event_store_are_refused(town: Town, reads: ReadStore) -> None:
    town.walk(3)
    look(town.watch(reads))
    with (
        Town(f"sqlite:///{town.folder}/other.db", town.folder) as other,
        pytest.raises(Halted, match="another"),
    ):
        look(other.watch(reads))


def test_no_timer_stays_of_a_ticket_that_has_ended(town: Town, reads: ReadStore) -> None:
    town.walk(8)
    running = town.walk(2)
    look(town.watch(reads))
    with reads.reading() as connection:
        assert set(connection.scalars(sa.select(SLA_TIMERS.c.number))) == {running.number}


def test_a_higher_level_is_not_replaced_by_a_lower_one(town: Town) -> None:
    ticket = town.walk(4)
    town.give(c.Escalate(reason="late", to_level=Level.COUNTY), Role.SYSTEM, ticket.number)
    with pytest.raises(Refused) as refused:
        town.give(c.Escalate(reason="late", to_level=Level.TOWNSHIP), Role.SYSTEM, ticket.number)
    assert refused.value.rule == "escalated-already"
    after = town.give(c.Escalate(reason="late"), Role.SYSTEM, ticket.number)
    assert after.escalated_to is Level.PREFECTURE
