"""The README's example of a subscriber follows the stream exactly once, however often it is killed."""

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from domain.cloudevent import encode
from domain.ticket_event import TicketEvent
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import TICKETS_TOPIC
from tests.e2e.installation import ROOT
from tests.journeys import HAPPY_PATH, Journey
from tests.services.eventually import eventually
from tests.services.kafka import broker, kafka

__all__ = ["broker", "kafka"]
pytestmark = [pytest.mark.slow, pytest.mark.kafka]

TICKETS, KILLS = 150, 6

# Beside the subscriber's own table: every change that it makes there, which must be the first of its kind.
NOTED = """
CREATE TABLE tickets (number TEXT PRIMARY KEY, sequence INTEGER, state TEXT);
CREATE TABLE applied (number TEXT, sequence INTEGER, PRIMARY KEY (number, sequence));
CREATE TRIGGER placed AFTER INSERT ON tickets
BEGIN INSERT INTO applied VALUES (new.number, new.sequence); END;
CREATE TRIGGER changed AFTER UPDATE ON tickets
BEGIN INSERT INTO applied VALUES (new.number, new.sequence); END;
"""


def test_the_subscriber_applies_every_event_once(kafka: str, tmp_path: Path) -> None:
    events = histories()
    file = tmp_path / "mine.db"
    with closing(sqlite3.connect(file)) as mine:
        mine.executescript(NOTED)
    chance = random.Random(622901)
    with closing(KafkaEventLog(kafka)) as log:
        for piece in range(KILLS):
            before = len(applied(file))
            with subscriber(kafka, file):
                publish(log, events, piece)
                eventually(partial(has_more_than, before, file))
                time.sleep(chance.uniform(0, 0.5))
    with subscriber(kafka, file):
        eventually(partial(has_more_than, len(events) - 1, file))
    assert sorted(applied(file)) == sorted((str(event.number), event.sequence) for event in events)
    assert "Traceback" not in file.with_suffix(".txt").read_text()
    with closing(sqlite3.connect(file)) as mine:
        assert {state for (state,) in mine.execute("SELECT state FROM tickets")} == {"closed"}


def histories() -> list[TicketEvent]:
    """Give all events of many tickets, as their commands came in."""
    journeys = [Journey(serial=serial) for serial in range(TICKETS)]
    for command, role in HAPPY_PATH:
        for journey in journeys:
            journey.give(command, role)
    longest = max(len(journey.events) for journey in journeys)
    return [journey.events[at] for at in range(longest) for journey in journeys if at < len(journey.events)]


def publish(log: KafkaEventLog, events: Sequence[TicketEvent], piece: int) -> None:
    """Publish the next piece, and before it again the end of the last one, as a relay does after a crash."""
    size = -(-len(events) // KILLS)
    start = max(0, piece * size - size // 3)
    log.publish(
        TICKETS_TOPIC,
        [
            (str(event.number), encode(event), start + index + 1)
            for index, event in enumerate(events[start : (piece + 1) * size])
        ],
    )


def applied(file: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(file)) as mine:
        return mine.execute("SELECT number, sequence FROM applied").fetchall()


def has_more_than(count: int, file: Path) -> bool:
    return len(applied(file)) > count


@contextmanager
def subscriber(bootstrap: str, file: Path) -> Iterator[None]:
    """Run the example, and kill it at the end."""
    command = [sys.executable, str(ROOT / "examples" / "subscriber.py"), bootstrap, str(file)]
    with (
        file.with_suffix(".txt").open("ab") as said,
        subprocess.Popen(command, stdout=said, stderr=said) as process,
    ):
        try:
            yield
        finally:
            process.kill()
