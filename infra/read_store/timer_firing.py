"""From timers that are due to announcements: in order of time, each once, in the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infra.read_store.announcement_rows import announce
from infra.read_store.column_types import Moment
from infra.read_store.schema import SLA_TIMERS
from infra.read_store.timer_packing import ClockKey, pack, unpack
from projections.sla_announcements import Announcement

_T = SLA_TIMERS.c
_ORDER = (_T.moment, _T.number, _T.cycle, _T.clock, _T.run)
_IS_CLOCK = sa.and_(*(_T[name] == sa.bindparam(f"_{name}") for name in ("number", "cycle", "clock", "run")))


class _Place(NamedTuple):
    """Where something stands in the order in which all is announced."""

    moment: datetime
    clock: ClockKey


class _Timer(NamedTuple):
    """A row, read."""

    held: str
    clock: ClockKey
    pending: list[Announcement]

    def place(self, announcement: Announcement) -> _Place:
        return _Place(moment_of(self.held, announcement), self.clock)


def moment_of(held: str, announcement: Announcement) -> datetime:
    """When it is to be said; what is held is compared with what was known when the limit passed."""
    return announcement.at if held else announcement.known_at


def held_by(connection: Connection) -> list[str]:
    """Give the origins that hold timers: one step in the index for each."""
    found: list[str] = []
    following = sa.select(sa.func.min(_T.held))
    while (name := connection.scalar(following.where(_T.held > (found[-1] if found else "")))) is not None:
        found.append(name)
    return found


def due_timers(held: str, before: datetime, limit: int) -> sa.Select[Any]:
    """Select the timers that are due, the oldest first."""
    due = _T.moment < sa.literal(before, Moment)
    return sa.select(SLA_TIMERS).where(_T.held == held, due).order_by(*_ORDER).limit(limit)


def fire(connection: Connection, held: str, before: datetime, limit: int) -> int:
    """Announce what is due of at most `limit` clocks, and nothing that comes after the last of them."""
    rows = connection.execute(due_timers(held, before, limit)).all()
    timers = [_read(held, row) for row in rows]
    if not timers:
        return 0
    last = timers[-1].place(timers[-1].pending[0]) if len(timers) == limit else None
    due: list[tuple[_Place, Announcement]] = []
    left: list[tuple[_Timer, list[Announcement]]] = []
    for timer in timers:
        places = [(timer.place(one), one) for one in timer.pending]
        now = [each for each in places if each[0].moment < before and (last is None or each[0] <= last)]
        due += now
        left.append((timer, timer.pending[len(now) :]))
    due.sort(key=lambda each: (each[0], each[1].key.percent))
    announce(connection, [announcement for _, announcement in due])
    _wind(connection, left)
    return len(timers)


def _read(held: str, row: sa.Row[Any]) -> _Timer:
    clock = (row.number, row.cycle, row.clock, row.run)
    return _Timer(held, clock, unpack(clock, row.pending))


def _wind(connection: Connection, timers: list[tuple[_Timer, list[Announcement]]]) -> None:
    """Set the timers to what comes next, and drop those with nothing to come."""
    later: list[Mapping[str, object]] = []
    done: list[Mapping[str, object]] = []
    for timer, pending in timers:
        number, cycle, clock, run = timer.clock
        where = {"_number": number, "_cycle": cycle, "_clock": clock, "_run": run}
        if pending:
            later.append(where | {"moment": moment_of(timer.held, pending[0]), "pending": pack(pending)})
        else:
            done.append(where)
    if later:
        connection.execute(sa.update(SLA_TIMERS).where(_IS_CLOCK), later)
    if done:
        connection.execute(sa.delete(SLA_TIMERS).where(_IS_CLOCK), done)
