"""The event store under test, once per database, and other processes that use the same one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore

ROOT = Path(__file__).parents[2]

Client = Callable[..., AbstractContextManager["subprocess.Popen[str]"]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/events.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def open_store(store_url: str) -> Iterator[Callable[[], EventStore]]:
    """Open the store as often as wanted; all are closed at the end."""
    opened: list[EventStore] = []

    def open_another() -> EventStore:
        opened.append(open_event_store(store_url))
        return opened[-1]

    yield open_another
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], EventStore]) -> EventStore:
    return open_store()


@pytest.fixture
def client(store_url: str) -> Client:
    """Start `event_store_client` on the store; it is killed when the block ends."""

    @contextmanager
    def start(verb: str, *rest: object) -> Iterator["subprocess.Popen[str]"]:
        command = [sys.executable, "-m", "tests.contract.event_store_client", verb, store_url]
        with subprocess.Popen(
            [*command, *map(str, rest)], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    return start
