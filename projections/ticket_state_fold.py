"""From an event to the row of its ticket: the summary after the event, and the little it does not carry."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from domain.categories import category_name
from domain.errors import Poison
from domain.vocabulary import ENDED
from projections.raw_event import RawEvent, area_of, moment, place_of
from projections.ticket_state import TicketRow

_ODD = (KeyError, TypeError, ValueError, AttributeError)


class Carried(NamedTuple):
    """What a row keeps from earlier events because no later summary repeats it; names as in `TicketRow`."""

    version: int
    category: str
    category_text: str
    outcome: str | None
    solved: bool | None
    score: int | None
    parent: str | None
    extension_until: datetime | None
    escalated_to: str | None
    suspended_at: datetime | None


def advance(known: Carried | None, event: RawEvent) -> tuple[TicketRow, Carried]:
    """Give the row after `event`, and what the next event needs of it; raises Poison."""
    carried = carry(known, event)
    try:
        return _row(event, carried), carried
    except _ODD as error:
        raise _poison(event, error) from error


def carry(known: Carried | None, event: RawEvent) -> Carried:
    """Give what the next event needs, without the row; raises Poison."""
    try:
        return _carry(known, event)
    except _ODD as error:
        raise _poison(event, error) from error


def _poison(event: RawEvent, error: Exception) -> Poison:
    return Poison(f"ticket {event.number}, version {event.sequence}: {type(error).__name__}: {error}")


def _carry(known: Carried | None, event: RawEvent) -> Carried:
    ticket = event.ticket
    category = ticket["category"]
    same = known is not None and known.category == category
    base = known or Carried(0, category, "", None, None, None, None, None, None, None)
    ended = ticket["state"] in ENDED
    fresh = Carried(
        version=event.sequence,
        category=category,
        category_text=base.category_text if same else category_name(category),
        outcome=base.outcome,
        solved=base.solved,
        score=base.score,
        parent=base.parent,
        extension_until=None if ended else base.extension_until,
        escalated_to=base.escalated_to,
        suspended_at=(base.suspended_at or event.at) if ticket["suspended"] else None,
    )
    change = _CHANGES.get(event.kind)
    return change(fresh, event) if change else fresh


def _row(event: RawEvent, carried: Carried) -> TicketRow:
    ticket = event.ticket
    state = ticket["state"]
    return TicketRow(
        event.number,
        event.sequence,
        area_of(ticket),
        place_of(ticket),
        ticket["region"],
        ticket["grid"],
        carried.category,
        carried.category_text,
        ticket["matter_class"],
        ticket["urgency"],
        ticket["channel"],
        state,
        state not in ENDED,
        ticket["level"],
        ticket["holder"],
        ticket["first_handler"],
        ticket["cycle"],
        datetime.fromisoformat(ticket["placed_at"]),
        datetime.fromisoformat(ticket["stage_entered_at"]),
        moment(ticket["stage_due"]),
        moment(ticket["resolve_due"]),
        moment(ticket["rating_due"]),
        moment(ticket["resolved_at"]),
        moment(ticket["closed_at"]),
        event.at,
        ticket["suspended"],
        carried.suspended_at,
        ticket["emergency"],
        ticket["returns"],
        ticket["end"],
        carried.outcome,
        carried.solved,
        carried.score,
        carried.parent,
        carried.extension_until,
        carried.escalated_to,
        ticket["origin"],
        ticket["source_id"],
    )


def _imported(row: Carried, event: RawEvent) -> Carried:
    return row._replace(category_text=_text(event, "category_text"))


def _resolved(row: Carried, event: RawEvent) -> Carried:
    return row._replace(outcome=_text(event, "outcome"), extension_until=None)


def _rework(row: Carried, _: RawEvent) -> Carried:
    return row._replace(outcome=None)


def _rated(row: Carried, event: RawEvent) -> Carried:
    solved, score = event.data["solved"], event.data["score"]
    if not isinstance(solved, bool) or not isinstance(score, int):
        raise TypeError("not a rating")
    return row._replace(solved=solved, score=score)


def _reopened(row: Carried, _: RawEvent) -> Carried:
    return row._replace(outcome=None, solved=None, score=None, escalated_to=None)


def _merged(row: Carried, event: RawEvent) -> Carried:
    return row._replace(parent=_text(event, "parent")) if event.data["child"] == event.number else row


def _unmerged(row: Carried, event: RawEvent) -> Carried:
    return row._replace(parent=None) if event.data["child"] == event.number else row


def _extension_asked(row: Carried, event: RawEvent) -> Carried:
    return row._replace(extension_until=moment(_text(event, "until")))


def _extension_decided(row: Carried, _: RawEvent) -> Carried:
    return row._replace(extension_until=None)


def _escalated(row: Carried, event: RawEvent) -> Carried:
    return row._replace(escalated_to=_text(event, "to_level"))


_CHANGES: Mapping[str, Callable[[Carried, RawEvent], Carried]] = {
    "ticket-imported": _imported,
    "matter-resolved": _resolved,
    "rework-ordered": _rework,
    "order-rated": _rated,
    "ticket-reopened": _reopened,
    "tickets-merged": _merged,
    "tickets-unmerged": _unmerged,
    "extension-requested": _extension_asked,
    "extension-granted": _extension_decided,
    "extension-refused": _extension_decided,
    "ticket-escalated": _escalated,
}


def _text(event: RawEvent, name: str) -> str:
    value = event.data[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not text")
    return value
