"""The stream of events as everybody downstream sees it: Kafka, or the event store itself.

Nothing outside this package knows which one is there.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from domain.errors import Transient

TICKETS_TOPIC = "liudan.tickets.v1"
SLA_TOPIC = "liudan.sla.v1"
DEAD_LETTERS_TOPIC = "liudan.dead-letters.v1"

POSITION_HEADER = "liudan-position"

Headers = Sequence[tuple[str, bytes]]


class LogUnavailable(Transient):
    """The broker does not answer."""


class LogRecord(NamedTuple):
    """One record of the log; the value is the event's CloudEvents JSON, byte for byte."""

    partition: int
    offset: int
    key: str
    value: bytes
    position: int | None = None
    """The event's position in the event store (header `liudan-position`)."""
    headers: Headers = ()
    """All headers as they were written, the position among them."""


class LogReader(Protocol):
    """One member of a consumer group. Used from one thread."""

    def poll(self, max_records: int, timeout_seconds: float) -> Sequence[LogRecord]:
        """Give the next records of the assigned partitions, in order within each partition.

        Raises LogUnavailable (make a new reader), or Halted when a start offset is not in the log.
        """
        ...

    def rewind(self) -> None:
        """Let the next `poll` ask for the start offsets again and go on from there."""
        ...

    def applied(self, next_offsets: Mapping[int, int]) -> None:
        """Tell the log's own tools how far the group has come; advisory, never read back."""
        ...

    def lag(self) -> Mapping[int, int]:
        """Give, per assigned partition, how many records are still to come."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


# Given all the partitions that are now assigned (perhaps none), the offset at which to start each one; one
# that is left out starts at 0. It is called from `poll` after every change of the assignment and after
# `rewind`, and then everything that was read but not applied before is to be forgotten: it comes again.
# Offsets come from the sink's own transaction, never from Kafka.
StartOffsets = Callable[[Sequence[int]], Mapping[int, int]]


class Pending(Protocol):
    """Records on their way to the log."""

    def done(self) -> bool:
        """Tell, without waiting, whether every record was acknowledged or one has failed."""
        ...

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until every record is acknowledged (True) or the time is over (False).

        Raises LogUnavailable when a record has failed or the log has given up on it.
        """
        ...


class EventLog(Protocol):
    """A topic's worth of ordered, replayable records."""

    def reader(self, group: str, topic: str, start_offsets: StartOffsets) -> LogReader:
        """Join `group` and read `topic`, each partition from where `start_offsets` says."""
        ...

    def publish(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> None:
        """Write (key, value, position) records and return when every one is acknowledged.

        `headers` are added to each of them. Raises LogUnavailable; then some may be there and some not.
        """
        ...

    def publish_async(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> Pending:
        """As `publish`, without waiting; records of one key keep the order of the calls."""
        ...

    def abandon(self) -> None:
        """Give up on everything that is not acknowledged; what is pending fails, new records start afresh."""
        ...

    def history(
        self,
        topic: str,
        starts: Mapping[int, int] | None = None,
        *,
        partitions: Collection[int] | None = None,
    ) -> Iterator[LogRecord]:
        """Read a topic, or some `partitions` of it, to its present end, in order within each, in no group.

        A partition begins with the offset in `starts`, or with its first record. Raises LogUnavailable.
        """
        ...

    def first_offsets(self, topic: str) -> Mapping[int, int]:
        """Give, per partition, the offset of the oldest record that is still there."""
        ...

    def end_offsets(self, topic: str) -> Mapping[int, int]:
        """Give, per partition, the offset after the newest record."""
        ...

    def identity(self, topic: str) -> str:
        """Name this very topic: another one with the same name, made later, has another identity."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
