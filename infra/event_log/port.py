"""The stream of events as everybody downstream sees it: Kafka, or the event store itself.

Nothing outside this package knows which one is there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.errors import Transient

TICKETS_TOPIC = "liudan.tickets.v1"
SLA_TOPIC = "liudan.sla.v1"
DEAD_LETTERS_TOPIC = "liudan.dead-letters.v1"


class LogUnavailable(Transient):
    """The broker does not answer."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the log; the value is the event's CloudEvents JSON, byte for byte."""

    partition: int
    offset: int
    key: str
    value: bytes
    position: int | None = None
    """The event's position in the event store (header `liudan-position`)."""


class LogReader(Protocol):
    """One member of a consumer group. Used from one thread."""

    def poll(self, max_records: int, timeout_seconds: float) -> Sequence[LogRecord]:
        """Give the next records of the assigned partitions, in order within each partition."""
        ...

    def lag(self) -> Mapping[int, int]:
        """Give, per assigned partition, how many records are still to come."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


# Given the partitions that were just assigned, the offset at which to start each one. It is called again
# after every rebalance; offsets come from the sink's own transaction, never from Kafka.
StartOffsets = Callable[[Sequence[int]], Mapping[int, int]]


class EventLog(Protocol):
    """A topic's worth of ordered, replayable records."""

    def reader(self, group: str, topic: str, start_offsets: StartOffsets) -> LogReader:
        """Join `group` and read `topic`, each partition from where `start_offsets` says."""
        ...

    def publish(self, topic: str, records: Iterable[tuple[str, bytes, int | None]]) -> None:
        """Write (key, value, position) records and return when every one is acknowledged."""
        ...

    def end_offsets(self, topic: str) -> Mapping[int, int]:
        """Give, per partition, the offset after the newest record."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
