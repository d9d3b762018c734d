"""The only place that writes to a SQLite event store: one batch of appends, one transaction."""

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import repeat
from pathlib import Path
from uuid import UUID

from infra.event_store.append import Append, stream_uuid, version_taken
from infra.event_store.port import CommandReceipt, CommandSeen, StoreUnavailable
from infra.event_store.sqlite_file import connect, immediate, unavailable

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    UNIQUE (stream_id, version));
CREATE TABLE IF NOT EXISTS commands (
    command_id BLOB NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    stream_id BLOB NOT NULL,
    version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS bookmarks (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
""" + "".join(
    f"CREATE TRIGGER IF NOT EXISTS {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;\n"
    for table in ("events", "commands")
    for verb in ("UPDATE", "DELETE")
)

# `commands` keeps its rowid: random ids then scatter only the narrow index, not the rows (measured: 1.4×).
# A longer WAL writes a page that many batches touch back only once; the cache holds the upper index pages.
_TUNING = ("PRAGMA wal_autocheckpoint=10000", "PRAGMA cache_size=-65536")

SELECT_RECEIPT = "SELECT fingerprint, stream_id, version FROM commands WHERE command_id = ?"

# A batch is one INSERT into a view that puts events and receipts into their tables, and so a transaction by
# itself. `sqlite3` lets go of the GIL for each statement and may wait 5 ms for a busy event loop until it
# has it again; this way it does so once, from the write lock to the fsync. The view is not in the file.
_INTAKE = """
CREATE TEMP VIEW intake
    (stream_id, version, topic, state, command_id, fingerprint, after_stream, after_version)
    AS SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
CREATE TEMP TRIGGER take_receipt INSTEAD OF INSERT ON intake WHEN NEW.command_id IS NOT NULL BEGIN
    INSERT INTO commands (command_id, fingerprint, stream_id, version)
        VALUES (NEW.command_id, NEW.fingerprint, NEW.after_stream, NEW.after_version); END;
CREATE TEMP TRIGGER take_event INSTEAD OF INSERT ON intake WHEN NEW.stream_id IS NOT NULL BEGIN
    INSERT INTO events (stream_id, version, topic, state)
        VALUES (NEW.stream_id, NEW.version, NEW.topic, NEW.state); END;
"""
_NO_EVENT = _NO_RECEIPT = (None, None, None, None)
_COLUMNS = 8
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 192, 256, 384, 512)
"""Rows of the INSERT, filled up with rows of nothing: few sizes keep few statements prepared."""
_MOST = _SIZES[-1] * _COLUMNS
_POSITION = "SELECT position FROM events WHERE stream_id = ? AND version = ?"
_BOOKMARK = (
    "INSERT INTO bookmarks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position "
    "WHERE excluded.position > position"
)

# What one job alone can be guilty of: a taken version, a repeated command, a value SQLite cannot hold.
_FAULT_OF_ONE = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
)

_CONNECTION_STAYS_GOOD = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)

Outcome = range | Exception
_Value = bytes | str | int | None


def read_receipt(connection: sqlite3.Connection, command_id: UUID) -> CommandReceipt | None:
    """Look up a committed command (or one of the transaction that is open on this connection)."""
    row = connection.execute(SELECT_RECEIPT, (command_id.bytes,)).fetchone()
    return row and CommandReceipt(command_id, row[0], UUID(bytes=row[1]), row[2])


class SqliteWriter:
    """Writes batches on one connection. Used by one thread; opens the file with the first batch."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def commit(self, batch: Sequence[Append]) -> list[Outcome]:
        """Store all appends durably in one transaction; the outcome of each is its positions or an error."""
        try:
            connection = self._open()
            try:
                return _write_together(connection, batch)
            except _FAULT_OF_ONE:
                with immediate(connection):
                    return _write_each(connection, batch)
        except StoreUnavailable as error:
            sentence = str(error)
        except sqlite3.Error as error:
            sentence = str(unavailable(self._path, error))
            if error.sqlite_errorcode not in _CONNECTION_STAYS_GOOD:
                self.close()
        return [StoreUnavailable(sentence) for _ in batch]

    def close(self) -> None:
        """Close the connection; the next batch opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path)
            for pragma in _TUNING:
                self._connection.execute(pragma)
            self._connection.executescript(_INTAKE)
        return self._connection


def _write_together(connection: sqlite3.Connection, batch: Sequence[Append]) -> list[Outcome]:
    """Write a batch as one transaction, by one statement if it can."""
    values = _values(batch)
    if len(values) <= _MOST and not any(append.bookmark for append in batch):
        return _write(connection, batch, values)
    with immediate(connection):
        return _write(connection, batch, values)


def _write(connection: sqlite3.Connection, batch: Sequence[Append], values: list[_Value]) -> list[Outcome]:
    for first in range(0, len(values), _MOST):
        _insert(connection, values[first : first + _MOST])
    for append in batch:
        if append.bookmark is not None:
            connection.execute(_BOOKMARK, append.bookmark)
    return _positions(connection, batch)


def _values(batch: Sequence[Append]) -> list[_Value]:
    """Give the rows of a batch, one after the other; a receipt is beside its first event."""
    values: list[_Value] = []
    for events, receipt, _ in batch:
        beside: tuple[_Value, ...] = _NO_RECEIPT
        if receipt is not None:
            beside = (receipt.command_id.bytes, receipt.fingerprint, receipt.stream_id.bytes, receipt.version)
            if not events:
                values += (*_NO_EVENT, *beside)
        for event in events:
            stream_id = stream_uuid(event.originator_id).bytes
            values += (stream_id, event.originator_version, event.topic, event.state, *beside)
            beside = _NO_RECEIPT
    return values


def _insert(connection: sqlite3.Connection, values: list[_Value]) -> None:
    size = next(size for size in _SIZES if size * _COLUMNS >= len(values))
    nothing = repeat(None, size * _COLUMNS - len(values))
    connection.execute(_insert_statement(size), [*values, *nothing])


@cache
def _insert_statement(rows: int) -> str:
    row = f"({','.join('?' * _COLUMNS)})"
    return f"INSERT INTO intake VALUES {','.join([row] * rows)}"  # noqa: S608 - constants of this module


def _positions(connection: sqlite3.Connection, batch: Sequence[Append]) -> list[Outcome]:
    """Give each append its positions; those of one transaction follow each other."""
    events = [event for append in batch for event in append.events]
    position = 0
    if events:
        key = (stream_uuid(events[-1].originator_id).bytes, events[-1].originator_version)
        position = connection.execute(_POSITION, key).fetchone()[0] - len(events) + 1
    outcomes: list[Outcome] = []
    for append in batch:
        outcomes.append(range(position, position + len(append.events)))
        position += len(append.events)
    return outcomes


def _write_each(connection: sqlite3.Connection, batch: Sequence[Append]) -> list[Outcome]:
    """Write every append under a savepoint, so that the one at fault fails alone and all others commit."""
    outcomes: list[Outcome] = []
    for append in batch:
        connection.execute("SAVEPOINT one")
        try:
            outcomes.append(_write_one(connection, append))
        except _FAULT_OF_ONE as error:
            connection.execute("ROLLBACK TO one")
            outcomes.append(version_taken(append) if isinstance(error, sqlite3.IntegrityError) else error)
        connection.execute("RELEASE one")
    return outcomes


def _write_one(connection: sqlite3.Connection, append: Append) -> Outcome:
    # The receipt comes first: a repeated command finds its version taken, too, and that by itself.
    if append.receipt and (receipt := read_receipt(connection, append.receipt.command_id)):
        return CommandSeen(receipt)
    return _write(connection, [append], _values([append]))[0]
