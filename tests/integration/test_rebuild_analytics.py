"""A rebuild of the analytics: exact, beside what serves, and harmless wherever it is killed."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from consumers.followers import FOLLOWERS, open_sink
from consumers.poll_loop import LoopSettings, PollLoop
from consumers.rebuild_analytics import AnalyticsRebuild, Different, Source
from domain.errors import Invalid
from infra.bootstrap import Installation
from infra.clickhouse.builds import build_of
from infra.clickhouse.migrate import migrate
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.subject import subject_of
from infra.settings import EMBEDDED, Settings
from projections.ticket_events import COLUMNS, landing_row
from tests.benchmarks.histories import fill
from tests.benchmarks.orders import EVENTS_A_JOURNEY
from tests.e2e.process_tree import await_end, below
from tests.services.clickhouse import Endpoint, own_endpoint

__all__ = ["own_endpoint"]
pytestmark = pytest.mark.clickhouse

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("LIUDAN_KILLS", "6"))
_NAMES = [column.name for column in COLUMNS]
_COUNT = "SELECT count() FROM liudan.ticket_events"


@pytest.fixture
def parts(own_endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation on the embedded log with its own ClickHouse, and tickets that have landed."""
    url = own_endpoint.url.replace("http://", f"http://writer:{own_endpoint.password('writer')}@")
    for name, value in (("CLICKHOUSE", url), ("KAFKA", EMBEDDED), ("HOME", str(tmp_path / "home"))):
        monkeypatch.setenv(f"LIUDAN_{name}", value)
    with Installation(Settings.load()) as parts:
        parts.home.create()
        fill(parts.store, 0, 60)
        with landing(parts):
            await_landed(parts)
        yield parts


@pytest.fixture
def client(parts: Installation) -> Iterator[Client]:
    client = parts.clickhouse()
    yield client
    client.close()


@contextmanager
def landing(parts: Installation) -> Iterator[None]:
    """The projector's landing, as a thread."""
    stop = threading.Event()
    settings = LoopSettings(max_records=100, poll_seconds=0.01)
    sink = open_sink(parts, "landing")
    loop = PollLoop(parts.event_log, TICKETS_TOPIC, "landing", sink, settings=settings, stop=stop)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def await_landed(parts: Installation) -> None:
    client, until = parts.clickhouse(), time.monotonic() + 60
    migrate(client)
    while client.command(_COUNT) != parts.store.count():
        assert time.monotonic() < until
        time.sleep(0.05)
    client.close()


def assert_equals_the_store(parts: Installation, client: Client) -> None:
    query = f"SELECT {', '.join(_NAMES)} FROM liudan.ticket_events ORDER BY store_position"
    landed = [
        tuple(str(value) if isinstance(value, UUID) else value for value in row)
        for row in client.query(query).result_rows
    ]
    rows = (landing_row(stored.state, subject_of(stored.state)) for stored in parts.store.read(0, 10**6))
    assert landed == [tuple(row[name] for name in _NAMES) for row in rows]


@contextmanager
def watched(parts: Installation) -> Iterator[list[int]]:
    """Count the rows again and again, as a reader would."""
    counts: list[int] = []
    stop = threading.Event()

    def look() -> None:
        reader = parts.clickhouse()
        while not stop.is_set():
            counts.append(int(str(reader.command(_COUNT))))
        reader.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield counts
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("source", list(Source))
def test_a_rebuild_takes_the_place_of_what_served(
    parts: Installation, client: Client, source: Source
) -> None:
    with watched(parts) as counts:
        assert AnalyticsRebuild(parts, source=source).run() == 2
    assert set(counts) == {60 * EVENTS_A_JOURNEY}
    assert client.query("SELECT DISTINCT build FROM liudan.ticket_events").result_rows == [(2,)]
    assert_equals_the_store(parts, client)
    fill(parts.store, 60, 10)
    with landing(parts):
        await_landed(parts)
    assert_equals_the_store(parts, client)
    assert AnalyticsRebuild(parts).run() == 3
    assert_equals_the_store(parts, client)


def test_events_go_on_landing_while_it_is_built(parts: Installation, client: Client) -> None:
    with landing(parts), watched(parts) as counts:
        builder = threading.Thread(target=AnalyticsRebuild(parts).run)
        builder.start()
        serial = 60
        while builder.is_alive():
            fill(parts.store, serial, 3)
            serial += 3
            time.sleep(0.05)
        builder.join()
        await_landed(parts)
    assert counts == sorted(counts), "a reader saw rows disappear"
    assert build_of(client) == 2
    assert_equals_the_store(parts, client)


def test_what_differs_is_named_and_not_exchanged(parts: Installation, client: Client) -> None:
    alter = "ALTER TABLE liudan.ticket_events {} WHERE sequence = {} SETTINGS mutations_sync = 1"
    client.command(alter.format("UPDATE category = 'x'", 1))
    with pytest.raises(Different, match="category in partition 0"):
        AnalyticsRebuild(parts).run()
    assert build_of(client) == 1
    client.command(alter.format("DELETE", 2))
    with pytest.raises(Different, match="rows in partition 0"):
        AnalyticsRebuild(parts).run()
    assert AnalyticsRebuild(parts, accept_differences=True).run() == 2
    assert_equals_the_store(parts, client)


def test_only_one_at_a_time(parts: Installation) -> None:
    with parts.store.lock("rebuild-analytics") as alone:
        assert alone
        with Installation(Settings.load()) as other, pytest.raises(Invalid, match="another rebuild"):
            AnalyticsRebuild(other).run()


@pytest.mark.slow
@pytest.mark.parametrize("source", [Source.LOG, Source.STORE])
def test_it_may_be_killed_anywhere(parts: Installation, client: Client, source: Source) -> None:
    chance = random.Random(6229)
    command = [sys.executable, "-m", "infra.cli", "rebuild", "analytics", "--from", source]
    took = _seconds_of(command)
    serial = 60
    with landing(parts):
        for _ in range(KILLS):
            fill(parts.store, serial, 5)
            serial += 5
            builder = subprocess.Popen(
                command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            time.sleep(chance.uniform(0.3, 1.0) * took)
            its_own = below(builder.pid)
            builder.kill()
            builder.wait()
            await_end(its_own, 10)
            await_landed(parts)
            assert_equals_the_store(parts, client)
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        await_landed(parts)
    assert_equals_the_store(parts, client)
    assert client.command("EXISTS TABLE liudan.ticket_events_next") == 0


def _seconds_of(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - began


def test_its_batches_are_those_of_the_landing() -> None:
    assert FOLLOWERS["landing"].settings.max_records >= 10_000
