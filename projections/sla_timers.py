"""When something has to be said about a ticket's clocks: from its events alone, for the past and to come."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from domain.clock_times import Threshold, thresholds
from domain.clocks import Clock, Clocks, advance
from domain.rulebook import Rulebook
from domain.ticket_event import TicketEvent
from domain.vocabulary import ClockKind
from projections.sla_announcements import Announcement, Facts, Key

PROJECTION = "sla-timers"
VERSION = 1


class Step(NamedTuple):
    """The ticket after one of its events, as far as an announcement speaks of it."""

    at: datetime
    version: int
    state: str
    region: str
    category: str
    matter_class: str | None


class History(NamedTuple):
    """What is kept of a ticket's events."""

    number: str
    origin: str | None
    source_id: str | None
    clocks: Clocks
    steps: tuple[Step, ...]

    @property
    def version(self) -> int:
        """The sequence of the newest event."""
        return self.steps[-1].version

    @property
    def untouched_since(self) -> str | None:
        """The origin of an imported ticket to which nothing has happened here."""
        return self.origin if self.version == 1 else None


class ClockTimers(NamedTuple):
    """What has to be said of one clock, in order."""

    clock: Clock
    announcements: tuple[Announcement, ...]


def follow(known: History | None, event: TicketEvent) -> History:
    """Take in a ticket's next event."""
    ticket = event.ticket
    clocks = advance(known.clocks if known else Clocks(), event)
    step = Step(
        event.occurred_at,
        event.sequence,
        ticket["state"],
        ticket["region"],
        ticket["category"],
        ticket["matter_class"],
    )
    steps = (*known.steps, step) if known else (step,)
    return History(event.number, ticket["origin"], ticket["source_id"], clocks, steps)


def history_of(events: Iterable[TicketEvent]) -> History:
    """Take in all events of a ticket, of which there is at least one."""
    known = None
    for event in events:
        known = follow(known, event)
    if known is None:
        raise ValueError("a ticket has at least one event")
    return known


def timers_of(history: History, book: Rulebook) -> Iterator[ClockTimers]:
    """Give for every clock what it has reached and what it will reach if nothing more happens."""
    for clock in history.clocks.all:
        reached = _rating_over(clock) if clock.kind is ClockKind.RATING else thresholds(clock, book)
        if reached:
            yield ClockTimers(clock, tuple(_announcement(history, clock, each) for each in reached))


def still_runs(history: History, key: Key) -> bool:
    """Whether the clock that an announcement speaks of has not been stopped."""
    return any(
        clock.stopped_at is None
        for clock in history.clocks.all
        if (clock.cycle, clock.kind.value, clock.run) == (key.cycle, key.clock, key.run)
    )


def _rating_over(clock: Clock) -> tuple[Threshold, ...]:
    """The end of the resident's time, if no rating had come by then."""
    if clock.due is None or (clock.stopped_at is not None and clock.stopped_at <= clock.due):
        return ()
    return (Threshold(100, clock.due, max(clock.due, clock.terms[-1].since)),)


def _announcement(history: History, clock: Clock, reached: Threshold) -> Announcement:
    term = clock.terms[max(0, bisect_right([one.since for one in clock.terms], reached.known_at) - 1)]
    step = history.steps[max(0, bisect_right([one.at for one in history.steps], reached.at) - 1)]
    held = clock.charges[max(0, bisect_right([one.start for one in clock.charges], reached.at) - 1)]
    facts = Facts(
        due_at=term.due or reached.at,
        level=held.level,
        holder=held.unit,
        region=step.region,
        category=step.category,
        matter_class=step.matter_class,
        state=step.state,
        version=step.version,
        policy=term.policy,
        calendar=term.calendar,
        origin=history.origin,
        source_id=history.source_id,
    )
    key = Key(history.number, clock.cycle, clock.kind.value, clock.run, reached.percent)
    return Announcement(key, reached.at, reached.known_at, facts)
