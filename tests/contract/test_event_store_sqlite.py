"""What only the event store in a SQLite file has to withstand."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from domain.errors import Invalid
from infra.event_store.open import open_event_store, open_sqlite
from infra.event_store.port import EventStore, StoreUnavailable
from tests.contract.event_store_client import event, receipt


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.mark.parametrize("table", ["events", "commands"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET version = 9", "DELETE FROM {}"])
def test_history_cannot_be_changed(path: Path, table: str, statement: str) -> None:
    store = open_sqlite(path)
    stream = uuid4()
    store.append([event(stream, 1)], receipt(stream, 1))
    raw = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
        raw.execute(statement.format(table))
    raw.close()
    store.close()


def test_a_full_file_is_reported_and_survived(path: Path) -> None:
    store = open_sqlite(path)
    store.append([event(uuid4(), 1)])
    connection = store._writer._connection
    assert connection is not None
    connection.execute("PRAGMA max_page_count=20")
    lost = receipt(uuid4(), 1)
    with pytest.raises(StoreUnavailable, match=r"events\.db: the disk is full; free some space"):
        store.append([event(lost.stream_id, 1, bytes(200_000))], lost)
    assert store.receipt(lost.command_id) is None

    connection.execute("PRAGMA max_page_count=100000")
    store.append([event(lost.stream_id, 1, bytes(200_000))], lost)
    assert store.stream(lost.stream_id) == [event(lost.stream_id, 1, bytes(200_000))]
    store.close()


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a real file system of that size; only root may do that."""
    folder = Path(tempfile.mkdtemp(prefix="liudan-disk-"))
    mounted = os.geteuid() == 0 and (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True
        ).returncode
        == 0
    )
    if not mounted:
        folder.rmdir()
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def fill(store: EventStore) -> tuple[int, str]:
    """Append until the store says no; give how often that worked and what it said."""
    for kept in count():
        try:
            store.append([event(uuid4(), 1, bytes(50_000))])
        except StoreUnavailable as error:
            return kept, str(error)
    raise AssertionError


def test_a_full_disk_is_reported_and_survived() -> None:
    with small_disk(3) as disk:
        store = open_sqlite(disk / "events.db")
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(2_000_000))
        kept, sentence = fill(store)
        assert "the disk is full; free some space" in sentence
        ballast.unlink()
        store.append([event(uuid4(), 1)])
        assert len(store.read(0, 1000)) == kept + 1
        store.close()


def test_a_locked_file_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.event_store.sqlite_file.BUSY_TIMEOUT_SECONDS", 0.05)
    store = open_sqlite(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked by another process"):
        store.append([event(uuid4(), 1)])
    other.execute("ROLLBACK")
    other.close()
    assert store.append([event(uuid4(), 1)])
    store.close()


def test_positions_are_not_reused_after_somebody_cut_the_tail(path: Path) -> None:
    store = open_sqlite(path)
    last = store.append([event(uuid4(), 1), event(uuid4(), 1)])[-1]
    store.close()
    raw = sqlite3.connect(path)
    raw.executescript("DROP TRIGGER events_refuse_delete; DELETE FROM events WHERE position > 1;")
    raw.close()
    store = open_sqlite(path)
    assert store.append([event(uuid4(), 1)])[0] > last
    store.close()


def test_what_is_wrong_with_the_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"the folder .*/nowhere does not exist; create it"):
        open_event_store(f"sqlite:///{tmp_path}/nowhere/events.db")
    (tmp_path / "text.db").write_text("this is not a database, but long enough to be looked at" * 20)
    with pytest.raises(StoreUnavailable, match="is not a SQLite database; name another file"):
        open_event_store(f"sqlite:///{tmp_path}/text.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_event_store(f"sqlite:///{tmp_path}/folder.db")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://root@localhost/events",
        "events.db",
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///a.db?x=1",
    ],
)
def test_a_url_of_an_unknown_kind_is_refused_by_name(url: str) -> None:
    with pytest.raises(Invalid, match="LIUDAN_EVENT_STORE") as refused:
        open_event_store(url)
    assert refused.value.field == "LIUDAN_EVENT_STORE"


def test_the_store_may_be_opened_before_a_fork(path: Path) -> None:
    """The writer starts with the first append, so a server that forks its workers gets one in each."""
    script = """
import os, sys
from uuid import uuid4
from infra.event_store.open import open_event_store
from tests.contract.event_store_client import event
store = open_event_store(sys.argv[1])
child = os.fork()
store.append([event(uuid4(), 1)])
store.close()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script, f"sqlite:///{path}"], cwd=root, check=True, timeout=60)
    store: EventStore = open_sqlite(path)
    assert len(store.read(0, 10)) == 2
    store.close()
