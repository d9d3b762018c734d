"""The process that keeps the transparency log, on every event store."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumers.progress import Condition
from consumers.transparency.keep import LogKeeper
from domain.errors import Halted
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore, VersionTaken
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_key import open_log_key
from infra.transparency.log_reader import LogReader
from infra.transparency.merkle import is_consistent
from infra.transparency.set_back import log_bookmark
from infra.transparency.signed_note import Signer
from tests.contract.event_store_fixtures import open_store, store, store_url
from tests.services.eventually import eventually
from tests.services.sample_events import number, stored

__all__ = ["open_store", "store", "store_url"]


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "transparency")


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return open_log_key(tmp_path / "transparency.key")


def keeper(store: EventStore, folder: LogFolder, signer: Signer) -> LogKeeper:
    return LogKeeper(store, folder, signer)


@contextmanager
def running(keeper: LogKeeper) -> Iterator[LogKeeper]:
    thread = threading.Thread(target=keeper.run)
    thread.start()
    try:
        yield keeper
    finally:
        keeper.stop.set()
        thread.join()


def entries(folder: LogFolder) -> list[bytes]:
    log = LogReader(folder)
    size = log.head().checkpoint.size
    found: list[bytes] = []
    while len(found) < size:
        found += log.entries(len(found), size)
    return found


def fill(store: EventStore, tickets: range, events: int = 3) -> None:
    store.append([stored(number(n), version) for n in tickets for version in range(1, events + 1)])


def test_every_events_bytes_are_leaves_in_store_order(
    store: EventStore, folder: LogFolder, signer: Signer
) -> None:
    """Also where a refused append leaves a hole in the positions, as it does in PostgreSQL."""
    fill(store, range(100))
    with pytest.raises(VersionTaken):
        store.append([stored(number(7), 4), stored(number(7), 3)])
    fill(store, range(100, 200))
    head = keeper(store, folder, signer).catch_up()
    log = LogReader(folder)
    events = store.read(0, 1000)
    assert entries(folder) == [event.state for event in events]
    assert head.root == log.root(head.size) == log.head().checkpoint.root
    runs = log.positions()
    assert [runs.leaf_of(event.id) for event in events] == list(range(600))


def test_a_checkpoint_follows_every_event(store: EventStore, folder: LogFolder, signer: Signer) -> None:
    """How soon, `liudan bench` measures."""
    log = LogReader(folder)
    with running(keeper(store, folder, signer)):
        for n in range(3):
            store.append([stored(number(n), 1)])
            eventually(lambda n=n: folder.checkpoint.exists() and log.head().checkpoint.size == n + 1)  # type: ignore[misc] # mypy cannot infer it


def test_one_keeper_at_a_time_and_another_takes_over(
    open_store: Callable[[], EventStore], folder: LogFolder, signer: Signer
) -> None:
    first, second = (keeper(open_store(), folder, signer) for _ in range(2))
    store = open_store()
    with running(second):
        with running(first):
            fill(store, range(10))
            eventually(lambda: folder.checkpoint.exists() and len(entries(folder)) == 30)
        fill(store, range(10, 20))
        eventually(lambda: len(entries(folder)) == 60)


def test_checkpoints_are_the_beginnings_of_later_ones(
    store: EventStore, folder: LogFolder, signer: Signer
) -> None:
    log, heads = LogReader(folder), []
    for n in range(12):
        fill(store, range(n * n, (n + 1) * (n + 1)), 11)
        heads.append(keeper(store, folder, signer).catch_up())
    for older in heads:
        for newer in heads[heads.index(older) :]:
            proof = log.consistency(older.size, newer.size)
            assert is_consistent(older.size, newer.size, older.root, newer.root, proof)


def test_a_store_that_lost_events_is_not_followed(
    store: EventStore, folder: LogFolder, signer: Signer, tmp_path: Path
) -> None:
    fill(store, range(10))
    keeper(store, folder, signer).catch_up()
    other = open_event_store(f"sqlite:///{tmp_path}/backup.db")
    fill(other, range(9))
    kept = keeper(other, folder, signer)
    with pytest.raises(Halted, match="events were lost"):
        kept.run()
    assert kept.progress.standing().condition is Condition.HALTED
    other.append([stored(number(77), version) for version in range(1, 4)])
    with pytest.raises(Halted, match="another event at position 30"):
        keeper(other, folder, signer).run()
    other.close()


def test_an_old_checkpoint_that_was_put_back_is_not_continued(
    store: EventStore, folder: LogFolder, signer: Signer
) -> None:
    fill(store, range(10))
    keeper(store, folder, signer).catch_up()
    old = folder.checkpoint.read_bytes()
    fill(store, range(10, 20))
    keeper(store, folder, signer).catch_up()
    folder.checkpoint.write_bytes(old)
    with pytest.raises(Halted, match="an old one was put back"):
        keeper(store, folder, signer).run()
    folder.checkpoint.unlink()
    with pytest.raises(Halted, match="an old one was put back"):
        keeper(store, folder, signer).run()


def test_what_a_disk_refuses_is_tried_again(store: EventStore, folder: LogFolder, signer: Signer) -> None:
    fill(store, range(10))
    folder.folder.mkdir()
    (folder.folder / "tile").write_text("in the way")
    kept = keeper(store, folder, signer)
    with running(kept):
        eventually(lambda: kept.progress.standing().condition is Condition.WAITING)
        (folder.folder / "tile").unlink()
        eventually(lambda: len(entries(folder)) == 30)


def test_the_bookmark_says_how_far_the_log_has_come(
    store: EventStore, folder: LogFolder, signer: Signer
) -> None:
    store.append([stored(number(1), 1)])
    keeper(store, folder, signer).catch_up()
    assert store.bookmark(log_bookmark(signer.verifier.name)) == store.last_position()
