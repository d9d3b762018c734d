"""Back up and restore the events: online, consistent at a position, and checked against the signed log.

Whatever is derived from the events (read models, ClickHouse, Kafka's topic, the log's tiles) is not in it and
is made anew. The keys of people are not in it either: whoever held both could read everything, see
`infra.backup.vault`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from domain.errors import Invalid
from infra.backup.archive import (
    Damaged,
    LogState,
    Manifest,
    StoredFile,
    new_backup,
    read_manifest,
    read_rows,
    write_manifest,
    write_rows,
)
from infra.backup.rows import CommandRows, EventRows
from infra.backup.store_rows import Filling, check_empty, fill, snapshot_of
from infra.home import Home
from infra.progress import Progress, Unwatched
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.durable_files import replace_durably
from infra.transparency.log_reader import LogNotBegun, LogReader
from infra.transparency.merkle import EMPTY_ROOT
from infra.transparency.signed_note import SignedNote, VerifierKey
from infra.transparency.tree_edge import TreeEdge

FORM = "liudan-events-1"
_EVENTS, _COMMANDS = "events", "commands"
_HOME_FILES = ("known-until.json", "moments.json")
_KEPT = frozenset({"keys", "vault.db", "access.db", "transparency.key"})
"""What may lie in a data folder before its events are restored; SQLite's -wal and -shm files with it."""
_STEP = 1000


def back_up(
    target: Path, store_url: str, home: Home, log: LogReader, now: datetime, progress: Progress | None = None
) -> Manifest:
    """Write a backup into a new folder; raises Invalid when there is one, StoreUnavailable, OSError."""
    told = progress or Unwatched()
    state = _log_state(log)  # first: what a checkpoint covers was stored before it
    with new_backup(target) as folder, snapshot_of(store_url) as snapshot:
        told.begin(snapshot.position, _EVENTS)
        events = tuple(write_rows(folder, _EVENTS, _counted(snapshot.events, told), EventRows()))
        commands = tuple(write_rows(folder, _COMMANDS, snapshot.commands, CommandRows()))
        manifest = Manifest(
            format=FORM,
            made_at=now,
            position=snapshot.position,
            events=sum(file.rows for file in events),
            commands=sum(file.rows for file in commands),
            log=state,
            files=(*events, *commands),
            home={
                name: (home.folder / name).read_text()
                for name in _HOME_FILES
                if (home.folder / name).exists()
            },
        )
        write_manifest(folder, manifest)
    return manifest


def restore(
    source: Path,
    store_url: str,
    home: Home,
    key: VerifierKey | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Fill an empty installation from a backup; all of it, or nothing.

    Every byte is checked against the manifest, and the events against the checkpoint, whose signature must be
    by `key`, by default the one that the manifest names. Raises Damaged, Invalid, StoreUnavailable.
    """
    manifest = read_manifest(source, FORM)
    _check_home(home)
    check_empty(store_url)
    told = progress or Unwatched()
    told.begin(manifest.position, _EVENTS)
    check = LogCheck(manifest, key)
    events = read_rows(source, _files(manifest, _EVENTS), EventRows())
    commands = read_rows(source, _files(manifest, _COMMANDS), CommandRows())
    fill(
        store_url,
        Filling(
            check.passed_on(_counted(events, told)),
            _whole(commands, manifest.commands, _COMMANDS),
        ),
    )
    for name, text in manifest.home.items():
        if name in _HOME_FILES:
            replace_durably(home.folder / name, text.encode())
    return manifest


class LogCheck:
    """Compares events with the checkpoint of a manifest while they go by."""

    def __init__(self, manifest: Manifest, key: VerifierKey | None) -> None:
        self._manifest = manifest
        self._checkpoint: Checkpoint | None = None
        if manifest.log is not None:
            known = key or VerifierKey.parse(manifest.log.verifier)
            self._checkpoint = Checkpoint.opened(SignedNote.parse(manifest.log.checkpoint.encode()), known)
        elif key is not None:
            raise Damaged("the backup has no checkpoint that could be checked against the key")

    def passed_on(self, events: Iterable[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
        """Give the events on; raises Damaged at the end when they are not those of manifest and log."""
        edge, leaves = TreeEdge(), []
        size = self._checkpoint.size if self._checkpoint else 0
        position = count = 0
        for event in events:
            if not isinstance(event[0], int) or event[0] <= position:
                raise Damaged(f"position {event[0]} does not come after {position}")
            position = event[0]
            if count < size:
                leaves.append(event[4])
                if len(leaves) == _STEP:
                    _grow(edge, leaves)
            count += 1
            yield event
        _grow(edge, leaves)
        if (count, position) != (self._manifest.events, self._manifest.position):
            raise Damaged(f"it has {count} events up to position {position}, the manifest says otherwise")
        if self._checkpoint and (edge.size, edge.root() if size else EMPTY_ROOT) != self._checkpoint[1:]:
            raise Damaged(f"its events are not those that {self._checkpoint.origin} has signed")


def _grow(edge: TreeEdge, leaves: list[object]) -> None:
    some = [leaf for leaf in leaves if isinstance(leaf, bytes)]
    leaves.clear()
    for _ in edge.extend(some):
        pass


def _log_state(log: LogReader) -> LogState | None:
    try:
        return LogState(checkpoint=bytes(log.head().note).decode(), verifier=str(log.verifier_key()))
    except LogNotBegun:
        return None


def _files(manifest: Manifest, name: str) -> list[StoredFile]:
    return [file for file in manifest.files if file.name.startswith(f"{name}-")]


def _counted(rows: Iterable[tuple[object, ...]], told: Progress) -> Iterator[tuple[object, ...]]:
    count = 0
    for count, row in enumerate(rows, 1):
        yield row
        if count % _STEP == 0:
            told.advance(_STEP)
    told.advance(count % _STEP)


def _whole(rows: Iterable[tuple[object, ...]], expected: int, what: str) -> Iterator[tuple[object, ...]]:
    count = 0
    for row in rows:
        count += 1
        yield row
    if count != expected:
        raise Damaged(f"it has {count} {what}, the manifest says {expected}")


def _check_home(home: Home) -> None:
    """Raise Invalid when something other than keys lies in the data folder."""
    others = sorted(
        path.name
        for path in home.folder.iterdir()
        if path.name.removesuffix("-wal").removesuffix("-shm") not in _KEPT and ".partial" not in path.name
    )
    if others:
        raise Invalid(
            f"{home.folder} is not empty ({', '.join(others[:5])}); restore into another --home", field="home"
        )
