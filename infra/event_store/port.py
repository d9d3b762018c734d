"""What the product needs of an event store, whichever database keeps it.

The store is the commit point of the whole system: a command is answered after its events are durable
here, and everything else (Kafka, the read models, ClickHouse) is derived from it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent

from domain.errors import LiudanError, Transient

EventRow = tuple[int, bytes, int, str, bytes]
"""Position, stream id (its 16 bytes), version, type, bytes: an event as the database gives it."""


class CommandReceipt(NamedTuple):
    """Written in the transaction of a command's events, so that the same command id is never done twice."""

    command_id: UUID
    fingerprint: bytes
    """A keyed digest of what was asked: the same id with another fingerprint is another command."""
    stream_id: UUID
    version: int
    """The version of the ticket after the command."""


class VersionTaken(LiudanError):
    """Another command has already written this version of the stream; nothing was stored."""


class CommandSeen(LiudanError):
    """The command id was committed before; nothing was stored. `receipt` is the one on record."""

    def __init__(self, receipt: CommandReceipt) -> None:
        super().__init__(f"command {receipt.command_id} was committed before")
        self.receipt = receipt


class StoreUnavailable(Transient):
    """The database is away, locked for too long, or its disk is full; says which, and what to do."""


class EventStore(Protocol):
    """Append-only, totally ordered by position, optimistic per stream.

    Positions rise and are never reused. They may have holes (a rolled back PostgreSQL transaction), but a
    reader that has seen position n never later finds a new event at a position below n.
    """

    def append(self, events: Sequence[StoredEvent], receipt: CommandReceipt | None = None) -> Sequence[int]:
        """Commit events of one or several streams atomically and durably; return their positions.

        Raises VersionTaken, CommandSeen or StoreUnavailable; then nothing was stored, except that the outcome
        is unknown when the connection was lost on the way (StoreUnavailable says so): repeat the command
        with the same id, and either it is done now or CommandSeen tells that it was done.
        """
        ...

    async def append_async(
        self, events: Sequence[StoredEvent], receipt: CommandReceipt | None = None
    ) -> Sequence[int]:
        """As `append`, for the event loop: awaits the group commit without a thread per command."""
        ...

    def stream(self, stream_id: UUID, *, after: int = 0, upto: int | None = None) -> list[StoredEvent]:
        """Give the events of one stream with `after` < version <= `upto`, in order."""
        ...

    def read(self, after: int, limit: int, topics: Sequence[str] = ()) -> list[Notification]:
        """Give up to `limit` events with a position greater than `after`, in order of position.

        With `topics` only those of these types; the others are passed over inside the database.
        """
        ...

    def leaves(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """As `read`, but positions and bytes only: for those who carry every event."""
        ...

    def rows(self, after: int, limit: int) -> list[EventRow]:
        """As `read`, but without an object for every event: for those who check every one."""
        ...

    def histories(self, stream_ids: Sequence[UUID]) -> dict[bytes, list[bytes]]:
        """Give the bytes of several streams' events in order of version, by the stream id's 16 bytes.

        A stream without events is left out. At most 10,000 streams.
        """
        ...

    def begun(self, stream_ids: Sequence[UUID]) -> set[bytes]:
        """Give those of at most 10,000 streams that have a first event, each by its id's 16 bytes."""
        ...

    def position_behind(self, after: int, count: int) -> int | None:
        """Give the position of the `count`-th event after `after`, None when there are not so many."""
        ...

    def positions(self, stream_id: UUID) -> list[int]:
        """Give the positions of one stream's events, in order of version."""
        ...

    def last_position(self) -> int:
        """Give the position of the newest event, 0 for an empty store."""
        ...

    def count(self) -> int:
        """Count the events; reads the whole index, for reports and checks."""
        ...

    def receipt(self, command_id: UUID) -> CommandReceipt | None:
        """Look up a committed command."""
        ...

    def wait(self, after: int, timeout_seconds: float) -> bool:
        """Block until there is an event beyond `after` (True) or the time is over (False)."""
        ...

    def bookmark(self, name: str) -> int:
        """Give a follower's remembered position, 0 when it has none."""
        ...

    def set_bookmark(self, name: str, position: int) -> None:
        """Remember a follower's position durably; never moves backwards."""
        ...

    def lock(self, name: str) -> AbstractContextManager[bool]:
        """Try to become the only holder of `name` across processes; yields whether that worked.

        The lock is gone when its process is, however that ended.
        """
        ...

    def close(self) -> None:
        """Finish what is queued and let go of the database."""
        ...
