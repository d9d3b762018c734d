"""The one place where an event becomes bytes, and where bytes become an event again.

The form is a CloudEvents 1.0 JSON object (structured mode). These bytes are what the store keeps, what
Kafka carries and what the transparency log hashes; they are made once, when the event is decided.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from domain.deadlines import Allowance, Deadlines
from domain.errors import Invalid, Poison
from domain.events import PAYLOADS
from domain.numbers import TicketNumber
from domain.personal import Sealed
from domain.ticket_event import Actor, TicketEvent, TicketSummary
from domain.vocabulary import Role

MAX_BYTES = 60_000
"""An event stays below this, so that it fits a transparency log entry (65,535 bytes) with room to spare."""

_PARTS = frozenset((Deadlines, Allowance, Sealed))
"""The models inside payloads; `isinstance` of a pydantic model is a call of Python code."""
_PAYLOADS = {f"liudan.ticket.{name}.v1": payload for name, payload in PAYLOADS.items()}
_ROLES = {role.value: role for role in Role}


def _plain(value: object) -> dict[str, Any] | str:
    """What orjson does not know by itself: models, and the UUID subclasses of other libraries."""
    if type(value) in _PARTS:
        return {name: item for name, item in value.__dict__.items() if item is not None}
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value))


def encode(event: TicketEvent) -> bytes:
    """Serialise an event; raises Invalid when it would be larger than MAX_BYTES."""
    actor = event.actor
    data: dict[str, Any] = {
        "actor": {"id": actor.id, "role": actor.role, "unit": actor.unit},
        "ticket": event.ticket,
    }
    data |= {name: item for name, item in event.payload.__dict__.items() if item is not None}
    encoded = orjson.dumps(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": f"urn:liudan:{event.number.split('-', 1)[0].lower()}",
            "type": event.type,
            "subject": event.number,
            "time": event.occurred_at,
            "datacontenttype": "application/json",
            "recordedtime": event.recorded_at,
            "sequence": event.sequence,
            "commandid": event.command_id,
            "correlationid": event.correlation_id,
            "causationid": event.causation_id,
            "data": data,
        },
        _plain,
        orjson.OPT_UTC_Z,
    )
    if len(encoded) > MAX_BYTES:
        raise Invalid(f"the event would have {len(encoded)} bytes; {MAX_BYTES} is the most", rule="too-large")
    return encoded


def decode(encoded: bytes) -> TicketEvent:
    """Read an event back; raises Poison when it is not one of ours."""
    try:
        event = orjson.loads(encoded)
        data = event["data"]
        actor, summary = data.pop("actor"), data.pop("ticket")
        payload = _PAYLOADS[event["type"]].model_validate(data)
        number = TicketNumber(event["subject"])
        return TicketEvent(
            id=_uuid(event["id"]),
            number=number,
            stream_id=number.stream_id,
            sequence=event["sequence"],
            occurred_at=_time(event["time"]),
            recorded_at=_time(event["recordedtime"]),
            actor=Actor(actor["id"], _ROLES[actor["role"]], actor["unit"]),
            command_id=_uuid(event["commandid"]),
            correlation_id=_uuid(event["correlationid"]),
            causation_id=_uuid(event["causationid"]),
            payload=payload,
            ticket=_summary(summary),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as error:
        raise Poison(f"not a ticket event: {type(error).__name__}") from error


# What follows in a history says the same times and ids again: its own command's, and the ticket's dues.
_REMEMBERED = 256
_uuid = lru_cache(_REMEMBERED)(UUID)


@lru_cache(_REMEMBERED)
def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_TIMES = (
    "placed_at", "stage_entered_at", "stage_due", "resolve_due", "rating_due", "resolved_at", "closed_at",
)  # fmt: skip


def _summary(raw: Any) -> TicketSummary:
    for name in _TIMES:
        if raw[name] is not None:
            raw[name] = _time(raw[name])
    summary: TicketSummary = raw
    return summary
