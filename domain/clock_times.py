"""What a clock's terms mean in time: when its thresholds are reached, and who held it for how long.

A threshold that was reached under the terms of its time stays reached: a later extension, revision or
suspension does not shift it. It is dated by when the share of the limit was used up, never by when
somebody looked. Reaching it exactly when the clock stops or pauses is not yet passing it.
"""

from datetime import datetime
from typing import NamedTuple

from domain.clocks import Clock, Pause, Term
from domain.rulebook import Rulebook
from domain.vocabulary import Unit
from domain.working_time import WorkingTime


class Threshold(NamedTuple):
    """A share of a clock's limit and when it is used up."""

    percent: int
    """100 is the due time itself."""
    at: datetime
    known_at: datetime
    """From when it holds: `at`, or when later an event made it so."""


class HeldBy(NamedTuple):
    """How long one level and unit held a ticket on one clock, in one stretch."""

    level: str | None
    unit: str | None
    start: datetime
    end: datetime
    counted_seconds: float
    """Of the time that counts on this clock: pauses, and by its unit nights and holidays, left out."""


def thresholds(clock: Clock, book: Rulebook) -> tuple[Threshold, ...]:
    """Give the thresholds that a clock has reached or, if nothing more happens, will reach, in order.

    None are given that lie at or after the clock's end, nor any beyond a suspension that lasts.
    """
    reached: dict[int, Threshold] = {}
    for index, term in enumerate(clock.terms):
        following = clock.terms[index + 1].since if index + 1 < len(clock.terms) else clock.stopped_at
        halts = [pause.start for pause in clock.pauses if pause.start >= term.since]
        ends = [end for end in (following, *halts) if end is not None]
        for percent, at in _moments(clock, term, book):
            if percent not in reached and all(at < end for end in ends):
                reached[percent] = Threshold(percent, at, _known_at(clock, term, at))
    return tuple(sorted(reached.values()))


def breached_at(clock: Clock, as_of: datetime, book: Rulebook) -> datetime | None:
    """When the clock's limit passed, if it had as of a moment; the boundary itself is in time."""
    for threshold in thresholds(clock, book):
        if threshold.percent == 100 and threshold.at < as_of:
            return threshold.at
    return None


def held_by(clock: Clock, as_of: datetime, book: Rulebook) -> tuple[HeldBy, ...]:
    """Give every stretch in which somebody held the ticket while the clock ran, until it stopped."""
    end = min(as_of, clock.stopped_at) if clock.stopped_at else as_of
    term = clock.terms[-1]
    found = []
    for charge in clock.charges:
        first, last = max(charge.start, clock.started_at), min(charge.end or end, end)
        if first < last:
            seconds = counted_seconds(clock, term, first, last, book)
            found.append(HeldBy(charge.level, charge.unit, first, last, seconds))
    return tuple(found)


def counted_seconds(clock: Clock, term: Term, start: datetime, end: datetime, book: Rulebook) -> float:
    """How much of a stretch of time counts on a clock, in seconds of its unit."""
    time, unit = working_time(term, book), term.unit or Unit.URGENT_WORKING_HOUR
    paused = sum(
        time.between(max(start, pause.start), min(end, pause.end or end), unit) for pause in clock.pauses
    )
    return time.between(start, end, unit) - paused


def working_time(term: Term, book: Rulebook) -> WorkingTime:
    """Give the arithmetic of the calendar that a term names; raises Refused when it is not known here."""
    if term.calendar is not None:
        return book.working_time(term.calendar, term.region)
    return book.in_force(term.since).working_time(term.region)


def _moments(clock: Clock, term: Term, book: Rulebook) -> list[tuple[int, datetime]]:
    """When each of a term's thresholds is reached by what was known when the term began."""
    if term.due is None:
        return []
    pauses = [
        pause for pause in clock.pauses if pause.start >= term.start and (pause.end or term.due) <= term.since
    ]
    time = working_time(term, book)
    before = [pause for pause in pauses if pause.start <= term.due]
    total = time.measure(term.start, term.due, term.unit) - sum(
        time.measure(pause.start, pause.end, term.unit) for pause in before if pause.end
    )
    if total <= 0:
        return [(100, term.due)]
    after = [pause for pause in pauses if pause.start > term.due]
    return [
        (percent, _moment(percent, total, term, term.due, before, after, time)) for percent in term.thresholds
    ]


def _moment(
    percent: int,
    total: int,
    term: Term,
    due: datetime,
    before: list[Pause],
    after: list[Pause],
    time: WorkingTime,
) -> datetime:
    if percent == 100:
        return due
    start, share, pauses = (
        (term.start, total * percent // 100, before)
        if percent < 100
        else (due, total * (percent - 100) // 100, after)
    )
    at = time.add_ticks(start, share, term.unit).at
    for pause in pauses:
        if pause.end is not None and pause.start <= at:
            at = time.shift(at, pause.start, pause.end, term.unit).at
    return at


def _known_at(clock: Clock, term: Term, at: datetime) -> datetime:
    """Not before the term was stated, nor while the clock had stopped and only later ran on."""
    known = max(at, term.since)
    for gap in clock.gaps:
        if gap.start <= known < gap.end:
            known = gap.end
    return known
