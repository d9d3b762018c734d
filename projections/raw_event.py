"""An event as its bytes say, checked as far as a read model needs it: no model is built, nothing folded."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple, TypedDict

import orjson

from domain.errors import Poison
from domain.vocabulary import State

_PREFIX, _SUFFIX = "liudan.ticket.", ".v1"
_STATES = frozenset(State)
_KINDS: tuple[tuple[Literal["cycle", "returns", "suspended", "emergency"], type], ...] = (
    ("cycle", int), ("returns", int), ("suspended", bool), ("emergency", bool),
)  # fmt: skip
"""What SQLite would store as anything."""


class RawSummary(TypedDict):
    """`data.ticket`: the ticket after the event, its times still as text."""

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
    placed_at: str
    stage_entered_at: str
    stage_due: str | None
    resolve_due: str | None
    rating_due: str | None
    resolved_at: str | None
    closed_at: str | None
    suspended: bool
    emergency: bool
    returns: int
    end: str | None
    origin: str | None
    source_id: str | None


class RawEvent(NamedTuple):
    """What a read model looks at."""

    number: str
    sequence: int
    kind: str
    """The event's type without its prefix and version, for example `order-placed`."""
    at: datetime
    """When it happened."""
    data: Mapping[str, object]
    ticket: RawSummary


def read_event(value: bytes, key: str) -> RawEvent:
    """Read an event's bytes that were stored under the ticket number `key`; raises Poison."""
    try:
        event = orjson.loads(value)
        data = event["data"]
        ticket = data["ticket"]
        raw = RawEvent(
            event["subject"],
            event["sequence"],
            event["type"].removeprefix(_PREFIX).removesuffix(_SUFFIX),
            datetime.fromisoformat(event["time"]),
            data,
            ticket,
        )
        problem = _problem(raw, event["type"], key)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Poison(f"ticket {key}: not a ticket event: {type(error).__name__}: {error}") from error
    if problem is not None:
        raise Poison(f"ticket {key}: {problem}")
    return raw


def _problem(raw: RawEvent, full_type: str, key: str) -> str | None:
    if len(full_type) != len(raw.kind) + len(_PREFIX) + len(_SUFFIX):
        return f"events of type {full_type!r} are unknown here"
    if type(raw.sequence) is not int or raw.sequence < 1:
        return f"{raw.sequence!r} is not a sequence"
    if raw.number != key:
        return f"the event is of ticket {raw.number!r}"
    if raw.ticket["state"] not in _STATES:
        return f"{raw.ticket['state']!r} is not a state"
    wrong = [name for name, kind in _KINDS if type(raw.ticket[name]) is not kind]
    if wrong:
        return f"{wrong} cannot be what they are said to be"
    return None if raw.at.tzinfo else "its time has no zone"


def moment(text: str | None) -> datetime | None:
    """Read a time of the summary; raises ValueError."""
    return None if text is None else datetime.fromisoformat(text)


def place_of(ticket: RawSummary) -> str:
    """The grid, or the region where the grid is not known."""
    return ticket["grid"] or ticket["region"]


def area_of(ticket: RawSummary) -> str:
    """The county, or a foreign scheme's root."""
    region = ticket["region"]
    return region[:6] if region[:1].isdigit() else region.split(":", 1)[0]
