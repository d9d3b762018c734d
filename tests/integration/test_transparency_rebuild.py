"""A tree that is far behind is built in several processes, and is the same tree."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from consumers.transparency import keep
from consumers.transparency.keep import LogKeeper
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_key import open_log_key
from infra.transparency.log_reader import LogReader
from infra.transparency.tree_edge import STRETCH
from tests.services.go_tools import size_by_fsck
from tests.services.sample_events import number, stored


def fill(store: EventStore, ticket: int, events: int) -> None:
    store.append([stored(number(ticket), version, 30) for version in range(1, events + 1)])


@pytest.mark.slow
@pytest.mark.go
def test_a_tree_of_stretches_is_the_tree_of_its_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins in the middle of a stretch, and there are holes in the positions."""
    url, file = f"sqlite:///{tmp_path}/events.db", tmp_path / "events.db"
    signer = open_log_key(tmp_path / "key")
    folder = LogFolder(tmp_path / "log")
    monkeypatch.setattr(keep, "_WORTH_PROCESSES", STRETCH)
    with closing(open_event_store(url)) as store:
        fill(store, 0, 300)
        keeper = LogKeeper(store, folder, signer, open_store=partial(open_event_store, url))
        assert keeper.catch_up().size == 300
        for ticket in range(1, 4):
            fill(store, ticket, 45_000)
            with closing(sqlite3.connect(file)) as connection:  # as a refused append does in PostgreSQL
                connection.execute("UPDATE sqlite_sequence SET seq = seq + 7 WHERE name = 'events'")
                connection.commit()
        head = keeper.catch_up()
        assert head.size == store.count() > 2 * STRETCH
        runs = LogReader(folder).positions()
        assert [runs.position_of(n) for n in range(head.size)] == [p for p, _ in store.leaves(0, head.size)]
        assert len(runs.ranges()) == 3
        fill(store, 9, 10)
        assert keeper.catch_up().size == head.size + 10
    assert size_by_fsck(folder.folder, str(signer.verifier)) == head.size + 10
