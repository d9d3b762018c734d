"""The clocks of a ticket, folded from its events alone.

One clock runs for the whole matter in each cycle, one for every order that is waited for, one for the
rating. An order that comes again, after a return or a rework, is a further run of its clock with a limit of
its own; the matter's clock runs on through all of them. Only a suspension pauses. A rework and an unmerging
let a stopped clock run on as if it had never stopped; a reopening begins a new cycle with new clocks. Every
stretch is charged to the level and the unit that held the ticket, so that ping-pong shows as time per level.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain import events as e
from domain.deadlines import Allowance, Deadlines
from domain.regions import Region
from domain.ticket import Span
from domain.ticket_event import TicketEvent
from domain.vocabulary import ENDED, STAGE_CLOCK, ClockKind, State, Unit


@dataclass(frozen=True, slots=True)
class Term:
    """What held for a clock from one of its ticket's events on."""

    since: datetime
    because: str
    """The kind of event, for example `extension-granted`."""
    due: datetime | None
    """None where nobody knows, as of a ticket that was imported closed without a date."""
    start: datetime
    """From when the limit is counted: the clock's start, or the declaration of an emergency."""
    amount: int | None
    unit: Unit | None
    """None where the due time was stated by another system: plain time."""
    thresholds: tuple[int, ...]
    policy: str | None
    calendar: str | None
    provisional: bool
    region: Region


@dataclass(frozen=True, slots=True)
class Charge:
    """Who held the ticket from when until when (None: still)."""

    level: str | None
    unit: str | None
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A suspension (`end` None: it lasts) and why."""

    start: datetime
    end: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Clock:
    """One run of one clock."""

    number: str
    kind: ClockKind
    cycle: int
    run: int
    """The sequence of the event that it began with."""
    started_at: datetime
    terms: tuple[Term, ...]
    charges: tuple[Charge, ...]
    pauses: tuple[Pause, ...] = ()
    stopped_at: datetime | None = None
    """When it was met or the ticket ended; None while it runs, and where nobody knows."""
    stopped_by: str | None = None
    gaps: tuple[Span, ...] = ()
    """When it had been stopped but later ran on as if it had not."""

    @property
    def due(self) -> datetime | None:
        """The due time by the newest term."""
        return self.terms[-1].due

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What names this clock for ever: ticket, kind, cycle and run."""
        return self.number, self.kind.value, self.cycle, self.run


@dataclass(frozen=True, slots=True)
class Clocks:
    """All clocks of one ticket after an event, in the order in which they began."""

    done: tuple[Clock, ...] = ()
    """Clocks that no event can touch any more."""
    resolve: Clock | None = None
    order: Clock | None = None
    """The newest clock of an order or of the rating; it may have stopped."""
    deadlines: Deadlines | None = field(default=None, repr=False)
    """What the newest event that stated deadlines said."""

    @property
    def all(self) -> tuple[Clock, ...]:
        """Every clock, in the order in which they began."""
        open_ones = [clock for clock in (self.resolve, self.order) if clock is not None]
        return tuple(sorted((*self.done, *open_ones), key=lambda clock: (clock.run, clock.kind != "resolve")))


def clocks_of(events: Iterable[TicketEvent]) -> tuple[Clock, ...]:
    """Fold a ticket's events into its clocks."""
    known = Clocks()
    for event in events:
        known = advance(known, event)
    return known.all


def advance(known: Clocks, event: TicketEvent) -> Clocks:
    """Give the clocks after one more event."""
    stated = getattr(event.payload, "deadlines", None) or known.deadlines
    done = known.done
    resolve = known.resolve
    if resolve is not None and resolve.cycle != event.ticket["cycle"]:
        done, resolve = (*done, _stop(resolve, event)), None
    resolve = _resolve_clock(resolve, stated, event)
    order = known.order
    if order is not None and _ends_order(event):
        done, order = (*done, _stop(order, event)), None
    return Clocks(done, resolve, _order_clock(order, stated, event), stated)


def _resolve_clock(known: Clock | None, stated: Deadlines | None, event: TicketEvent) -> Clock:
    ticket = event.ticket
    stopped = ticket["resolved_at"] or ticket["closed_at"]
    due = None if stopped is None and ticket["state"] in ENDED else ticket["resolve_due"]
    allowance = stated.resolve_clock if stated else None
    if known is None:
        start = event.occurred_at if ticket["cycle"] > 1 else ticket["placed_at"]
        known = _begin(ClockKind.RESOLVE, start, due, allowance, stated, event)
    if stopped is not None:
        return _stop(known, event, stopped)
    return _run_on(known, due, allowance, stated, event)


def _order_clock(known: Clock | None, stated: Deadlines | None, event: TicketEvent) -> Clock | None:
    ticket = event.ticket
    kind = ClockKind.RATING if ticket["state"] == State.FED_BACK else _ORDER_CLOCK.get(ticket["state"])
    rating = kind is ClockKind.RATING
    due = ticket["rating_due"] if rating else ticket["stage_due"]
    if kind is None or due is None:
        return _stop(known, event) if known else None
    allowance = (stated.rating_clock if rating else stated.stage_clock) if stated else None
    if known is None:
        known = _begin(kind, ticket["stage_entered_at"], due, allowance, stated, event)
    return _run_on(known, due, allowance, stated, event)


_ORDER_CLOCK = {state.value: kind for state, kind in STAGE_CLOCK.items()}


def _ends_order(event: TicketEvent) -> bool:
    """Whether the order that ran before is not the one that runs after; a merge only interrupts it."""
    return isinstance(event.payload, e.Moved) and not isinstance(event.payload, e.OrderTransferred)


def _begin(
    kind: ClockKind,
    start: datetime,
    due: datetime | None,
    allowance: Allowance | None,
    stated: Deadlines | None,
    event: TicketEvent,
) -> Clock:
    level, unit = _holder(event)
    return Clock(
        number=event.number,
        kind=kind,
        cycle=event.ticket["cycle"],
        run=event.sequence,
        started_at=start,
        terms=(_term(start, due, allowance, stated, event),),
        charges=(Charge(level, unit, start),),
    )


def _run_on(
    clock: Clock,
    due: datetime | None,
    allowance: Allowance | None,
    stated: Deadlines | None,
    event: TicketEvent,
) -> Clock:
    """The clock runs (again): with the due time, the holder and the pause that the event leaves it with."""
    changes: dict[str, object] = {}
    term = _term(clock.started_at, due, allowance, stated, event)
    last = clock.terms[-1]
    if isinstance(event.payload, e.TicketResumed) or _said(term) != _said(last):
        changes["terms"] = (*clock.terms, term)
    level, unit = _holder(event)
    holding = clock.charges[-1]
    if (holding.level, holding.unit) != (level, unit):
        ended = replace(holding, end=event.occurred_at)
        changes["charges"] = (*clock.charges[:-1], ended, Charge(level, unit, event.occurred_at))
    if isinstance(event.payload, e.TicketSuspended):
        changes["pauses"] = (*clock.pauses, Pause(event.occurred_at, None, event.payload.reason))
    elif not event.ticket["suspended"]:
        changes["pauses"] = _ended(clock.pauses, event.occurred_at)
    if clock.stopped_at is not None:
        gap = Span(clock.stopped_at, event.occurred_at)
        changes.update(stopped_at=None, stopped_by=None, gaps=(*clock.gaps, gap))
    return replace(clock, **changes)  # type: ignore[arg-type]  # the names are fields of Clock


def _said(term: Term) -> tuple[object, ...]:
    """What a term says, apart from when and why it was said."""
    return (
        term.due, term.start, term.amount, term.unit, term.thresholds, term.policy, term.calendar,
        term.provisional,
    )  # fmt: skip


def _stop(clock: Clock, event: TicketEvent, at: datetime | None = None) -> Clock:
    """Stop it, at the latest when it was suspended; what has stopped stays stopped."""
    if clock.stopped_at is not None:
        return clock
    stopped = at or event.occurred_at
    if clock.pauses and clock.pauses[-1].end is None:
        stopped = min(stopped, clock.pauses[-1].start)
    return replace(
        clock,
        stopped_at=stopped,
        stopped_by=event.payload.TYPE,
        pauses=_ended(clock.pauses, event.occurred_at),
    )


def _ended(pauses: tuple[Pause, ...], at: datetime) -> tuple[Pause, ...]:
    if not pauses or pauses[-1].end is not None:
        return pauses
    return (*pauses[:-1], replace(pauses[-1], end=at))


def _term(
    start: datetime,
    due: datetime | None,
    allowance: Allowance | None,
    stated: Deadlines | None,
    event: TicketEvent,
) -> Term:
    policy, calendar = (stated.policy, stated.calendar) if stated else (None, None)
    return Term(
        since=event.occurred_at,
        because=event.payload.TYPE,
        due=due,
        start=allowance.start if allowance else start,
        amount=allowance.amount if allowance else None,
        unit=allowance.unit if allowance else None,
        thresholds=tuple(allowance.thresholds) if allowance else (100,),
        policy=(allowance.policy if allowance else None) or policy,
        calendar=(allowance.calendar if allowance else None) or calendar,
        provisional=bool(allowance.provisional) if allowance else False,
        region=Region(event.ticket["region"]),
    )


def _holder(event: TicketEvent) -> tuple[str | None, str | None]:
    """Who is charged; a ticket that was imported closed is its agency's."""
    ticket = event.ticket
    if ticket["holder"] is None and isinstance(event.payload, e.TicketImported) and event.payload.holder:
        return event.payload.holder.level, event.payload.holder.unit
    return ticket["level"], ticket["holder"]
