"""The event store in PostgreSQL: for a server, shared by any number of processes and machines."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import eventsourcing.postgres as library
import psycopg
from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription
from eventsourcing.utils import Environment, EnvType
from sqlalchemy.engine import URL

from infra.event_store.append import Append
from infra.event_store.group_commit import GroupCommit
from infra.event_store.histories import by_stream
from infra.event_store.library_insert import insert_through
from infra.event_store.port import CommandReceipt, EventRow, StoreUnavailable
from infra.event_store.postgres_connect import Datastore
from infra.event_store.postgres_listener import Listener
from infra.event_store.postgres_writer import SELECT_RECEIPTS, PostgresWriter
from infra.event_store.subscription import FollowingSubscription

LOOK_SECONDS = 1.0
"""How long `wait` trusts the notifications before it looks for itself."""

_SELECT_STREAM = (
    "SELECT version, topic, state FROM events WHERE stream_id = %s AND version > %s "
    "AND (%s::bigint IS NULL OR version <= %s) ORDER BY version LIMIT %s"
)
_SELECT_STREAM_BACKWARDS = (
    "SELECT version, topic, state FROM events WHERE stream_id = %s AND version > %s "
    "AND (%s::bigint IS NULL OR version <= %s) ORDER BY version DESC LIMIT %s"
)
_SELECT_ALL = (
    "SELECT stream_id, version, topic, state, position FROM events WHERE position > %s "
    "AND (%s::bigint IS NULL OR position <= %s) ORDER BY position LIMIT %s"
)
_SELECT_TOPICS = (
    "SELECT stream_id, version, topic, state, position FROM events WHERE position > %s "
    "AND (%s::bigint IS NULL OR position <= %s) AND topic = ANY(%s) ORDER BY position LIMIT %s"
)
_SELECT_LEAVES = "SELECT position, state FROM events WHERE position > %s ORDER BY position LIMIT %s"
_SELECT_ROWS = (
    "SELECT position, uuid_send(stream_id), version, topic, state FROM events WHERE position > %s "
    "ORDER BY position LIMIT %s"
)
_SELECT_HISTORIES = (
    "SELECT uuid_send(stream_id), state FROM events WHERE stream_id = ANY(%s) ORDER BY stream_id, version"
)
_SELECT_BEGUN = "SELECT uuid_send(stream_id) FROM events WHERE stream_id = ANY(%s) AND version = 1"
_SELECT_BEHIND = "SELECT position FROM events WHERE position > %s ORDER BY position LIMIT 1 OFFSET %s"
_SELECT_POSITIONS = "SELECT position FROM events WHERE stream_id = %s ORDER BY version"
_SET_BOOKMARK = (
    "INSERT INTO bookmarks AS b VALUES (%s, %s) ON CONFLICT (name) DO UPDATE "
    "SET position = excluded.position WHERE excluded.position > b.position"
)


class PostgresEventStore(library.PostgresApplicationRecorder):
    """An `EventStore` that is also a recorder of the `eventsourcing` library."""

    datastore: Datastore

    def __init__(self, datastore: Datastore, *, events_table_name: str = "events") -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        self._writer = PostgresWriter(datastore)
        self._listener = Listener(datastore.connect)
        self._group: GroupCommit[Append, Sequence[int]] = GroupCommit(
            "postgres-event-store",
            self._writer.commit,
            when_closed=lambda: StoreUnavailable("the event store was closed"),
        )

    def create_table(self) -> None:
        """Create what is missing of the schema. Raises StoreUnavailable."""
        self.datastore.create_schema()

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
        rows = self.datastore.execute(_SELECT_LEAVES, after, limit)
        return [(position, state) for position, state in rows]

    def rows(self, after: int, limit: int) -> list[EventRow]:
        """See `EventStore.rows`."""
        return self.datastore.execute(_SELECT_ROWS, after, limit)

    def histories(self, stream_ids: Sequence[UUID]) -> dict[bytes, list[bytes]]:
        """See `EventStore.histories`."""
        return by_stream(self.datastore.execute(_SELECT_HISTORIES, list(stream_ids)))

    def begun(self, stream_ids: Sequence[UUID]) -> set[bytes]:
        """See `EventStore.begun`."""
        return {stream_id for (stream_id,) in self.datastore.execute(_SELECT_BEGUN, list(stream_ids))}

    def position_behind(self, after: int, count: int) -> int | None:
        """See `EventStore.position_behind`."""
        rows = self.datastore.execute(_SELECT_BEHIND, after, count - 1)
        return rows[0][0] if rows else None

    def positions(self, stream_id: UUID) -> list[int]:
        """See `EventStore.positions`."""
        return [position for (position,) in self.datastore.execute(_SELECT_POSITIONS, stream_id)]

    def last_position(self) -> int:
        """See `EventStore.last_position`."""
        return self.max_notification_id() or 0

    def count(self) -> int:
        """See `EventStore.count`."""
        counted: int = self.datastore.execute("SELECT count(*) FROM events")[0][0]
        return counted

    def receipt(self, command_id: UUID) -> CommandReceipt | None:
        """See `EventStore.receipt`."""
        rows = self.datastore.execute(SELECT_RECEIPTS, [command_id])
        return CommandReceipt(*rows[0]) if rows else None

    def wait(self, after: int, timeout_seconds: float) -> bool:
        """See `EventStore.wait`."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            heard = self._listener.count
            if self.last_position() > after:
                return True
            if (left := deadline - time.monotonic()) <= 0:
                return False
            self._listener.wait(heard, min(left, LOOK_SECONDS))

    def bookmark(self, name: str) -> int:
        """See `EventStore.bookmark`."""
        rows = self.datastore.execute("SELECT position FROM bookmarks WHERE name = %s", name)
        return rows[0][0] if rows else 0

    def set_bookmark(self, name: str, position: int) -> None:
        """See `EventStore.set_bookmark`."""
        self.datastore.execute(_SET_BOOKMARK, name, position)

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """See `EventStore.lock`: an advisory lock of a session of its own.

        The server lets go of it when the connection ends, also when the holder did not notice that yet.
        """
        key = int.from_bytes(hashlib.sha256(b"liudan lock " + name.encode()).digest()[:8], "big", signed=True)
        connection = self.datastore.connect()
        try:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
            yield bool(row and row[0])
        finally:
            # The server notices a closed connection a little later; the next holder need not wait for that.
            with suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock_all()")
            connection.close()

    def close(self) -> None:
        """See `EventStore.close`."""
        self._group.close()
        self._writer.close()
        self._listener.close()
        self.datastore.close()

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
        rows = self.datastore.execute(statement, originator_id, gt or 0, lte, lte, limit)
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
        if topics:
            rows = self.datastore.execute(_SELECT_TOPICS, after, stop, stop, list(topics), limit)
        else:
            rows = self.datastore.execute(_SELECT_ALL, after, stop, stop, limit)
        return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """Give the last position, None for an empty store."""
        position: int | None = self.datastore.execute("SELECT max(position) FROM events")[0][0]
        return position

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Follow the store from after position `gt`, for ever."""
        return FollowingSubscription(self, self.wait, gt, topics)


class Factory(library.PostgresFactory):
    """What the library's `PERSISTENCE_MODULE` finds here; `POSTGRES_DBNAME` and so on name the database."""

    datastore: Datastore

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        get = self.env.get
        port = get(self.POSTGRES_PORT)
        self.datastore = Datastore(
            URL.create(
                "postgresql",
                get(self.POSTGRES_USER),
                get(self.POSTGRES_PASSWORD) or None,
                get(self.POSTGRES_HOST),
                int(port) if port else None,
                get(self.POSTGRES_DBNAME),
            )
        )

    def application_recorder(self) -> PostgresEventStore:
        """Make the event store; it is closed with the factory."""
        if self.env_create_table():
            self.datastore.create_schema()
        self._store = PostgresEventStore(self.datastore)
        return self._store

    def close(self) -> None:
        """Close the event store and the library's own connections (snapshots)."""
        if store := getattr(self, "_store", None):
            store.close()
        super().close()
