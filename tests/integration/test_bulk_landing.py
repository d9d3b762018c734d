"""A rebuild's large steps: everything the log has, once; what is in the way is left to the poll loop."""

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from consumers import bulk_landing
from consumers.bulk_landing import land_history
from infra.clickhouse.landing import Landing
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint, writer
from tests.services.landing_records import record
from tests.unit.scripted_log import ScriptedLog

__all__ = ["endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse

COUNT = "SELECT count(), uniqExact(log_offset), max(log_offset) FROM liudan.ticket_events"


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_landing, "RECORDS_AT_ONCE", 30)


@pytest.fixture
def landing(endpoint: Endpoint) -> Iterator[Landing]:
    landing = Landing(endpoint.client, insert_rows=20)
    yield landing
    landing.close()


def log_of(start: int, end: int) -> ScriptedLog:
    log = ScriptedLog()
    log.published = [record(0, offset) for offset in range(start, end)]
    return log


def test_the_whole_log_lands_once_and_it_goes_on_where_it_stands(landing: Landing, writer: Client) -> None:
    log, told = log_of(0, 100), list[int]()
    land_history(log, landing, [0], told.append)
    assert (sum(told), max(told)) == (100, 30)
    assert writer.command(COUNT) == ["100", "100", "99"]
    log.published += log_of(100, 145).published
    land_history(log, landing, [0], told.append)
    assert sum(told) == 145
    assert writer.command(COUNT) == ["145", "145", "144"]


def test_a_record_that_cannot_be_read_ends_it_with_nothing_after_it_landed(
    landing: Landing, writer: Client
) -> None:
    log = log_of(0, 100)
    log.published[70] = log.published[70]._replace(value=b"{}")
    land_history(log, landing, [0], lambda _: None)
    assert landing.start_offsets([0]) == {0: 60}
    assert writer.command(COUNT) == ["60", "60", "59"]


def test_a_parked_ticket_is_the_poll_loops_business(landing: Landing, writer: Client) -> None:
    landing.park(record(0, 5), "unreadable")
    land_history(log_of(0, 50), landing, [0], lambda _: None)
    assert writer.command("SELECT count() FROM liudan.ticket_events") == 0
