"""What happened, one frozen model a kind; past tense, and never changed once it is published.

A payload says what this kind of event says. What every event says (ids, times, actor, the ticket after it)
stands once, in `domain.ticket_event`. Deadlines, holders and target states are written out as facts, so
that a replay never depends on today's policy or today's lifecycle table.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.deadlines import Deadlines
from domain.numbers import TicketNumber
from domain.personal import Sealed
from domain.regions import Grid, Region
from domain.vocabulary import (
    Channel,
    Level,
    MatterClass,
    Outcome,
    RejectReason,
    ResponseKind,
    State,
    Urgency,
)


@dataclass(frozen=True)
class Holder:
    """Who has to act next: a level and the unit at it. (A dataclass, which orjson knows by itself.)"""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")
    level: Level
    unit: str


class Payload(BaseModel):
    """What one kind of event says; `sealed` holds its personal part."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    TYPE: ClassVar[str]

    sealed: Sealed | None = None


class Moved(Payload):
    """An event after which the ticket stands elsewhere."""

    to: State
    holder: Holder | None = None
    deadlines: Deadlines | None = None


class OrderPlaced(Moved):
    """点单."""

    TYPE = "order-placed"
    region: Region
    grid: Grid | None = None
    category: str
    matter_class: MatterClass
    urgency: Urgency
    channel: Channel
    person: UUID | None = None


class OrderVerified(Moved):
    """核单."""

    TYPE = "order-verified"
    region: Region
    grid: Grid | None = None
    category: str
    matter_class: MatterClass
    urgency: Urgency


class OrderRejected(Moved):
    """不予受理."""

    TYPE = "order-rejected"
    reason: RejectReason


class OrderIssued(Moved):
    """下单."""

    TYPE = "order-issued"


class OrderDispatched(Moved):
    """派单; `binding` when the county has ruled and it cannot be returned again."""

    TYPE = "order-dispatched"
    binding: bool = False


class OrderAccepted(Moved):
    """接单."""

    TYPE = "order-accepted"
    first_handler: str


class OrderReturned(Moved):
    """退单."""

    TYPE = "order-returned"
    reason: str
    returns: int


class OrderTransferred(Moved):
    """转办."""

    TYPE = "order-transferred"
    reason: str


class FirstHandlerAssigned(Payload):
    """第一经办人."""

    TYPE = "first-handler-assigned"
    first_handler: str


class CoHandlerAdded(Payload):
    """协办."""

    TYPE = "co-handler-added"
    unit: str


class ProgressNoted(Payload):
    """A note on how the work goes."""

    TYPE = "progress-noted"


class EvidenceAttached(Payload):
    """Evidence, known by its digest."""

    TYPE = "evidence-attached"
    media_type: str
    sha256: str
    size_bytes: int


class MatterResolved(Moved):
    """办结; `resolver` and `resolved_from` say where a rework goes back to."""

    TYPE = "matter-resolved"
    outcome: Outcome
    resolver: Holder
    resolved_from: State


class ReworkOrdered(Moved):
    """重办."""

    TYPE = "rework-ordered"
    reason: str


class ResultFedBack(Moved):
    """反馈."""

    TYPE = "result-fed-back"


class OrderRated(Payload):
    """评单."""

    TYPE = "order-rated"
    solved: bool
    score: int


class RatingLapsed(Payload):
    """No rating came in time; not an answer."""

    TYPE = "rating-lapsed"


class TicketClosed(Moved):
    """The loop is closed."""

    TYPE = "ticket-closed"
    reason: str


class TicketReopened(Moved):
    """重启; `reason` is `sealed` when the resident gave it: then it is in `sealed`."""

    TYPE = "ticket-reopened"
    reason: str
    cycle: int


class OrderWithdrawn(Moved):
    """撤单."""

    TYPE = "order-withdrawn"


class TicketsMerged(Payload):
    """并单; written to both tickets in one commit."""

    TYPE = "tickets-merged"
    child: TicketNumber
    parent: TicketNumber


class TicketsUnmerged(Payload):
    """A merge undone; written to both tickets. `to` is where the child goes on."""

    TYPE = "tickets-unmerged"
    child: TicketNumber
    parent: TicketNumber
    reason: str
    to: State


class ExtensionRequested(Payload):
    """申请延期."""

    TYPE = "extension-requested"
    until: datetime
    reason: str


class ExtensionGranted(Payload):
    """同意延期."""

    TYPE = "extension-granted"
    deadlines: Deadlines


class ExtensionRefused(Payload):
    """不同意延期."""

    TYPE = "extension-refused"
    reason: str


class TicketSuspended(Payload):
    """挂起."""

    TYPE = "ticket-suspended"
    reason: str


class TicketResumed(Payload):
    """恢复; `paused_seconds` do not count."""

    TYPE = "ticket-resumed"
    paused_seconds: float
    deadlines: Deadlines | None = None


class MatterReclassified(Payload):
    """调整类别."""

    TYPE = "matter-reclassified"
    category: str
    matter_class: MatterClass
    urgency: Urgency
    reason: str
    deadlines: Deadlines | None = None


class DeadlinesRevised(Payload):
    """A policy or a calendar changed."""

    TYPE = "deadlines-revised"
    reason: str
    deadlines: Deadlines


class OrderUrged(Payload):
    """催办."""

    TYPE = "order-urged"


class TicketEscalated(Payload):
    """升级督办."""

    TYPE = "ticket-escalated"
    reason: str
    to_level: Level


class EmergencyDeclared(Payload):
    """转急."""

    TYPE = "emergency-declared"
    reason: str
    deadlines: Deadlines | None = None


class EmergencyStoodDown(Payload):
    """转平."""

    TYPE = "emergency-stood-down"
    deadlines: Deadlines | None = None


class ResponseLogged(Payload):
    """应急处置记录; what was said is sealed."""

    TYPE = "response-logged"
    kind: ResponseKind


class PersonalDataErased(Payload):
    """The key is destroyed."""

    TYPE = "personal-data-erased"
    person: UUID
    reason: str


class TicketImported(Moved):
    """What another system knew."""

    TYPE = "ticket-imported"
    origin: str
    source_id: str
    region: Region
    category: str
    category_text: str
    channel: Channel
    source_channel: str | None = None
    source_status: str | None = None
    agency: str | None = None
    agency_name: str | None = None
    placed_at: datetime
    closed_at: datetime | None = None
    resolution: str | None = None
    oddities: tuple[str, ...] = ()
    person: UUID | None = None


PAYLOADS: dict[str, type[Payload]] = {
    payload.TYPE: payload
    for payload in (
        OrderPlaced, OrderVerified, OrderRejected, OrderIssued, OrderDispatched, OrderAccepted, OrderReturned,
        OrderTransferred, FirstHandlerAssigned, CoHandlerAdded, ProgressNoted, EvidenceAttached,
        MatterResolved, ReworkOrdered, ResultFedBack, OrderRated, RatingLapsed, TicketClosed, TicketReopened,
        OrderWithdrawn, TicketsMerged, TicketsUnmerged, ExtensionRequested, ExtensionGranted,
        ExtensionRefused, TicketSuspended, TicketResumed, MatterReclassified, DeadlinesRevised, OrderUrged,
        TicketEscalated, EmergencyDeclared, EmergencyStoodDown, ResponseLogged, PersonalDataErased,
        TicketImported,
    )
}  # fmt: skip

EVENT_TYPES = {payload: f"liudan.ticket.{name}.v1" for name, payload in PAYLOADS.items()}
"""The versioned name under which each kind of event is published."""
