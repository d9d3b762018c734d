"""Read an event store's rows in one snapshot, and fill an empty store with them, on either database."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy.engine import make_url

from domain.errors import Invalid
from infra.backup.archive import PARTIAL, sync_folder
from infra.event_store.open import open_event_store, open_sqlite
from infra.event_store.postgres_connect import Datastore
from infra.event_store.sqlite_file import connect, immediate, unavailable

Rows = Iterator[tuple[object, ...]]
_EVENTS = "SELECT position, stream_id, version, topic, state FROM events ORDER BY position"
_COMMANDS = "SELECT command_id, fingerprint, stream_id, version FROM commands"
_LAST = "SELECT coalesce(max(position), 0) FROM events"
_STEP = 5000


class Snapshot(NamedTuple):
    """A store as it was at one moment, while others go on writing. Read the one, then the other."""

    position: int
    events: Rows
    commands: Rows


class Filling(NamedTuple):
    """Two lists of rows that become a store, all or nothing."""

    events: Iterable[tuple[object, ...]]
    commands: Iterable[tuple[object, ...]]


def snapshot_of(url: str) -> AbstractContextManager[Snapshot]:
    """Open a snapshot of the store at a URL; raises StoreUnavailable."""
    return _sqlite_snapshot(url) if _is_sqlite(url) else _postgres_snapshot(url)


def fill(url: str, filling: Filling) -> None:
    """Put the rows, with their positions, into a store that is empty or not there yet.

    All of them or none: what the iterators raise at the end still leaves the store empty. Raises Invalid when
    it is not empty, StoreUnavailable.
    """
    if _is_sqlite(url):
        _fill_sqlite(_path(url), filling)
    else:
        _fill_postgres(url, filling)


def check_empty(url: str) -> None:
    """Raise Invalid when the store at a URL has events, StoreUnavailable when it is away."""
    if not is_there(url):
        return
    with closing(open_event_store(url)) as store:
        if store.last_position():
            raise Invalid("the event store is not empty; name another in LIUDAN_EVENT_STORE")


def is_there(url: str) -> bool:
    """Whether there is a store at a URL that would not be made by looking at it."""
    return not _is_sqlite(url) or _path(url).exists()


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _path(url: str) -> Path:
    return Path(make_url(url).database or "")


@contextmanager
def _sqlite_snapshot(url: str) -> Iterator[Snapshot]:
    path = _path(url)
    with closing(connect(path, read_only=True)) as connection:
        try:
            connection.execute("BEGIN")
            position = connection.execute(_LAST).fetchone()[0]
            yield Snapshot(position, connection.execute(_EVENTS), connection.execute(_COMMANDS))
        except sqlite3.Error as error:
            raise unavailable(path, error) from error


@contextmanager
def _postgres_snapshot(url: str) -> Iterator[Snapshot]:
    datastore = Datastore(make_url(url))
    try:
        with closing(datastore.connect()) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            row = connection.execute(_LAST).fetchone()
            yield Snapshot(
                row[0] if row else 0,
                (
                    (position, stream.bytes, version, topic, bytes(state))
                    for position, stream, version, topic, state in _cursor(connection, "events", _EVENTS)
                ),
                (
                    (command.bytes, bytes(fingerprint), stream.bytes, version)
                    for command, fingerprint, stream, version in _cursor(connection, "commands", _COMMANDS)
                ),
            )
    except psycopg.Error as error:
        raise datastore.unavailable(error) from error
    finally:
        datastore.close()


def _cursor(
    connection: psycopg.Connection[TupleRow], name: str, statement: LiteralString
) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name, binary=True) as cursor:
        cursor.itersize = _STEP
        cursor.execute(statement)
        yield from cursor


def _fill_sqlite(path: Path, filling: Filling) -> None:
    """Fill a file under another name; it gets its own when it is whole and on the disk."""
    draft = path.with_name(path.name + PARTIAL)
    for leftover in path.parent.glob(f"{draft.name}*"):
        leftover.unlink()
    open_sqlite(draft).close()
    with closing(connect(draft)) as connection:
        try:
            connection.execute("PRAGMA synchronous=OFF")  # it is thrown away unless it comes to its end
            events = "INSERT INTO events (position, stream_id, version, topic, state) VALUES (?, ?, ?, ?, ?)"
            commands = (
                "INSERT INTO commands (command_id, fingerprint, stream_id, version) VALUES (?, ?, ?, ?)"
            )
            with immediate(connection):
                connection.executemany(events, filling.events)
                connection.executemany(commands, filling.commands)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise unavailable(draft, error) from error
    for leftover in (draft.with_name(f"{draft.name}-wal"), draft.with_name(f"{draft.name}-shm")):
        leftover.unlink(missing_ok=True)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    draft.replace(path)
    sync_folder(path.parent)


def _fill_postgres(url: str, filling: Filling) -> None:
    """Fill the tables in one transaction."""
    datastore = Datastore(make_url(url))
    try:
        datastore.create_schema()
        with (
            closing(datastore.connect()) as connection,
            connection.transaction(),
            connection.cursor() as cursor,
        ):
            cursor.execute("LOCK TABLE events, commands IN EXCLUSIVE MODE")
            with cursor.copy(
                "COPY events (position, stream_id, version, topic, state) FROM STDIN (FORMAT BINARY)"
            ) as copy:
                copy.set_types(["int8", "uuid", "int8", "text", "bytea"])
                for position, stream, version, topic, state in filling.events:
                    copy.write_row((position, _uuid(stream), version, topic, state))
            with cursor.copy(
                "COPY commands (command_id, fingerprint, stream_id, version) FROM STDIN (FORMAT BINARY)"
            ) as copy:
                copy.set_types(["uuid", "bytea", "uuid", "int8"])
                for command, fingerprint, stream, version in filling.commands:
                    copy.write_row((_uuid(command), fingerprint, _uuid(stream), version))
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('events', 'position'), greatest(max(position), 1), "
                "count(*) > 0) FROM events"
            )
    except psycopg.Error as error:
        raise datastore.unavailable(error) from error
    finally:
        datastore.close()


def _uuid(raw: object) -> UUID:
    assert isinstance(raw, bytes)  # noqa: S101 - what the rows hold
    return UUID(bytes=raw)
