"""Keeps when something has to be said about each clock, until it is said."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infra.event_log.sink import Step
from infra.read_store.announcement_rows import announced
from infra.read_store.ledger import Ledger
from infra.read_store.open import ReadStore
from infra.read_store.projection import in_chunks
from infra.read_store.schema import SLA_TIMERS
from infra.read_store.timer_firing import due_timers, fire, held_by, moment_of
from infra.read_store.timer_packing import pack
from projections.sla_announcements import Announcement, Key
from projections.sla_clocks import KnownUntil
from projections.sla_timers import PROJECTION, VERSION, ClockTimers

_PARTITION = 0
_NOBODY = ""
_T = SLA_TIMERS.c


class TicketTimers(NamedTuple):
    """All timers of one ticket."""

    number: str
    untouched_since: str | None
    """The origin of an imported ticket to which nothing has happened here."""
    timers: tuple[ClockTimers, ...]


class TimerRows:
    """The timers in the read store. `store_name` says which event store is followed, `topic` what in it."""

    def __init__(self, store: ReadStore, store_name: str, topic: str) -> None:
        self._store = store
        self._ledger = Ledger(PROJECTION, VERSION, store_name, topic)

    def position(self) -> int:
        """Give the event store's position up to which all timers are known."""
        with self._store.reading() as connection:
            return self._ledger.positions(connection).get(_PARTITION, 0)

    def save(self, tickets: Sequence[TicketTimers], before: int, after: int) -> None:
        """Replace the timers of tickets and move the position on; raises MovedOn when it is not `before`."""
        with self._store.writing() as connection:
            self._ledger.move(connection, {_PARTITION: Step(before, after)})
            numbers = {ticket.number for ticket in tickets}
            said = announced(connection, numbers)
            for chunk in in_chunks(numbers):
                connection.execute(sa.delete(SLA_TIMERS).where(_T.number.in_(chunk)))
            rows = [row for ticket in tickets for row in _rows(ticket, said)]
            if rows:
                connection.execute(sa.insert(SLA_TIMERS), rows)

    def fire(self, before: datetime, known_until: KnownUntil, limit: int) -> int:
        """Announce what was due before a moment, the oldest first, once; give how many clocks that were.

        An untouched open import is judged up to its origin's moment in `known_until`, and not without one.
        """
        with self._store.writing() as connection:
            fired = 0
            for held, bound in _bounds(connection, before, known_until):
                if fired < limit:
                    fired += fire(connection, held, bound, limit - fired)
            return fired

    def any_due(self, before: datetime, known_until: KnownUntil) -> bool:
        """Whether `fire` would find something."""
        with self._store.reading() as connection:
            return any(
                connection.execute(due_timers(held, bound, 1)).first() is not None
                for held, bound in _bounds(connection, before, known_until)
            )


def _bounds(
    connection: Connection, before: datetime, known_until: KnownUntil
) -> Iterator[tuple[str, datetime]]:
    """Up to when the timers that nobody holds are judged, and those of each origin."""
    yield _NOBODY, before
    for origin in held_by(connection):
        if origin in known_until:
            yield origin, min(before, known_until[origin])


def _rows(ticket: TicketTimers, said: Collection[Key]) -> Iterator[dict[str, object]]:
    for clock, announcements in ticket.timers:
        pending = [one for one in announcements if one.key not in said]
        if pending:
            held = ticket.untouched_since if clock.stopped_at is None else None
            yield _row(held or _NOBODY, pending)


def _row(held: str, pending: Sequence[Announcement]) -> dict[str, object]:
    ordered = sorted(pending, key=lambda one: (moment_of(held, one), one.key.percent))
    key = ordered[0].key
    return {
        "number": key.number,
        "cycle": key.cycle,
        "clock": key.clock,
        "run": key.run,
        "held": held,
        "moment": moment_of(held, ordered[0]),
        "pending": pack(ordered),
    }
