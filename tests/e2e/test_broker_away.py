"""The broker away for a while: commands go on, and afterwards everything catches up, in order."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.supervisor.outcome import await_caught_up
from infra.settings import LogKind
from tests.e2e.aftermath import check_everything
from tests.e2e.http_load import HttpLoad
from tests.e2e.installation import Up
from tests.e2e.process_tree import await_part, kill
from tests.services.clickhouse import require_clickhouse
from tests.services.kafka import require_kafka

AWAY_SECONDS = float(os.environ.get("LIUDAN_AWAY_SECONDS", "10"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.clickhouse,
    pytest.mark.timeout(300 + 2 * AWAY_SECONDS),
]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    require_clickhouse()
    require_kafka()
    with Up(tmp_path / "home", LogKind.KAFKA) as running:
        yield running


def test_commands_succeed_without_a_broker_and_everything_catches_up(up: Up, tmp_path: Path) -> None:
    with HttpLoad(up.url, seed=622901, clients=2) as load:
        while len(load.acknowledged) < 20:
            time.sleep(0.05)
        before = _keep_the_broker_away(up, load)
    assert not load.refused
    assert len(load.acknowledged) - before >= AWAY_SECONDS, "commands stood still while the broker was away"
    with up.parts() as parts:
        await_caught_up(parts)
        check_everything(parts, load.acknowledged, tmp_path / "replay")
    assert up.stop() == 0


def _keep_the_broker_away(up: Up, load: HttpLoad) -> int:
    """Kill the broker and hold back whoever would start it again; gives how many were answered before."""
    supervisor_of_broker = await_part(up.pid, "broker")
    os.kill(supervisor_of_broker, signal.SIGSTOP)  # it cannot notice, nor end and be started again
    try:
        kill(await_part(up.pid, "kafka"))
        before = len(load.acknowledged)
        time.sleep(AWAY_SECONDS)
    finally:
        os.kill(supervisor_of_broker, signal.SIGCONT)
    return before
