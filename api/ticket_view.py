"""A ticket as the API shows it: the documented model, and the same made quickly."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.deadlines import Allowance, Deadlines
from domain.events import Holder
from domain.ticket import Ticket
from domain.vocabulary import Channel, End, Level, MatterClass, Outcome, State, Urgency

_EXAMPLE_NUMBER = "622901-261123-2HPQK"


class Links(BaseModel):
    """Where to go from here."""

    model_config = ConfigDict(extra="forbid")
    self: str = Field(examples=[f"/v1/tickets/{_EXAMPLE_NUMBER}"])
    events: str = Field(examples=[f"/v1/tickets/{_EXAMPLE_NUMBER}/events"])
    receipt: str = Field(
        description="The proof, within a second, that the ticket is in the transparency log",
        examples=[f"/v1/tickets/{_EXAMPLE_NUMBER}/receipt"],
    )


class TicketView(BaseModel):
    """工单: a ticket at one version. Nothing in it says who the resident is."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(description="The ticket's number, to be read out over the telephone",
                        examples=[_EXAMPLE_NUMBER])  # fmt: skip
    version: int = Field(description="Counts the ticket's events; also its ETag", examples=[1])
    changed_at: AwareDatetime
    state: State
    region: str = Field(examples=["622901001001"])
    grid: str | None = Field(examples=["622901001001-U003"])
    category: str = Field(examples=["sanitation.garbage"])
    matter_class: MatterClass | None
    urgency: Urgency
    channel: Channel
    person: str | None = Field(description="A pseudonym of the resident, None when nobody is known")
    erased: bool = Field(description="Whether the personal data was erased")
    holder: Holder | None = Field(description="Who has to act next")
    first_handler: str | None
    cohandlers: list[str]
    steps: dict[State, Holder] = Field(description="Who held it in each state of this cycle")
    returns: int
    binding: bool = Field(description="Whether the county has ruled, so that it cannot be returned again")
    resolver: Holder | None
    resolved_from: State | None
    outcome: Outcome | None
    cycle: int = Field(description="1, and one more for every reopening")
    placed_at: AwareDatetime
    clock_started_at: AwareDatetime
    stage_entered_at: AwareDatetime
    deadlines: Deadlines | None
    ordinary: Deadlines | None = Field(description="The deadlines that an emergency has set aside")
    extension_asked: AwareDatetime | None
    extended_seconds: float
    suspended_at: AwareDatetime | None
    emergency_at: AwareDatetime | None
    urged: int
    escalated_to: Level | None
    resolved_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    solved: bool | None = Field(description="What the resident said")
    score: int | None = Field(description="1 to 5, what the resident gave")
    end: End | None
    parent: str | None = Field(description="The ticket that this one is merged into")
    children: list[str]
    merged_from: State | None
    origin: str | None = Field(description="The system that an imported ticket comes from")
    source_id: str | None
    overdue: bool = Field(description="Whether it was late, or is late at the moment asked about")
    permitted: list[str] = Field(
        description="What you may do with it now; empty for a view of the past", examples=[["verify"]]
    )
    links: Links


_COMPUTED = {"extended_seconds", "overdue", "permitted", "links"}
_PARTS = frozenset({Deadlines, Allowance})
_COPIED = tuple(name for name in TicketView.model_fields if name not in _COMPUTED)


def ticket_json(ticket: Ticket, *, as_of: datetime, permitted: Sequence[str] = ()) -> bytes:
    """Write a `TicketView` without building and checking the model, which costs more than the command."""
    values: Mapping[str, object] = ticket.__dict__
    view = {name: values[name] for name in _COPIED}
    here = f"/v1/tickets/{ticket.number}"
    view["extended_seconds"] = ticket.extended.total_seconds()
    view["overdue"] = ticket.overdue(as_of)
    view["permitted"] = permitted
    view["links"] = {"self": here, "events": f"{here}/events", "receipt": f"{here}/receipt"}
    return orjson.dumps(view, _plain, orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> object:
    """What orjson does not know by itself: the models inside a ticket."""
    if type(value) in _PARTS:  # `isinstance` of a pydantic model is a call of Python code
        return value.__dict__
    raise TypeError(type(value))
