"""kill -9 of either side, a full disk, a server that is away: no event is lost and none lands twice.

`LIUDAN_KILLS` says how often each side is killed; `make test-long` kills 100 times in all.
"""

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

from infra.clickhouse.migrate import migrate
from projections.ticket_events import COLUMNS, landing_row
from tests.services.clickhouse import ROOT, Endpoint, own_endpoint, require_clickhouse
from tests.services.landing_records import record
from tests.services.landing_writer import land

__all__ = ["own_endpoint"]
KILLS = int(os.environ.get("LIUDAN_KILLS", "5"))
AWAY_SECONDS = 60 if KILLS > 5 else 5
PARTITIONS, END = 3, 2_400 * KILLS
pytestmark = [
    pytest.mark.clickhouse,
    pytest.mark.slow,
    pytest.mark.crash,
    pytest.mark.timeout(300 + 30 * KILLS),
]
_NAMES = [column.name for column in COLUMNS]


@contextmanager
def _load_on(endpoint: Endpoint) -> Iterator[None]:
    """Land everything on a thread; it is there, once, when the block has ended."""
    writing = threading.Thread(target=land, args=(endpoint.client, PARTITIONS, END))
    writing.start()
    yield
    writing.join(timeout=200 + 10 * KILLS)
    assert not writing.is_alive()
    _everything_is_there_once(endpoint)


def test_the_endpoint_is_killed(own_endpoint: Endpoint) -> None:
    moments = random.Random(1)
    with _load_on(own_endpoint):
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.1, 0.8))
            own_endpoint.kill()
            own_endpoint.start()


def test_the_endpoint_is_away_for_a_while(own_endpoint: Endpoint) -> None:
    with _load_on(own_endpoint):
        time.sleep(0.3)
        own_endpoint.kill()
        time.sleep(AWAY_SECONDS)
        own_endpoint.start()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=96m", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_the_disk_fills_up(small_disk: Path) -> None:
    require_clickhouse()
    endpoint = Endpoint(small_disk / "clickhouse").start()
    client = endpoint.client()
    migrate(client)
    with _load_on(endpoint):
        _wait_for_rows(client, None, more_than=2_000)
        for _ in range(3):
            with (small_disk / "filler").open("wb") as filler:
                _fill(filler.fileno())
            stuck = _count(client)
            time.sleep(1.5)
            assert _count(client) - stuck < END, "it went on although the disk is full"
            (small_disk / "filler").unlink()
            time.sleep(0.3)
    client.close()
    assert endpoint.stop() == 0


def _fill(handle: int) -> None:
    """Take all the space that is left."""
    try:
        while True:
            os.write(handle, bytes(1 << 16))
    except OSError:
        return


def test_the_writer_is_killed(own_endpoint: Endpoint) -> None:
    own_endpoint.client().close()
    arguments = [own_endpoint.url, own_endpoint.password("writer"), str(PARTITIONS), str(END)]
    command = [sys.executable, "-m", "tests.services.landing_writer", *arguments]
    moments = random.Random(2)
    client = own_endpoint.client()
    for kill in range(KILLS):
        with subprocess.Popen(command, cwd=ROOT) as process:
            _wait_for_rows(client, process, more_than=kill * 900)
            time.sleep(moments.uniform(0.0, 0.3))
            process.kill()
    client.close()
    assert subprocess.run(command, cwd=ROOT, timeout=200, check=False).returncode == 0
    _everything_is_there_once(own_endpoint)


def _wait_for_rows(client: Client, process: subprocess.Popen[bytes] | None, more_than: int) -> None:
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at and (process is None or process.poll() is None):
        if client.command("EXISTS TABLE liudan.ticket_events") and _count(client) > more_than:
            return
        time.sleep(0.05)


def _count(client: Client) -> int:
    return int(str(client.command("SELECT count() FROM liudan.ticket_events")))


def _everything_is_there_once(endpoint: Endpoint) -> None:
    client = endpoint.client()
    sql = """
        SELECT log_partition, count(), uniqExact(log_offset), min(log_offset), max(log_offset),
               uniqExact(event_id)
        FROM liudan.ticket_events GROUP BY log_partition ORDER BY log_partition
    """
    assert client.query(sql).result_rows == [(p, END, END, 0, END - 1, END) for p in range(PARTITIONS)]
    projected = (
        "SELECT log_partition, max(log_offset), count() FROM liudan.ticket_events GROUP BY log_partition"
    )
    assert client.query(
        f"{projected} ORDER BY log_partition", settings={"force_optimize_projection": 1}
    ).result_rows == [(p, END - 1, END) for p in range(PARTITIONS)]
    for partition in range(PARTITIONS):
        _every_row_is_right(client, partition)
    client.close()


def _every_row_is_right(client: Client, partition: int) -> None:
    query = f"SELECT {', '.join(_NAMES)} FROM liudan.ticket_events WHERE log_partition = {partition}"
    rows = client.query(f"{query} ORDER BY log_offset").result_rows
    for offset, row in enumerate(rows):
        landed = tuple(str(value) if isinstance(value, UUID) else value for value in row)
        told = record(partition, offset)
        expected = landing_row(told.value, told.key)
        assert landed == tuple(expected[name] for name in _NAMES), offset
