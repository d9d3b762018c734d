"""Who answers for a broken limit: which unit held the ticket how long, and through whose hands it went.

The ticket's time on a clock is charged to whoever held it, stretch by stretch; a return or a transfer begins
a new one. Rating is the resident's own time: nobody answers for it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain import events as e
from domain.clock_times import breached_at, counted_seconds, held_by
from domain.clocks import Clock, Term, clocks_of
from domain.rulebook import Rulebook
from domain.ticket_event import TicketEvent
from domain.vocabulary import ClockKind, Unit


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HoldersShare(_Frozen):
    """What one unit at one level took of a clock, all its stretches together."""

    level: str | None
    unit: str | None
    stretches: int = Field(description="How often it came to them: 2 and more after a return")
    counted_seconds: float = Field(description="Time that counts on this clock")
    plain_seconds: float = Field(description="All time, nights and suspensions included")
    late_counted_seconds: float = Field(description="Of the counted time, what lay after the limit")
    late_plain_seconds: float
    share: float | None = Field(description="Counted time as a part of the limit")


class BrokenLimit(_Frozen):
    """One run of one clock whose limit passed."""

    clock: ClockKind
    cycle: int
    run: int
    amount: int | None
    unit: Unit | None
    limit_seconds: float = Field(description="The limit with its extensions, in time that counts")
    counted_from: AwareDatetime = Field(description="The clock's start, or an emergency's declaration")
    breached_at: AwareDatetime = Field(description="The due time that passed")
    stopped_at: AwareDatetime | None = Field(description="When it was met after all")
    overdue_seconds: float = Field(description="Plain time until it was met, given a later due time, or now")
    level_at_breach: str | None = Field(description="Who held the ticket when the limit passed")
    unit_at_breach: str | None
    held: tuple[HoldersShare, ...] = Field(description="In the order in which it came to them")


class FirstHandler(_Frozen):
    """Who was named first handler 第一经办人, and since when."""

    first_handler: str
    level: str | None
    unit: str | None
    since: AwareDatetime


class Handover(_Frozen):
    """A return, a transfer or a rework: from whom to whom, and why."""

    kind: str = Field(examples=["order-returned"])
    at: AwareDatetime
    by: str
    from_level: str | None
    from_unit: str | None
    to_level: str | None
    to_unit: str | None
    reason: str


class Accountability(_Frozen):
    """What a ticket's broken limits come down to."""

    number: str
    version: int
    as_of: AwareDatetime
    breaches: tuple[BrokenLimit, ...]
    first_handlers: tuple[FirstHandler, ...]
    handovers: tuple[Handover, ...]


def account_for(history: Sequence[TicketEvent], as_of: datetime, book: Rulebook) -> Accountability:
    """Say who answers for what, from a ticket's events up to `as_of`."""
    last = history[-1]
    return Accountability(
        number=last.number,
        version=last.sequence,
        as_of=as_of,
        breaches=tuple(_breaches(clocks_of(history), as_of, book)),
        first_handlers=tuple(_first_handlers(history)),
        handovers=tuple(_handovers(history)),
    )


def _breaches(clocks: Iterable[Clock], as_of: datetime, book: Rulebook) -> Iterator[BrokenLimit]:
    for clock in clocks:
        passed = None if clock.kind is ClockKind.RATING else breached_at(clock, as_of, book)
        if passed is not None:
            yield _broken(clock, passed, as_of, book)


def _broken(clock: Clock, passed: datetime, as_of: datetime, book: Rulebook) -> BrokenLimit:
    term, end = _term(clock, passed), _end(clock, passed, as_of)
    limit = counted_seconds(clock, term, term.start, passed, book)
    holder = next((one for one in reversed(clock.charges) if one.start <= passed), clock.charges[0])
    return BrokenLimit(
        clock=clock.kind,
        cycle=clock.cycle,
        run=clock.run,
        amount=term.amount,
        unit=term.unit,
        limit_seconds=limit,
        counted_from=term.start,
        breached_at=passed,
        stopped_at=clock.stopped_at,
        overdue_seconds=(end - passed).total_seconds(),
        level_at_breach=holder.level,
        unit_at_breach=holder.unit,
        held=tuple(_shares(clock, term, passed, end, limit, book)),
    )


def _term(clock: Clock, passed: datetime) -> Term:
    """What held when the limit passed."""
    return next((term for term in clock.terms if term.due == passed), clock.terms[-1])


def _end(clock: Clock, passed: datetime, as_of: datetime) -> datetime:
    """Until when it was overdue: until it was met, suspended, or given a later due time after all."""
    ends = [clock.stopped_at, as_of]
    ends += [pause.start for pause in clock.pauses if pause.end is None]
    ends += [one.since for one in clock.terms if one.since > passed and one.due and one.due > passed]
    return max(passed, min(end for end in ends if end is not None))


def _shares(
    clock: Clock, term: Term, passed: datetime, end: datetime, limit: float, book: Rulebook
) -> Iterator[HoldersShare]:
    held: dict[tuple[str | None, str | None], list[tuple[datetime, datetime]]] = {}
    for stretch in held_by(clock, end, book):
        start = max(stretch.start, term.start)
        if start < stretch.end:
            held.setdefault((stretch.level, stretch.unit), []).append((start, stretch.end))
    for (level, unit), spans in held.items():
        late = [(max(start, passed), stop) for start, stop in spans if stop > passed]
        counted = sum(counted_seconds(clock, term, *span, book) for span in spans)
        yield HoldersShare(
            level=level,
            unit=unit,
            stretches=len(spans),
            counted_seconds=counted,
            plain_seconds=_plain(spans),
            late_counted_seconds=sum(counted_seconds(clock, term, *span, book) for span in late),
            late_plain_seconds=_plain(late),
            share=counted / limit if limit else None,
        )


def _plain(spans: Iterable[tuple[datetime, datetime]]) -> float:
    return sum((end - start).total_seconds() for start, end in spans)


def _first_handlers(history: Iterable[TicketEvent]) -> Iterator[FirstHandler]:
    for event in history:
        if isinstance(event.payload, e.OrderAccepted | e.FirstHandlerAssigned):
            yield FirstHandler(
                first_handler=event.payload.first_handler,
                level=event.ticket["level"],
                unit=event.ticket["holder"],
                since=event.occurred_at,
            )


def _handovers(history: Sequence[TicketEvent]) -> Iterator[Handover]:
    for before, event in pairwise(history):
        if isinstance(event.payload, e.OrderReturned | e.OrderTransferred | e.ReworkOrdered):
            yield Handover(
                kind=event.payload.TYPE,
                at=event.occurred_at,
                by=event.actor.id,
                from_level=before.ticket["level"],
                from_unit=before.ticket["holder"],
                to_level=event.ticket["level"],
                to_unit=event.ticket["holder"],
                reason=event.payload.reason,
            )
