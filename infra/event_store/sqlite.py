"""The event store in one SQLite file: for an installation on one machine, any number of processes."""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import eventsourcing.sqlite as library
from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription

from infra.event_store.append import Append, stream_uuid
from infra.event_store.group_commit import GroupCommit
from infra.event_store.histories import by_stream
from infra.event_store.library_insert import insert_through
from infra.event_store.port import CommandReceipt, EventRow, StoreUnavailable
from infra.event_store.sqlite_file import Readers, connect, unavailable
from infra.event_store.sqlite_writer import SCHEMA, Outcome, SqliteWriter, read_receipt
from infra.event_store.subscription import FollowingSubscription

POLL_SECONDS = 0.002
"""How often `wait` looks for commits of other processes; its own process's wake it at once."""

_MAX_INTEGER = 2**63 - 1
_SELECT_STREAM = (
    "SELECT version, topic, state FROM events WHERE stream_id = ? AND version > ? AND version <= ? "
    "ORDER BY version LIMIT ?"
)
_SELECT_STREAM_BACKWARDS = _SELECT_STREAM.replace("ORDER BY version", "ORDER BY version DESC")

_SELECT_LEAVES = "SELECT position, state FROM events WHERE position > ? ORDER BY position LIMIT ?"
_SELECT_ROWS = (
    "SELECT position, stream_id, version, topic, state FROM events WHERE position > ? "
    "ORDER BY position LIMIT ?"
)
_SELECT_HISTORIES = "SELECT stream_id, state FROM events WHERE stream_id IN ({})"
_SELECT_BEGUN = "SELECT stream_id FROM events WHERE stream_id IN ({})"
_SELECT_BEHIND = "SELECT position FROM events WHERE position > ? ORDER BY position LIMIT 1 OFFSET ?"
_SELECT_POSITIONS = "SELECT position FROM events WHERE stream_id = ? ORDER BY version"


class SqliteEventStore(library.SQLiteApplicationRecorder):
    """An `EventStore` that is also a recorder of the `eventsourcing` library."""

    def __init__(self, datastore: library.SQLiteDatastore, events_table_name: str = "events") -> None:
        super().__init__(datastore, events_table_name)
        self._path = Path(datastore.pool.db_name)
        self._readers = Readers(self._path)
        self._writer = SqliteWriter(self._path)
        self._committed = threading.Condition()
        self._group: GroupCommit[Append, range] = GroupCommit(
            "sqlite-event-store",
            self._commit,
            when_closed=lambda: StoreUnavailable(f"{self._path}: it was closed"),
        )

    @classmethod
    def at(cls, path: Path) -> "SqliteEventStore":
        """Make the store for a file, without the library's factory."""
        return cls(library.SQLiteDatastore(str(path)))

    def create_table(self) -> None:
        """Create what is missing of the schema. Raises StoreUnavailable."""
        connection = connect(self._path)
        try:
            connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}COMMIT;")
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error
        finally:
            connection.close()

    # The port ---------------------------------------------------------------------------------------

    def append(self, events: Sequence[StoredEvent], receipt: CommandReceipt | None = None) -> Sequence[int]:
        """See `EventStore.append`."""
        return self._group.submit(Append(events, receipt))

    async def append_async(
        self, events: Sequence[StoredEvent], receipt: CommandReceipt | None = None
    ) -> Sequence[int]:
        """See `EventStore.append_async`."""
        return await self._group.submit_async(Append(events, receipt))

    def stream(self, stream_id: UUID, *, after: int = 0, upto: int | None = None) -> list[StoredEvent]:
        """See `EventStore.stream`."""
        return self.select_events(stream_id, gt=after, lte=upto)

    def read(self, after: int, limit: int, topics: Sequence[str] = ()) -> list[Notification]:
        """See `EventStore.read`."""
        return self.select_notifications(after, limit, None, topics, inclusive_of_start=False)

    def leaves(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """See `EventStore.leaves`."""
        with self._readers.connection() as connection:
            return connection.execute(_SELECT_LEAVES, (after, limit)).fetchall()

    def rows(self, after: int, limit: int) -> list[EventRow]:
        """See `EventStore.rows`."""
        with self._readers.connection() as connection:
            return connection.execute(_SELECT_ROWS, (after, limit)).fetchall()

    def histories(self, stream_ids: Sequence[UUID]) -> dict[bytes, list[bytes]]:
        """See `EventStore.histories`."""
        statement = f"{_SELECT_HISTORIES.format(_marks(stream_ids))} ORDER BY stream_id, version"
        with self._readers.connection() as connection:
            return by_stream(connection.execute(statement, [each.bytes for each in stream_ids]))

    def begun(self, stream_ids: Sequence[UUID]) -> set[bytes]:
        """See `EventStore.begun`."""
        statement = f"{_SELECT_BEGUN.format(_marks(stream_ids))} AND version = 1"
        with self._readers.connection() as connection:
            rows = connection.execute(statement, [each.bytes for each in stream_ids]).fetchall()
        return {stream_id for (stream_id,) in rows}

    def position_behind(self, after: int, count: int) -> int | None:
        """See `EventStore.position_behind`."""
        with self._readers.connection() as connection:
            row = connection.execute(_SELECT_BEHIND, (after, count - 1)).fetchone()
        return row and int(row[0])

    def positions(self, stream_id: UUID) -> list[int]:
        """See `EventStore.positions`."""
        with self._readers.connection() as connection:
            rows = connection.execute(_SELECT_POSITIONS, (stream_id.bytes,)).fetchall()
        return [position for (position,) in rows]

    def last_position(self) -> int:
        """See `EventStore.last_position`."""
        return self.max_notification_id() or 0

    def count(self) -> int:
        """See `EventStore.count`."""
        with self._readers.connection() as connection:
            counted: int = connection.execute("SELECT count(*) FROM events").fetchone()[0]
        return counted

    def receipt(self, command_id: UUID) -> CommandReceipt | None:
        """See `EventStore.receipt`."""
        with self._readers.connection() as connection:
            return read_receipt(connection, command_id)

    def wait(self, after: int, timeout_seconds: float) -> bool:
        """See `EventStore.wait`."""
        deadline = time.monotonic() + timeout_seconds
        with self._readers.connection() as connection:
            while True:
                seen = _data_version(connection)
                if _last_position(connection) > after:
                    return True
                while _data_version(connection) == seen:
                    if (left := deadline - time.monotonic()) <= 0:
                        return False
                    with self._committed:
                        self._committed.wait(min(POLL_SECONDS, left))

    def bookmark(self, name: str) -> int:
        """See `EventStore.bookmark`."""
        with self._readers.connection() as connection:
            row = connection.execute("SELECT position FROM bookmarks WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0

    def set_bookmark(self, name: str, position: int) -> None:
        """See `EventStore.set_bookmark`. It shares a transaction with the appends that are waiting."""
        self._group.submit(Append((), None, (name, position)))

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """See `EventStore.lock`: a lock on a file beside the database, which the kernel lets go of."""
        path = self._path.with_name(f"{self._path.name}.{quote(name, safe='')}.lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"{path}: cannot be opened ({error.strerror}); check the folder"
            ) from error
        try:
            yield _try_flock(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """See `EventStore.close`."""
        self._group.close()
        self._writer.close()
        self._readers.close()

    # The library's recorder -------------------------------------------------------------------------

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append, with the errors that the library's callers expect."""
        return insert_through(self.append, stored_events, kwargs)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Read one stream. A missing bound costs no statement of its own."""
        statement = _SELECT_STREAM_BACKWARDS if desc else _SELECT_STREAM
        bounds = (gt or 0, _MAX_INTEGER if lte is None else lte, -1 if limit is None else limit)
        with self._readers.connection() as connection:
            rows = connection.execute(statement, (stream_uuid(originator_id).bytes, *bounds)).fetchall()
        return [StoredEvent(originator_id, version, topic, state) for version, topic, state in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Notification]:
        """Read the whole store in order of position."""
        after = (start or 0) - (1 if inclusive_of_start else 0)
        chosen = f"AND topic IN ({','.join('?' * len(topics))}) " if topics else ""
        statement = (
            "SELECT stream_id, version, topic, state, position FROM events "  # noqa: S608 - only placeholders are added
            f"WHERE position > ? AND position <= ? {chosen}ORDER BY position LIMIT ?"
        )
        bounds = (after, _MAX_INTEGER if stop is None else stop)
        with self._readers.connection() as connection:
            rows = connection.execute(statement, (*bounds, *topics, limit)).fetchall()
        return [Notification(UUID(bytes=row[0]), *row[1:]) for row in rows]

    def max_notification_id(self) -> int | None:  # type: ignore[override] # the library's has None, too
        """Give the last position, None for an empty store."""
        with self._readers.connection() as connection:
            return _last_position(connection) or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Follow the store from after position `gt`, for ever."""
        return FollowingSubscription(self, self.wait, gt, topics)

    def _commit(self, batch: list[Append]) -> list[Outcome]:
        outcomes = self._writer.commit(batch)
        with self._committed:
            self._committed.notify_all()
        return outcomes


class Factory(library.SQLiteFactory):
    """What the library's `PERSISTENCE_MODULE` finds here; `SQLITE_DBNAME` names the file."""

    application_recorder_class = SqliteEventStore

    def application_recorder(self) -> SqliteEventStore:
        """Make the event store; it is closed with the factory."""
        self._store = SqliteEventStore(self.datastore)
        if self.env_create_table():
            self._store.create_table()
        return self._store

    def close(self) -> None:
        """Close the event store and the library's own connections (snapshots)."""
        if store := getattr(self, "_store", None):
            store.close()
        super().close()


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _data_version(connection: sqlite3.Connection) -> int:
    """Give a number that changes whenever another connection, of any process, has committed."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _last_position(connection: sqlite3.Connection) -> int:
    position: int | None = connection.execute("SELECT max(position) FROM events").fetchone()[0]
    return position or 0


def _try_flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
