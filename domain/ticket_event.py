"""What every event says, whatever its kind: ids, times, who did it, and the ticket after it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypedDict
from uuid import UUID

from domain.events import EVENT_TYPES, Payload
from domain.numbers import TicketNumber
from domain.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. A resident's id is the vault's pseudonym, never a name or a number."""

    id: str
    role: Role
    unit: str | None = None


class TicketSummary(TypedDict):
    """The ticket after the event, so that a stateless consumer never needs to fold."""

    number: str
    region: str
    grid: str | None
    category: str
    matter_class: str | None
    urgency: str
    channel: str
    state: str
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
    suspended: bool
    emergency: bool
    returns: int
    end: str | None
    origin: str | None
    source_id: str | None


class TicketEvent(NamedTuple):
    """One immutable fact about one ticket, with everything that every event says."""

    id: UUID
    number: TicketNumber
    stream_id: UUID
    sequence: int
    """The ticket's version after this event; gapless from 1."""
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID
    payload: Payload
    ticket: TicketSummary

    @property
    def type(self) -> str:
        """The versioned name under which the event is published."""
        return EVENT_TYPES[type(self.payload)]

    @property
    def originator_id(self) -> UUID:
        """The stream, as `eventsourcing` calls it."""
        return self.stream_id

    @property
    def originator_version(self) -> int:
        """The sequence, as `eventsourcing` calls it."""
        return self.sequence
