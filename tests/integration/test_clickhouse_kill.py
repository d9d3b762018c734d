"""kill -9 of either side, at any moment, loses no event and lands none twice."""

import random
import subprocess
import sys
import threading
import time

import pytest
from clickhouse_connect.driver.client import Client

from tests.services.clickhouse import ROOT, Endpoint, own_endpoint
from tests.services.landing_writer import land

__all__ = ["own_endpoint"]
pytestmark = [pytest.mark.clickhouse, pytest.mark.slow]
PARTITIONS, END, KILLS = 3, 12_000, 5


def test_the_endpoint_is_killed(own_endpoint: Endpoint) -> None:
    writing = threading.Thread(target=land, args=(own_endpoint.client, PARTITIONS, END))
    writing.start()
    moments = random.Random(1)
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.1, 0.8))
        own_endpoint.kill()
        own_endpoint.start()
    writing.join(timeout=200)
    assert not writing.is_alive()
    _everything_is_there_once(own_endpoint)


def test_the_writer_is_killed(own_endpoint: Endpoint) -> None:
    own_endpoint.client().close()
    arguments = [own_endpoint.url, own_endpoint.password("writer"), str(PARTITIONS), str(END)]
    command = [sys.executable, "-m", "tests.services.landing_writer", *arguments]
    moments = random.Random(2)
    client = own_endpoint.client()
    for kill in range(KILLS):
        with subprocess.Popen(command, cwd=ROOT) as process:
            _wait_for_rows(client, process, more_than=kill * 300)
            time.sleep(moments.uniform(0.0, 0.3))
            process.kill()
    client.close()
    assert subprocess.run(command, cwd=ROOT, timeout=200, check=False).returncode == 0
    _everything_is_there_once(own_endpoint)


def _wait_for_rows(client: Client, process: subprocess.Popen[bytes], more_than: int) -> None:
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at and process.poll() is None:
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
    client.close()
