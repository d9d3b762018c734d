"""What lists show: a line for a ticket, for a piece of work, for a broken limit."""

from datetime import datetime
from typing import Generic, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.vocabulary import Channel, ClockKind, End, Level, MatterClass, Outcome, State, Urgency
from projections.sla_clocks import Breach
from projections.ticket_state import Because, TicketRow, Work

Item = TypeVar("Item", bound=BaseModel)


class Listing(BaseModel, Generic[Item]):
    """One page; `next` is the address of the following one, None on the last."""

    items: list[Item]
    next: str | None = Field(default=None, examples=["/v1/tickets?state=placed&limit=50&cursor=q1LxQ29t"])


class TicketLine(BaseModel):
    """One ticket of a list: a moment behind the ticket itself, which `self` leads to."""

    model_config = ConfigDict(extra="ignore")

    number: str
    version: int
    region: str
    grid: str | None
    category: str
    category_text: str = Field(description="The category's name, or an imported matter's own words")
    matter_class: MatterClass | None
    urgency: Urgency
    channel: Channel
    state: State
    level: Level | None
    holder: str | None
    first_handler: str | None
    cycle: int
    placed_at: AwareDatetime
    stage_entered_at: AwareDatetime
    stage_due: AwareDatetime | None
    resolve_due: AwareDatetime | None
    rating_due: AwareDatetime | None
    resolved_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    changed_at: AwareDatetime
    suspended: bool
    emergency: bool
    returns: int
    end: End | None
    outcome: Outcome | None
    solved: bool | None
    score: int | None
    parent: str | None
    extension_until: AwareDatetime | None
    escalated_to: Level | None
    origin: str | None
    source_id: str | None
    overdue: bool = Field(default=False, description="As of the moment that was asked about, by default now")

    @classmethod
    def of(cls, row: TicketRow, as_of: datetime) -> Self:
        """Show a row of the read model."""
        line = cls.model_validate(row._asdict())
        line.overdue = row.overdue(as_of)
        return line


class WorkLine(BaseModel):
    """One piece of work: the ticket, why it is here, and what can be done with it."""

    ticket: TicketLine
    because: Because
    commands: list[str] = Field(examples=[["verify", "progress"]])

    @classmethod
    def of(cls, work: Work, as_of: datetime) -> Self:
        """Show a line of the worklist."""
        return cls(
            ticket=TicketLine.of(work.ticket, as_of), because=work.because, commands=list(work.commands)
        )


class BreachLine(BaseModel):
    """One limit that was broken, dated by when it passed."""

    model_config = ConfigDict(extra="ignore")

    number: str
    source_id: str | None
    origin: str | None
    clock: ClockKind
    cycle: int
    due_at: AwareDatetime
    breached_at: AwareDatetime
    stopped_at: AwareDatetime | None = Field(description="When it was met after all; None while it runs")
    overdue_seconds: float
    region: str
    category: str
    matter_class: MatterClass | None
    level: Level | None
    holder: str | None = Field(description="The unit it is charged to")
    suspended: bool

    @classmethod
    def of(cls, breach: Breach) -> Self:
        """Show a breach."""
        return cls.model_validate(breach._asdict())
