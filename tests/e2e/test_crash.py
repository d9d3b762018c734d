"""kill -9 of any process at any moment: no answered command is lost or done twice, every copy agrees."""

import os
import random
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from consumers.supervisor.outcome import await_caught_up
from infra.settings import LogKind
from tests.e2e.aftermath import check_everything
from tests.e2e.http_load import HttpLoad
from tests.e2e.installation import Up
from tests.e2e.process_tree import await_part, kill
from tests.e2e.writer import Writer
from tests.services.clickhouse import require_clickhouse
from tests.services.eventually import eventually
from tests.services.kafka import require_kafka

KILLS = int(os.environ.get("LIUDAN_KILLS", "6"))
SEED = int(os.environ.get("LIUDAN_SEED", secrets.randbelow(1_000_000)))
PARTS = {
    LogKind.EMBEDDED: ("clickhouse", "project", "watch", "api"),
    LogKind.KAFKA: ("broker", "kafka", "clickhouse", "relay", "project", "watch", "api"),
}

pytestmark = [
    pytest.mark.crash,
    pytest.mark.slow,
    pytest.mark.clickhouse,
    pytest.mark.timeout(240 + 30 * KILLS),
]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def stores(request: pytest.FixtureRequest) -> dict[str, str]:
    """Where events and read models are kept."""
    if request.param == "sqlite":
        return {}
    url: str = request.getfixturevalue("postgres_url")
    return {"LIUDAN_EVENT_STORE": url, "LIUDAN_READ_STORE": url}


@pytest.fixture(params=[LogKind.EMBEDDED, pytest.param(LogKind.KAFKA, marks=pytest.mark.kafka)])
def up(request: pytest.FixtureRequest, tmp_path: Path, stores: Mapping[str, str]) -> Iterator[Up]:
    require_clickhouse()
    if request.param is LogKind.KAFKA:
        require_kafka()
    with Up(tmp_path / "home", request.param, stores=stores) as running:
        yield running


def test_nothing_is_lost_and_nothing_is_done_twice(up: Up, tmp_path: Path) -> None:
    print(f"LIUDAN_SEED={SEED}")
    writer = Writer(up.home, SEED, up.stores)
    writer.start()
    chance = random.Random(SEED)
    with HttpLoad(up.url, SEED) as load:
        eventually(lambda: bool(load.acknowledged and writer.acknowledged()))
        for victim in _victims(up.log, chance):
            time.sleep(chance.uniform(0.2, 1.5))
            _kill(victim, up, writer)
        answered = len(load.acknowledged)
        eventually(lambda: len(load.acknowledged) > answered)
    writer.kill()
    assert not load.refused
    acknowledged = [*load.acknowledged, *writer.acknowledged()]
    with up.parts() as parts:
        await_caught_up(parts)
        events = check_everything(parts, acknowledged, tmp_path / "replay")
    print(f"{events} events, {len(acknowledged)} commands, slowest {load.waited_longest_seconds:.1f} s")
    up.stop()


def _victims(log: LogKind, chance: random.Random) -> Iterator[str]:
    """Choose KILLS victims: everybody's turn comes before anybody's second."""
    waiting: list[str] = []
    for _ in range(KILLS):
        if not waiting:
            waiting = [*PARTS[log], "writer", "supervisor"]
            chance.shuffle(waiting)
        yield waiting.pop()


def _kill(victim: str, up: Up, writer: Writer) -> None:
    if victim == "supervisor":
        up.kill()
        up.start()
    elif victim == "writer":
        writer.kill()
        writer.start()
    else:
        kill(await_part(up.pid, victim))
