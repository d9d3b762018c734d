"""The response log of a ticket's emergencies, read off its events. What was said in it stays sealed there."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain import events as e
from domain.ticket_event import TicketEvent
from domain.vocabulary import ResponseKind, Role


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Frozen):
    """One entry: when, by whom, about what."""

    event_id: UUID = Field(description="The event that holds the words, sealed")
    sequence: int
    at: datetime
    recorded_at: datetime
    kind: ResponseKind
    actor: str
    role: Role
    unit: str | None


class Emergency(_Frozen):
    """One emergency, from its declaration until it was stood down (None: it is declared)."""

    declared_at: datetime
    declared_by: str
    reason: str
    stood_down_at: datetime | None = None
    stood_down_by: str | None = None
    entries: tuple[Entry, ...] = ()


class ResponseLog(_Frozen):
    """All emergencies of one ticket, in order."""

    number: str
    version: int
    emergencies: tuple[Emergency, ...] = ()


def response_log(history: Iterable[TicketEvent]) -> ResponseLog:
    """Read the log off a ticket's events; the aftermath belongs to the emergency that was last."""
    number, version = "", 0
    emergencies: list[Emergency] = []
    for event in history:
        number, version = event.number, event.sequence
        payload, actor = event.payload, event.actor.id
        if isinstance(payload, e.EmergencyDeclared):
            emergencies.append(
                Emergency(declared_at=event.occurred_at, declared_by=actor, reason=payload.reason)
            )
        elif isinstance(payload, e.EmergencyStoodDown):
            ended = {"stood_down_at": event.occurred_at, "stood_down_by": actor}
            emergencies[-1] = emergencies[-1].model_copy(update=ended)
        elif isinstance(payload, e.ResponseLogged):
            entries = (*emergencies[-1].entries, _entry(event, payload))
            emergencies[-1] = emergencies[-1].model_copy(update={"entries": entries})
    return ResponseLog(number=number, version=version, emergencies=tuple(emergencies))


def _entry(event: TicketEvent, payload: e.ResponseLogged) -> Entry:
    return Entry(
        event_id=event.id,
        sequence=event.sequence,
        at=event.occurred_at,
        recorded_at=event.recorded_at,
        kind=payload.kind,
        actor=event.actor.id,
        role=event.actor.role,
        unit=event.actor.unit,
    )
