"""What a format of another system has to tell the importer; one file a format, one entry in the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Protocol
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from domain.commands import Import
from domain.numbers import TicketNumber
from domain.regions import Region

_COMMANDS = UUID("c41b7f7e-5f0b-5b3e-8a67-3b0e6f1e9d52")
_SERIAL_LETTERS = 8

Row = Mapping[str, str]
"""A row by column: names in lower case, cells without surrounding spaces, empty when there is nothing."""


@dataclass(frozen=True, slots=True)
class SourceCase:
    """One case of another system, ready to be imported."""

    number: TicketNumber
    command: Import
    known_until: datetime
    """The latest moment at which, by this row, anything had happened. A due time is none: it is a plan."""

    @property
    def command_id(self) -> UUID:
        """The same for the same case of the same source, so that it is never imported twice."""
        return uuid5(_COMMANDS, f"{self.command.origin}:{self.command.source_id}")


class SourceFormat(Protocol):
    """How one system's export is read."""

    @property
    def origin(self) -> str:
        """The source's name, which its cases keep."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """Where its local times are at home."""
        ...

    @property
    def id_column(self) -> str:
        """The column with the source's own id of a case; in lower case."""
        ...

    @property
    def required(self) -> tuple[str, ...]:
        """Columns without which the export says too little; in lower case."""
        ...

    @property
    def one_of(self) -> tuple[tuple[str, ...], ...]:
        """Further columns, where an export has one of each group; in lower case."""
        ...

    def case(self, row: Row) -> SourceCase:
        """Map a row, pure; raises Invalid with the reason why it cannot be taken."""
        ...


def imported_number(origin: str, source_id: str, region: Region, day: date) -> TicketNumber:
    """Give a case its number: always the same one. `day` is the local date it was created.

    A longer serial than new tickets get, so that the numbers never meet.
    """
    digest = sha256(f"{origin}:{source_id}".encode()).digest()
    return TicketNumber.compose(region, day, int.from_bytes(digest), length=_SERIAL_LETTERS)
