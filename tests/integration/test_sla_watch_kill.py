"""kill -9 of the watch at any moment: every announcement is in the topic once, and escalates once."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import EventLog
from infra.event_store.port import EventStore
from infra.read_store.announcement_rows import AnnouncementRows
from infra.settings import EMBEDDED
from projections.sla_announcements import Kind
from tests.services.eventually import eventually
from tests.services.kafka import broker, kafka
from tests.services.watch_process import watch_process
from tests.watched_town import Hands, Town, announced, events_of, in_topic, look

__all__ = ["broker", "kafka"]
pytestmark = pytest.mark.slow

TICKETS, KILLS = 100, 6


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Tickets that were all forgotten two months ago."""
    hands = Hands(datetime.now(UTC) - timedelta(days=60))
    with Town(f"sqlite:///{tmp_path}/events.db", tmp_path, hands) as town:
        for number in range(TICKETS):
            town.walk(1 + number % 7)
        yield town


def test_on_the_embedded_log(town: Town) -> None:
    _kill_again_and_again(town, EMBEDDED, town.log)


@pytest.mark.kafka
def test_on_kafka(town: Town, kafka: str) -> None:
    with closing(KafkaEventLog(kafka)) as log:
        _kill_again_and_again(town, kafka, log)


def _kill_again_and_again(town: Town, bootstrap: str, log: EventLog) -> None:
    reads = town.reads(f"sqlite:///{town.folder}/read.db")
    rows, moments = AnnouncementRows(reads), random.Random(2026)
    for kill in range(KILLS):
        with watch_process(town.folder, bootstrap):
            before = rows.last()
            eventually(lambda before=before: rows.last() > before)  # type: ignore[misc]  # bound
            time.sleep(moments.uniform(0.0, 0.4) if kill else 0.0)
    killed_at = rows.last()
    town.hands.now = datetime.now(UTC)
    look(town.watch(reads, log))
    assert len(announced(reads)) > killed_at, "the last kill came too late to be one"
    assert sorted(record.value for record in in_topic(log)) == events_of(announced(reads))
    scratch = town.reads(f"sqlite:///{town.folder}/scratch.db")
    events = town.store.count()
    look(town.watch(scratch, log))
    assert events_of(announced(scratch)) == events_of(announced(reads))
    assert sorted(record.value for record in in_topic(log)) == events_of(announced(reads))
    assert town.store.count() == events
    _check_consequences(town.store, {str(row.key.id): row.key.kind for row in announced(reads)})


def _check_consequences(store: EventStore, known: dict[str, Kind]) -> None:
    """Each was caused by one announcement, and no announcement had two."""
    events = [orjson.loads(event.state) for event in store.read(0, 100_000)]
    caused = Counter(
        (event["causationid"], event["type"])
        for event in events
        if event["data"]["actor"]["id"] == "system:sla"
    )
    assert caused
    assert set(caused.values()) == {1}
    assert {known[cause] for cause, _ in caused} == {Kind.BREACHED, Kind.OVERRUN, Kind.RATING_OVER}
