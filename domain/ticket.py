"""The current state of one ticket: what folding its events gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from uuid import UUID

from domain.deadlines import Deadlines
from domain.events import Holder
from domain.numbers import TicketNumber
from domain.regions import Grid, Region
from domain.ticket_event import TicketSummary
from domain.vocabulary import ENDED, Channel, End, Level, MatterClass, Outcome, State, Urgency


class Span(NamedTuple):
    """A stretch of time: a pause, or what an extension added."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A ticket as of one version. Holds nothing personal: that stays sealed in the events.

    A dataclass, because only `evolve` makes one, of values that were checked before, and every command reads
    a hundred of its fields: that takes a pydantic model four times as long.
    """

    number: TicketNumber
    stream_id: UUID
    version: int
    changed_at: datetime

    state: State
    region: Region
    grid: Grid | None = None
    category: str
    matter_class: MatterClass | None = None
    urgency: Urgency = Urgency.NORMAL
    channel: Channel
    person: UUID | None = None
    erased: bool = False

    holder: Holder | None = None
    first_handler: str | None = None
    cohandlers: tuple[str, ...] = ()
    steps: Mapping[State, Holder] = field(default_factory=dict)
    """Who held it in each state it has been through in this cycle: where a return goes back to."""
    returns: int = 0
    binding: bool = False
    resolver: Holder | None = None
    resolved_from: State | None = None
    outcome: Outcome | None = None

    cycle: int = 1
    placed_at: datetime
    clock_started_at: datetime
    """When this cycle's clock started."""
    stage_entered_at: datetime
    deadlines: Deadlines | None = None
    ordinary: Deadlines | None = None
    """The deadlines that an emergency has set aside, as far as they still hold."""
    extension_asked: datetime | None = None
    extension_asked_at: datetime | None = None
    extensions: tuple[Span, ...] = ()
    """From which to which due time the matter was extended in this cycle."""
    pauses: tuple[Span, ...] = ()
    """The suspensions of this cycle that are over; their time does not count."""
    suspended_at: datetime | None = None
    emergency_at: datetime | None = None
    stood_down_at: datetime | None = None
    """When the last emergency was over."""
    urged: int = 0
    escalated_to: Level | None = None

    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    solved: bool | None = None
    score: int | None = None
    end: End | None = None

    parent: TicketNumber | None = None
    children: tuple[TicketNumber, ...] = ()
    merged_from: State | None = None
    origin: str | None = None
    source_id: str | None = None

    def changed(self, **changes: Any) -> Self:
        """Give the ticket with some fields changed: `dataclasses.replace`, in a tenth of the time."""
        ticket = object.__new__(type(self))
        values = self.__dict__.copy()
        values.update(changes)
        object.__setattr__(ticket, "__dict__", values)
        return ticket

    @property
    def ended(self) -> bool:
        """Whether the ticket is closed, rejected, withdrawn or merged."""
        return self.state in ENDED

    @property
    def extended(self) -> timedelta:
        """By how much plain time the due time was moved by extensions in this cycle."""
        return sum((span.end - span.start for span in self.extensions), timedelta(0))

    def overdue(self, as_of: datetime) -> bool:
        """Whether it was resolved or ended after its due time, or is open past it.

        While it is suspended the clock stands still. What ended nobody knows when (an import) is not called
        late.
        """
        due = self.deadlines.resolve_due if self.deadlines else None
        stopped = self.resolved_at or self.closed_at or self.suspended_at
        if due is None or (stopped is None and self.ended):
            return False
        return (stopped or as_of) > due

    def summary(self) -> TicketSummary:
        """Give what every event says of the ticket after it."""
        deadlines = self.deadlines
        return {
            "number": self.number,
            "region": self.region,
            "grid": self.grid,
            "category": self.category,
            "matter_class": self.matter_class,
            "urgency": self.urgency,
            "channel": self.channel,
            "state": self.state,
            "level": self.holder.level if self.holder else None,
            "holder": self.holder.unit if self.holder else None,
            "first_handler": self.first_handler,
            "cycle": self.cycle,
            "placed_at": self.placed_at,
            "stage_entered_at": self.stage_entered_at,
            "stage_due": deadlines.stage_due if deadlines else None,
            "resolve_due": deadlines.resolve_due if deadlines else None,
            "rating_due": deadlines.rating_due if deadlines else None,
            "resolved_at": self.resolved_at,
            "closed_at": self.closed_at,
            "suspended": self.suspended_at is not None,
            "emergency": self.emergency_at is not None,
            "returns": self.returns,
            "end": self.end,
            "origin": self.origin,
            "source_id": self.source_id,
        }
