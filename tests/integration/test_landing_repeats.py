"""After a crash the relay sends again what it does not know to have arrived; ClickHouse has it once."""

from collections.abc import Iterator, Sequence

import pytest
from clickhouse_connect.driver.client import Client

from infra.clickhouse.landing import Landing
from infra.event_log.port import LogRecord
from infra.event_log.sink import Letter, Step
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint, writer
from tests.services.landing_records import record

__all__ = ["endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse

COUNT = "SELECT count(), uniqExact(event_id), max(log_offset) FROM liudan.ticket_events"


@pytest.fixture
def landing(endpoint: Endpoint) -> Iterator[Landing]:
    landing = Landing(endpoint.client)
    yield landing
    landing.close()


def log_of(*events: int) -> list[LogRecord]:
    """A partition whose offsets go on while the events, named by number, come again."""
    return [record(0, event)._replace(offset=offset) for offset, event in enumerate(events)]


def land(landing: Landing, records: Sequence[LogRecord]) -> None:
    start, end = records[0].offset, records[-1].offset + 1
    assert landing.start_offsets([0]) == {0: start}
    landing.apply(records, {0: Step(start, end)})


def test_a_repeat_within_a_batch_is_dropped(landing: Landing, writer: Client) -> None:
    land(landing, log_of(0, 1, 2, 3, 1, 2, 3, 4))
    assert writer.command(COUNT) == ["5", "5", "7"]


def test_a_repeat_of_an_earlier_batch_is_dropped_and_the_position_moves_on(
    landing: Landing, writer: Client
) -> None:
    records = log_of(0, 1, 2, 3, 2, 3, 3, 4, 5)
    land(landing, records[:4])
    landing.apply(records[4:6], {0: Step(4, 6)})
    landing.apply(records[6:8], {0: Step(6, 8)})
    assert landing.start_offsets([0]) == {0: 8}
    assert writer.command(COUNT) == ["5", "5", "7"]


def test_a_landing_that_starts_anew_knows_a_repeat(
    landing: Landing, endpoint: Endpoint, writer: Client
) -> None:
    records = log_of(0, 1, 2, 1, 2, 3)
    land(landing, records[:3])
    for part in (records[3:5], records[5:]):
        another = Landing(endpoint.client)
        land(another, part)
        another.close()
    assert writer.command(COUNT) == ["4", "4", "5"]


def test_events_without_a_position_are_all_landed(landing: Landing, writer: Client) -> None:
    land(landing, [each._replace(position=None) for each in log_of(0, 1, 2)])
    assert writer.command("SELECT count() FROM liudan.ticket_events") == 3


def test_a_released_ticket_is_landed_behind_others_and_once(landing: Landing, writer: Client) -> None:
    """The first ticket (events 0 to 3) waits while the second is landed; then the relay repeats it all."""
    records = log_of(*range(8), *range(2, 8))
    key = records[0].key
    landing.start_offsets([0])
    landing.park(records[0], "unreadable")
    landing.apply(records[4:8], {0: Step(0, 8)}, {key})
    repeats = records[8:]
    landing.apply([each for each in repeats if each.key != key], {0: Step(8, 14)}, {key})
    landing.release(key, lambda: [Letter(each) for each in records if each.key == key])
    assert writer.command("SELECT count(), uniqExact(event_id) FROM liudan.ticket_events") == ["8", "8"]
