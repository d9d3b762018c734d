"""Read model "current ticket state": a row a ticket, as its newest event says, and what can be asked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from domain.regions import Grid, Region
from domain.vocabulary import Level, MatterClass, Role, State
from projections.page import Page

PROJECTION = "ticket-state"
VERSION = 1
"""Raised whenever the same events give other rows than before; the new version is built beside the old."""


class TicketRow(NamedTuple):
    """One ticket after its newest event; the columns of the table, in their order."""

    number: str
    version: int
    """The sequence of the newest event."""
    area: str
    """The county, or a foreign scheme's root: the outermost part of the place that never changes."""
    place: str
    """The grid, or the region where the grid is not known: what regions are matched with."""
    region: str
    grid: str | None
    category: str
    category_text: str
    """The source's own words for an imported matter, else the catalogue's name."""
    matter_class: str | None
    urgency: str
    channel: str
    state: str
    open: bool
    level: str | None
    holder: str | None
    first_handler: str | None
    cycle: int
    placed_at: datetime
    stage_entered_at: datetime
    stage_due: datetime | None
    resolve_due: datetime | None
    rating_due: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    changed_at: datetime
    """When the newest event happened."""
    suspended: bool
    suspended_at: datetime | None
    emergency: bool
    returns: int
    end: str | None
    outcome: str | None
    solved: bool | None
    score: int | None
    parent: str | None
    """The ticket that this one was merged into."""
    extension_until: datetime | None
    """What an extension was asked for that nobody has decided yet."""
    escalated_to: str | None
    origin: str | None
    source_id: str | None

    def overdue(self, as_of: datetime) -> bool:
        """Whether it was resolved or ended after its due time, or is past it as of a moment.

        While it is suspended its clock stands still. What ended nobody knows when is not called late.
        """
        if self.resolve_due is None:
            return False
        stopped = self.resolved_at or self.closed_at or self.suspended_at
        if stopped is None:
            return self.open and self.resolve_due < as_of
        return self.resolve_due < min(stopped, as_of)


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets; what is left out does not narrow."""

    region: Region | Grid | None = None
    """Everything in this region or grid, as `domain.regions.covers` says."""
    scope: Region | Grid | None = None
    """A further limit of the same kind: what the asker may see."""
    states: frozenset[State] = frozenset()
    open: bool | None = None
    """Open (True), or closed, rejected, withdrawn or merged (False)."""
    matter_class: MatterClass | None = None
    category: str | None = None
    text: str | None = None
    """Part of the category's code or text; upper and lower case of Latin letters do not matter."""
    holder: str | None = None
    level: Level | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    due_before: datetime | None = None
    """Due to be resolved before this moment."""
    overdue_at: datetime | None = None
    """Late as of this moment, see `TicketRow.overdue`."""
    suspended: bool | None = None
    emergency: bool | None = None
    origin: str | None = None


class Sort(StrEnum):
    """The orders of a list; ties go by number, and what has no due time comes last."""

    NEWEST = "-placed_at"
    OLDEST = "placed_at"
    DUE = "resolve_due"


class Because(StrEnum):
    """Why a ticket is on somebody's worklist."""

    HELD = "held"
    """It is this unit's turn."""
    EXTENSION = "extension"
    """The level below asks for an extension."""
    SUSPENDED = "suspended"
    """Somebody has to let its clock run again."""
    ESCALATED = "escalated"
    EMERGENCY = "emergency"
    """Command is flat: the county dispatches it itself."""


class Work(NamedTuple):
    """One line of a worklist."""

    ticket: TicketRow
    because: Because
    commands: tuple[str, ...]
    """The commands that the lifecycle table gives this role here, in the table's order."""


class TicketQueries(Protocol):
    """What can be asked. Every method blocks, and raises Transient when the read store is away."""

    def get(self, number: str) -> TicketRow | None:
        """Give one ticket as the projection knows it, which may be a moment behind the event store."""
        ...

    def list(
        self,
        wanted: TicketFilter,
        *,
        sort: Sort = Sort.NEWEST,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[TicketRow]:
        """Give a page of tickets. Raises Invalid for a cursor or a limit that makes no sense."""
        ...

    def count(self, wanted: TicketFilter) -> int:
        """Count the tickets."""
        ...

    def worklist(
        self, role: Role, unit: str | None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Work]:
        """Give what waits for a unit, the order that is due first at the top.

        Empty for a role that nothing waits for (residents, system, data protection).
        """
        ...
