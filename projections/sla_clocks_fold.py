"""From events to the clocks of their ticket: begun, moved, held still, stopped, begun again.

An event changes at most the clock of the whole matter and the newest clock of a stage; those two are all
that has to be known of the ticket's past. Who is charged and where a clock ran stay as they were when it
stopped.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from domain.errors import Poison
from domain.vocabulary import ENDED, STAGE_CLOCK, ClockKind, State
from projections.raw_event import RawEvent, area_of, moment, place_of
from projections.sla_clocks import ClockRow

_STAGE_CLOCK: Mapping[str, ClockKind] = {
    **{state.value: kind for state, kind in STAGE_CLOCK.items()},
    State.FED_BACK.value: ClockKind.RATING,
}


class Running(NamedTuple):
    """The two clocks of a ticket that its next event may change."""

    resolve: ClockRow
    """Of the present cycle; its `version` is the version that the ticket's clocks are at."""
    stage: ClockRow | None
    """The newest of a stage; stopped when the ticket is in a stage without a limit."""

    @property
    def version(self) -> int:
        """The sequence of the newest event that was applied."""
        return self.resolve.version


def advance(known: Running | None, event: RawEvent) -> tuple[Running, tuple[ClockRow, ...]]:
    """Give the clocks after `event`, and the rows that it changed; raises Poison."""
    try:
        resolve, retired = _resolve_clock(known.resolve if known else None, event)
        stage, left = _stage_clock(known.stage if known else None, event)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Poison(
            f"ticket {event.number}, version {event.sequence}: {type(error).__name__}: {error}"
        ) from error
    changed = [resolve, *retired, *left]
    if stage is not None and (known is None or stage is not known.stage):
        changed.append(stage)
    return Running(resolve, stage), tuple(changed)


def _resolve_clock(known: ClockRow | None, event: RawEvent) -> tuple[ClockRow, list[ClockRow]]:
    ticket = event.ticket
    stop = moment(ticket["resolved_at"]) or moment(ticket["closed_at"])
    due = moment(ticket["resolve_due"])
    if stop is None and ticket["state"] in ENDED:
        due = None
    retired = []
    if known is not None and known.cycle != ticket["cycle"]:
        retired.append(_retire(known, event))
        known = None
    if known is None:
        start = event.at if ticket["cycle"] > 1 else datetime.fromisoformat(ticket["placed_at"])
        row = _begin(ClockKind.RESOLVE, start, due, event)
    elif not stop and _comes_too_late(known, due, event):
        retired.append(_retire(known, event))
        row = _begin(ClockKind.RESOLVE, known.started_at, due, event)
    else:
        row = known if stop else _run_on(known, due, event)
    return (_stop(row, stop, event) if stop else row), retired


def _stage_clock(known: ClockRow | None, event: RawEvent) -> tuple[ClockRow | None, list[ClockRow]]:
    ticket = event.ticket
    clock = _STAGE_CLOCK.get(ticket["state"])
    due = moment(ticket["rating_due"] if clock is ClockKind.RATING else ticket["stage_due"])
    if known is not None and known.clock == clock and _goes_on(known, event):
        if _comes_too_late(known, due, event):
            return _begin(clock, known.started_at, due, event), [_retire(known, event)]
        return _run_on(known, due, event), []
    left = _stop(known, event.at, event) if known else None
    if clock is None or due is None:
        return left, []
    begun = _begin(clock, datetime.fromisoformat(ticket["stage_entered_at"]), due, event)
    return begun, [_retire(left, event)] if left else []


def _goes_on(row: ClockRow, event: RawEvent) -> bool:
    """Whether the stage is the same one, perhaps after a merge that was undone."""
    return row.cycle == event.ticket["cycle"] and (row.stopped_at is None or _is_unmerged(event))


def _comes_too_late(row: ClockRow, due: datetime | None, event: RawEvent) -> bool:
    """Whether the limit is moved after it has passed: the breach stays, a further run has the new one."""
    stood_still = row.stopped_at or row.suspended_at or event.at
    return row.due_at is not None and due != row.due_at and stood_still > row.due_at


def _is_unmerged(event: RawEvent) -> bool:
    return event.kind == "tickets-unmerged" and event.data["child"] == event.number


def _begin(clock: ClockKind, start: datetime, due: datetime | None, event: RawEvent) -> ClockRow:
    ticket = event.ticket
    level, unit = _charged(event)
    return ClockRow(
        number=event.number,
        cycle=ticket["cycle"],
        clock=clock.value,
        run=event.sequence,
        version=event.sequence,
        current=True,
        area=area_of(ticket),
        place=place_of(ticket),
        region=ticket["region"],
        category=ticket["category"],
        matter_class=ticket["matter_class"],
        level=level,
        holder=unit,
        started_at=start,
        due_at=due,
        stopped_at=None,
        suspended_at=event.at if ticket["suspended"] else None,
        kept=due is None,
        origin=ticket["origin"],
        source_id=ticket["source_id"],
    )


def _run_on(row: ClockRow, due: datetime | None, event: RawEvent) -> ClockRow:
    """The clock runs (again), with what the ticket says now."""
    ticket = event.ticket
    level, unit = _charged(event)
    return row._replace(
        version=event.sequence,
        place=place_of(ticket),
        region=ticket["region"],
        category=ticket["category"],
        matter_class=ticket["matter_class"],
        level=level,
        holder=unit,
        due_at=due,
        stopped_at=None,
        suspended_at=(row.suspended_at or event.at) if ticket["suspended"] else None,
        kept=due is None,
    )


def _stop(row: ClockRow, at: datetime, event: RawEvent) -> ClockRow:
    """Stop it, at the moment since which it has stood still if it was suspended."""
    is_resolve = row.clock == ClockKind.RESOLVE
    if row.stopped_at is not None:
        return row._replace(version=event.sequence) if is_resolve else row
    stopped = row.suspended_at or at
    return row._replace(
        version=event.sequence,
        stopped_at=stopped,
        suspended_at=None,
        kept=row.due_at is None or stopped <= row.due_at,
    )


def _retire(row: ClockRow, event: RawEvent) -> ClockRow:
    """The ticket's later events do not touch it any more."""
    return _stop(row, event.at, event)._replace(version=event.sequence, current=False)


def _charged(event: RawEvent) -> tuple[str | None, str | None]:
    """The holder; a closed ticket that was imported has none, and is its agency's."""
    ticket = event.ticket
    if ticket["holder"] is None and isinstance(holder := event.data.get("holder"), Mapping):
        return holder["level"], holder["unit"]
    return ticket["level"], ticket["holder"]
