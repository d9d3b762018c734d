"""What a decision may depend on besides the ticket and the command: no clock, no dice of its own."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.numbers import TicketNumber
from domain.personal import Sealed
from domain.rulebook import Rules
from domain.ticket_event import Actor


class Context(NamedTuple):
    """What a decision may depend on besides the ticket and the command."""

    now: datetime
    """When it happens; aware."""
    recorded_at: datetime
    actor: Actor
    command_id: UUID
    rules: Rules
    """The policy and the calendars in force at `now`."""
    new_id: Callable[[], UUID]
    """Source of event ids (UUIDv7)."""
    number: TicketNumber | None = None
    """The number of a new ticket."""
    person: UUID | None = None
    """The vault's pseudonym for the resident whom a new ticket is about."""
    sealed: Sealed | None = None
    """The command's personal part, already sealed."""
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
