"""The whole way: events in the store, the log, the one poll loop, and the SQL read models at its end."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventsourcing.persistence import StoredEvent

from consumers.dead_letters import DeadLetters
from consumers.poll_loop import PollLoop
from consumers.projector import ProjectionSink
from domain.cloudevent import encode
from domain.ticket_event import TicketEvent
from infra.event_log.embedded import EmbeddedEventLog
from infra.event_log.port import TICKETS_TOPIC
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.read_store.clock_rows import SlaClocksProjection
from infra.read_store.open import ReadStore, open_read_store
from infra.read_store.ticket_queries import SqlTicketQueries
from infra.read_store.ticket_rows import TicketStateProjection
from tests.journeys import HAPPY_PATH, Journey

PROJECTIONS = (TicketStateProjection(), SlaClocksProjection())
PATIENCE_SECONDS = 30.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    store = open_event_store(f"sqlite:///{tmp_path}/events.db")
    yield store
    store.close()


@pytest.fixture
def event_log(store: EventStore, tmp_path: Path) -> Iterator[EmbeddedEventLog]:
    log = EmbeddedEventLog(store, tmp_path)
    yield log
    log.close()


@pytest.fixture
def reads(tmp_path: Path) -> Iterator[ReadStore]:
    store = open_read_store(f"sqlite:///{tmp_path}/read.db")
    yield store
    store.close()


def journey(serial: int, steps: int = len(HAPPY_PATH)) -> Journey:
    found = Journey(serial=serial)
    for command, role in HAPPY_PATH[:steps]:
        found.give(command, role)
    return found


def append(store: EventStore, events: list[TicketEvent], broken: int | None = None) -> None:
    """Append events; the one with the sequence `broken` without its summary of the ticket."""
    for event in events:
        state = encode(event)
        if event.sequence == broken:
            state = state.replace(b'"ticket":', b'"tucket":')
        store.append([StoredEvent(event.stream_id, event.sequence, event.type, state)])


def follow(event_log: EmbeddedEventLog, reads: ReadStore, records: int) -> None:
    """Run a loop for each projection until it has come to the end of the log."""
    for projection in PROJECTIONS:
        sink = ProjectionSink.following(reads, projection, event_log, TICKETS_TOPIC)
        loop = PollLoop(event_log, TICKETS_TOPIC, projection.name, sink)
        thread = threading.Thread(target=loop.run)
        thread.start()
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while sink.start_offsets([0])[0] <= records:
                assert thread.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            loop.stop.set()
            thread.join()


def versions(reads: ReadStore, journeys: list[Journey]) -> list[int]:
    queries = SqlTicketQueries(reads)
    found = [queries.get(one.events[0].number) for one in journeys]
    return [row.version if row else 0 for row in found]


def test_read_models_follow_the_store_and_go_on_after_a_restart(
    store: EventStore, event_log: EmbeddedEventLog, reads: ReadStore
) -> None:
    journeys = [journey(serial) for serial in range(3)]
    append(store, [event for one in journeys for event in one.events[:4]])
    follow(event_log, reads, 12)
    assert versions(reads, journeys) == [4, 4, 4]
    append(store, [event for one in journeys for event in one.events[4:]])
    follow(event_log, reads, 27)
    assert versions(reads, journeys) == [9, 9, 9]


def test_a_poisoned_event_stops_only_its_ticket_until_somebody_decides(
    store: EventStore, event_log: EmbeddedEventLog, reads: ReadStore
) -> None:
    sick, healthy = journey(1), journey(2)
    mixed = [event for pair in zip(sick.events, healthy.events, strict=True) for event in pair]
    for event in mixed:
        append(store, [event], broken=3 if event.number == sick.events[0].number else None)
    follow(event_log, reads, len(mixed))
    assert versions(reads, [sick, healthy]) == [2, 9]
    letters = DeadLetters(event_log)
    for projection in PROJECTIONS:
        sink = ProjectionSink.following(reads, projection, event_log, TICKETS_TOPIC)
        assert set(sink.parked()) == {sick.events[0].number}
        assert letters.discard(projection.name, sick.events[0].number, sink, by="officer:it") == 7
        assert not sink.parked()
    assert not letters.open()
    assert versions(reads, [sick, healthy]) == [9, 9]
