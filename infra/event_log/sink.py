"""What the poll loop needs of the place where records end up: a SQL projection, ClickHouse, a webhook."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from domain.errors import Transient
from infra.event_log.port import LogRecord


class MovedOn(Transient):
    """The sink is not where the loop thinks: another process has written, or a ticket was released.

    Nothing was committed; the loop reads the sink's positions again and goes on from there.
    """


class Step(NamedTuple):
    """A partition's position before and after a batch: compare-and-set, so that a zombie cannot write."""

    start: int
    next: int


class Sink(Protocol):
    """Rows and positions in one transaction. Every method may raise Transient, and is then called again."""

    def start_offsets(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Give the next offset to apply per partition, 0 for one that was never seen."""
        ...

    def apply(
        self, records: Sequence[LogRecord], steps: Mapping[int, Step], aside: Collection[str] = ()
    ) -> None:
        """Commit the rows of `records` and the new positions together, or nothing at all.

        `records` may be empty (all were parked). In the same transaction every position must be
        `steps[p].start` and becomes `steps[p].next`, and every key in `aside` must still be parked;
        otherwise raise MovedOn. Raise Poison for a record that can never be applied, Halted for a gap in a
        ticket's sequence; drop a sequence that was seen. Without steps, only rows are written.
        """
        ...

    def parked(self) -> Collection[str]:
        """Give the keys (ticket numbers) whose later records wait behind a poisoned one; durable."""
        ...

    def park(self, record: LogRecord, reason: str) -> None:
        """Remember durably that the record's key is parked. Positions stay as they are. Idempotent."""
        ...


class Letter(NamedTuple):
    """A record that was set aside, and what is to become of it."""

    record: LogRecord
    discarded: bool = False
    """Write no rows for it; whatever sequence comes next for its key is then the right one."""


class ReleasingSink(Sink, Protocol):
    """A sink whose parked tickets can be let go on by `liudan dead-letters replay | discard`."""

    def release(self, key: str, letters: Callable[[], Sequence[Letter]]) -> None:
        """In one transaction: lock the parked key, call `letters`, apply what it gives, forget the key.

        `letters` has to be called after the lock is held, so that no record is parked unseen. Positions
        stay. Raises Poison when a letter still cannot be applied; then the ticket stays parked.
        """
        ...
