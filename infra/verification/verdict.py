"""What came of comparing everything with the transparency log."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from domain.errors import LiudanError
from infra.verification.entry_view import Attributes


class Part(StrEnum):
    """What is compared, in this order."""

    LOG = "log"
    """The transparency log with its own checkpoint."""
    STORE = "event-store"
    KAFKA = "kafka"
    TICKET_STATE = "ticket-state"
    SLA_CLOCKS = "sla-clocks"
    CLICKHOUSE = "clickhouse"


class Difference(NamedTuple):
    """The first thing about a part that is not as the log says."""

    part: Part
    what: str
    place: str
    """Where exactly: a file, a position, a partition and offset, a table and column."""
    ticket: str | None = None
    version: int | None = None

    @classmethod
    def about(cls, event: bytes, part: Part, what: str, place: str) -> "Difference":
        """Name the ticket and version that an event's bytes say."""
        said = Attributes.of(event)
        return cls(part, what, place, said.ticket, said.version)

    def __str__(self) -> str:
        whose = f"ticket {self.ticket}, version {self.version}, " if self.ticket else ""
        return f"{self.part}: {whose}{self.place}: {self.what}"


class Differs(LiudanError):
    """A part is not as the log says; ends the comparing of that part."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(str(difference))
        self.difference = difference


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result."""

    size: int
    """How many entries the checkpoint has that everything was compared with."""
    root: bytes
    compared: Mapping[Part, int]
    """How many entries, events or rows of a part were compared."""
    differences: tuple[Difference, ...]
    """Of every part the first one."""
    skipped: Mapping[Part, str]
    """What was asked for and could not be compared, and why."""

    @property
    def equal(self) -> bool:
        """Whether nothing that was compared differs."""
        return not self.differences
