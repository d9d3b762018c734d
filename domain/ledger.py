"""The ledger of a clock: every stretch of its time, counted or not, with the sum so far.

With it a resident recomputes a due time with a pencil: begin at the start, add up what is counted, and
where the sum reaches the limit (with what extensions added) stands the due time.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from domain.clock_times import working_time
from domain.clocks import Clock, Pause, Term
from domain.rulebook import Rulebook
from domain.time_intervals import Interval, IntervalKind, intervals
from domain.vocabulary import Unit
from domain.working_time import WorkingTime


class Line(NamedTuple):
    """One stretch of a clock's time."""

    kind: IntervalKind
    zh: str
    en: str
    counted: bool
    start: datetime
    end: datetime
    level: str | None
    unit: str | None
    """Who held the ticket."""
    counted_seconds: float
    sum_seconds: float
    """All that was counted up to the end of this line."""
    sum_amount: float
    """The same in the unit of the limit, for example working days; hours where there is none."""
    ahead: bool
    """Whether it lies after the moment of the explanation, or after the clock stopped."""


class Ledger(NamedTuple):
    """How a clock's due time comes about, by one of its terms."""

    term: Term
    due: datetime | None
    extended_amount: float
    """What extensions and revisions added to the limit, in its unit."""
    lines: tuple[Line, ...]


def ledger(clock: Clock, as_of: datetime, book: Rulebook, *, term: Term | None = None) -> Ledger:
    """Account for a clock's time by its newest term (or another one of its), until now and its due time.

    A clock that is suspended is accounted for until now: its due time moves on until it is resumed.
    """
    chosen = term or clock.terms[-1]
    time = working_time(chosen, book)
    clock = _without_last_hold(clock)
    end = min(as_of, clock.stopped_at) if clock.stopped_at else as_of
    last = end if _is_paused(clock, end) else max(end, chosen.due or end)
    lines = tuple(_lines(clock, chosen, time, end, last))
    return Ledger(chosen, chosen.due, _added(chosen, lines), lines)


def _without_last_hold(clock: Clock) -> Clock:
    """A ticket that ended while suspended has stopped its clock when it was suspended: no time was held."""
    stopped = clock.stopped_at
    if stopped is None:
        return clock
    return replace(clock, pauses=tuple(pause for pause in clock.pauses if pause.start < stopped))


def _is_paused(clock: Clock, at: datetime) -> bool:
    return any(pause.start < at and (pause.end is None or at < pause.end) for pause in clock.pauses)


def _lines(clock: Clock, term: Term, time: WorkingTime, end: datetime, last: datetime) -> Iterator[Line]:
    total_seconds, total_ticks = 0.0, 0
    one = time.ticks(1, term.unit or Unit.URGENT_WORKING_HOUR)
    for interval in _pieces(clock, term, time, end, last):
        seconds, ticks = 0.0, 0
        if interval.counted:
            seconds = (interval.end - interval.start).total_seconds()
            ticks = time.measure(interval.start, interval.end, term.unit)
        total_seconds, total_ticks = total_seconds + seconds, total_ticks + ticks
        level, unit = _holder(clock, interval.start)
        yield Line(*interval, level, unit, seconds, total_seconds, total_ticks / one, interval.start >= end)


def _pieces(clock: Clock, term: Term, time: WorkingTime, end: datetime, last: datetime) -> Iterator[Interval]:
    """Cut the clock's time where its holder, its pauses, its due time and the present are."""
    cuts = {term.start, end, last, *(charge.start for charge in clock.charges)}
    cuts |= {at for pause in clock.pauses for at in (pause.start, pause.end or last)}
    if term.due is not None:
        cuts.add(term.due)
    edges = sorted(cut for cut in cuts if term.start <= cut <= last)
    for start, stop in pairwise(edges):
        pause = _pause_at(clock, start)
        if pause is not None:
            yield Interval(
                IntervalKind.SUSPENDED,
                f"挂起：{pause.reason}",
                f"suspended: {pause.reason}",
                False,
                start,
                stop,
            )
        else:
            yield from intervals(time.calendar, start, stop, term.unit)


def _pause_at(clock: Clock, at: datetime) -> Pause | None:
    return next(
        (pause for pause in clock.pauses if pause.start <= at and (pause.end is None or at < pause.end)), None
    )


def _holder(clock: Clock, at: datetime) -> tuple[str | None, str | None]:
    held = [charge for charge in clock.charges if charge.start <= at] or clock.charges[:1]
    return held[-1].level, held[-1].unit


def _added(term: Term, lines: tuple[Line, ...]) -> float:
    """How far the sum at the due time is from the limit."""
    if term.due is None or term.amount is None:
        return 0.0
    at_due = [line.sum_amount for line in lines if line.end <= term.due]
    return (at_due[-1] if at_due else 0.0) - term.amount
