"""What a projection into SQL is to the consumer that feeds it."""

from collections.abc import Collection, Iterator
from typing import Protocol

from sqlalchemy.engine import Connection

from projections.raw_event import RawEvent

IN_CHUNK = 10_000
"""Most values of one IN list; SQLite takes 32,766 parameters a statement, PostgreSQL 65,535."""


class Batch(Protocol):
    """The rows of some tickets, inside one transaction."""

    def version(self, number: str) -> int:
        """Give the sequence of the newest event that was applied to a ticket, 0 for none."""
        ...

    def apply(self, event: RawEvent) -> None:
        """Take in a ticket's next event; raises Poison."""
        ...

    def save(self) -> None:
        """Write what has changed, once for each row."""
        ...


class Projection(Protocol):
    """One version of one read model."""

    @property
    def name(self) -> str:
        """The read model's name."""
        ...

    @property
    def version(self) -> int:
        """The version of its rows."""
        ...

    def batch(self, connection: Connection, numbers: Collection[str]) -> Batch:
        """Look up what is known of the tickets that a batch of events is about."""
        ...


def in_chunks(numbers: Collection[str]) -> Iterator[list[str]]:
    """Cut numbers into lists that fit one statement, sorted so that they are read in the index's order."""
    ordered = sorted(numbers)
    return (ordered[start : start + IN_CHUNK] for start in range(0, len(ordered), IN_CHUNK))
