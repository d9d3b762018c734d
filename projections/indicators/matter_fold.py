"""From a ticket's events to its matters.

The other implementation is the SQL in `infra.clickhouse.indicators.matter_sql`; both must give the same rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

from domain import events as e
from domain.events import Payload
from domain.ticket_event import TicketEvent
from domain.vocabulary import ENDED, Level, State
from projections.indicators.matter import LATE, Matter

Columns = dict[str, Any]
Events = Sequence[TicketEvent]

CHARGED: Mapping[str, str] = {
    Level.GRID: "grid",
    Level.VILLAGE: "village",
    Level.TOWNSHIP: "township",
    Level.DEPARTMENT: "department",
    Level.COUNTY: "above",
    Level.PREFECTURE: "above",
}
"""To which column a level's time is charged."""
COUNTED: Mapping[str, type[Payload]] = {
    "reworks": e.ReworkOrdered,
    "returns": e.OrderReturned,
    "transfers": e.OrderTransferred,
    "extensions": e.ExtensionGranted,
    "suspensions": e.TicketSuspended,
    "urges": e.OrderUrged,
    "escalations": e.TicketEscalated,
}
"""What is counted, by its column."""
_MICROSECOND = timedelta(microseconds=1)


def matters_of(history: Events) -> tuple[Matter, ...]:
    """Give the matters of one ticket, from its events in order, gapless from the first."""
    cycles = [list(own) for _, own in groupby(history, key=lambda event: event.ticket["cycle"])]
    begins = [own[0].occurred_at for own in cycles]
    held = _microseconds_held(history)
    return tuple(
        Matter(
            number=history[-1].number,
            version=history[-1].sequence,
            reopened_at=reopened_at,
            **_where(own),
            **_answering(own),
            **_response(own),
            **_times(own, len(history)),
            **_survey(own),
            **_emergency(own),
            **_counts(own),
            **_held(own, held, over=reopened_at is not None),
            late_events=sum(map(_is_late, own)),
        )
        for own, reopened_at in zip(cycles, [*begins[1:], None], strict=True)
    )


def _where(own: Events) -> Columns:
    ticket = own[-1].ticket
    region = ticket["region"]
    return {
        "cycle": ticket["cycle"],
        "area": region[:6] if region[:1].isdigit() else region.split(":", 1)[0],
        "region": region,
        "grid": ticket["grid"] or "",
        "category": ticket["category"],
        "matter_class": ticket["matter_class"] or "",
        "urgency": ticket["urgency"],
        "channel": ticket["channel"],
        "state": ticket["state"],
        "end": ticket["end"] or "",
        "origin": ticket["origin"] or "",
    }


def _answering(own: Events) -> Columns:
    """Who resolved it, or held it last; a case that was imported closed is its agency's."""
    level, holder = "", ""
    for event in own:
        ticket, payload = event.ticket, event.payload
        if ticket["level"]:
            level, holder = ticket["level"], ticket["holder"] or ""
        elif isinstance(payload, e.TicketImported) and payload.holder:
            level, holder = payload.holder.level, payload.holder.unit
    resolved = _resolution(own)
    resolver = resolved.resolver if resolved else None
    named = (event.ticket["first_handler"] for event in reversed(own))
    return {
        "level": resolver.level.value if resolver else str(level),
        "holder": resolver.unit if resolver else holder,
        "first_handler": next(filter(None, named), ""),
        "outcome": resolved.outcome.value if resolved else "",
        "resolver_level": resolver.level.value if resolver else "",
        "resolver": resolver.unit if resolver else "",
    }


def _response(own: Events) -> Columns:
    step = next((event for event in own if event.ticket["state"] != State.PLACED), None)
    waiting = [event.ticket["stage_due"] for event in own if event.ticket["state"] == State.PLACED]
    return {
        "first_step": step.ticket["state"] if step else "",
        "respond_due": waiting[-1] if waiting else None,
        "responded_at": step.occurred_at if step else None,
    }


def _times(own: Events, events_in_all: int) -> Columns:
    ticket = own[-1].ticket
    return {
        "filed_at": ticket["placed_at"] if ticket["cycle"] == 1 else own[0].occurred_at,
        "resolve_due": ticket["resolve_due"],
        "broken_due": next(_broken_dues(own), None),
        "first_resolved_at": _at(_first(own, e.MatterResolved)),
        "resolved_at": ticket["resolved_at"],
        "closed_at": ticket["closed_at"],
        "suspended_at": _at(_last(own, e.TicketSuspended)) if ticket["suspended"] else None,
        "untouched": ticket["origin"] is not None and events_in_all == 1,
    }


def _survey(own: Events) -> Columns:
    answers = [event for event in own if isinstance(event.payload, e.OrderRated | e.RatingLapsed)]
    payload = answers[-1].payload if answers else None
    rating = payload if isinstance(payload, e.OrderRated) else None
    return {
        "surveyed_at": _at(answers[-1] if answers else None),
        "rated": rating is not None,
        "solved": rating is not None and rating.solved,
        "score": rating.score if rating else 0,
    }


def _emergency(own: Events) -> Columns:
    declared = _first(own, e.EmergencyDeclared)
    since = [event for event in own if declared and event.sequence > declared.sequence]
    return {
        "emergency_at": _at(declared),
        "emergency_response_at": _at(_first(since, e.ResponseLogged)),
        "emergency_over_at": _at(_first(since, e.EmergencyStoodDown)),
    }


def _broken_dues(own: Events) -> Iterator[datetime]:
    """Due times that had passed when they were moved; while it was suspended the clock stood still."""
    for n, (before, event) in enumerate(pairwise(own), start=1):
        known, ticket = before.ticket, event.ticket
        due = known["resolve_due"]
        if due is None or ticket["resolve_due"] == due or ticket["resolved_at"] or ticket["closed_at"]:
            continue
        held_still = _at(_last(own[:n], e.TicketSuspended)) if known["suspended"] else None
        if (known["resolved_at"] or known["closed_at"] or held_still or event.occurred_at) > due:
            yield due


def _microseconds_held(history: Events) -> Mapping[tuple[int, str], int]:
    """Sum, by cycle and level, the stretches from one event to the next."""
    held: dict[tuple[int, str], int] = {}
    for event, following in pairwise(history):
        level = _charged(event)
        if level and not event.ticket["suspended"]:
            stretch = max(0, (following.occurred_at - event.occurred_at) // _MICROSECOND)
            key = event.ticket["cycle"], level
            held[key] = held.get(key, 0) + stretch
    return held


def _held(own: Events, held: Mapping[tuple[int, str], int], *, over: bool) -> Columns:
    last = own[-1]
    holding = "" if over else _charged(last)
    names = dict.fromkeys(CHARGED.values())
    return {f"{name}_microseconds": held.get((last.ticket["cycle"], name), 0) for name in names} | {
        "holding": holding,
        "holding_since": last.occurred_at if holding and not last.ticket["suspended"] else None,
    }


def _charged(event: TicketEvent) -> str:
    ticket = event.ticket
    return "" if ticket["state"] in ENDED else CHARGED.get(ticket["level"] or "", "")


def _resolution(own: Events) -> e.MatterResolved | None:
    """What was said when it was resolved, as far as that stands."""
    last = _last(own, e.MatterResolved) if own[-1].ticket["resolved_at"] else None
    return last.payload if last and isinstance(last.payload, e.MatterResolved) else None


def _is_late(event: TicketEvent) -> bool:
    imported = isinstance(event.payload, e.TicketImported)
    happened = event.ticket["placed_at"] if imported else event.occurred_at
    return event.recorded_at > happened + LATE


def _counts(own: Events) -> Columns:
    return {name: sum(isinstance(event.payload, kind) for event in own) for name, kind in COUNTED.items()}


def _first(own: Events, kind: type[Payload]) -> TicketEvent | None:
    return next((event for event in own if isinstance(event.payload, kind)), None)


def _last(own: Events, kind: type[Payload]) -> TicketEvent | None:
    return _first(own[::-1], kind)


def _at(event: TicketEvent | None) -> datetime | None:
    return event.occurred_at if event else None
