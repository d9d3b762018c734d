"""Answers questions about limits and their breaches from SQL."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from domain.vocabulary import ClockKind
from infra.read_store.column_types import Moment
from infra.read_store.open import ReadStore
from infra.read_store.regions import Condition, lies_in
from infra.read_store.schema import NOT_KEPT, SLA_CLOCKS
from projections.page import KeyPart, Page, checked_limit, read_cursor, write_cursor
from projections.sla_clocks import Breach, BreachFilter, ClockRow, KnownUntil

_C = SLA_CLOCKS.c
_ORDER = "breaches"
_IMPORTED = 1
"""The version of a ticket to which nothing has happened since it was imported."""
_KEY = (_C.due_at, _C.number, _C.cycle, _C.clock, _C.run)


class SqlClockQueries:
    """`ClockQueries` over the read store."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def breaches(
        self,
        wanted: BreachFilter,
        *,
        as_of: datetime,
        known_until: KnownUntil | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Breach]:
        """See `ClockQueries.breaches`."""
        limit = checked_limit(limit)
        looked = Looked(as_of, known_until or {})
        query = sa.select(SLA_CLOCKS).where(*breach_conditions(wanted, looked))
        if cursor is not None:
            query = query.where(sa.tuple_(*_KEY) < _key(read_cursor(cursor, _ORDER, len(_KEY))))
        query = query.order_by(*(column.desc() for column in _KEY)).limit(limit + 1)
        with self._store.reading() as connection:
            rows = [ClockRow(*row) for row in connection.execute(query)]
        items = tuple(_breach(row, looked) for row in rows[:limit])
        if len(rows) <= limit:
            return Page(items)
        last = rows[limit - 1]
        return Page(items, write_cursor(_ORDER, (last.due_at, last.number, last.cycle, last.clock, last.run)))

    def count_breaches(
        self, wanted: BreachFilter, *, as_of: datetime, known_until: KnownUntil | None = None
    ) -> int:
        """See `ClockQueries.count_breaches`."""
        conditions = breach_conditions(wanted, Looked(as_of, known_until or {}))
        query = sa.select(sa.func.count()).select_from(SLA_CLOCKS).where(*conditions)
        with self._store.reading() as connection:
            return connection.scalar(query) or 0

    def clocks(self, number: str) -> tuple[ClockRow, ...]:
        """See `ClockQueries.clocks`."""
        query = sa.select(SLA_CLOCKS).where(_C.number == number).order_by(_C.run, _C.started_at, _C.clock)
        with self._store.reading() as connection:
            return tuple(ClockRow(*row) for row in connection.execute(query))


class Looked(NamedTuple):
    """When a running clock is looked at: now, or when the source of an untouched import last spoke."""

    as_of: datetime
    known_until: KnownUntil

    def at(self, row: ClockRow) -> datetime:
        """Give the moment for a row."""
        known = self.known_until.get(row.origin) if row.origin and row.version == _IMPORTED else None
        return min(known or self.as_of, self.as_of)

    def column(self) -> sa.ColumnElement[datetime]:
        """Give the moment as SQL."""
        as_of = sa.literal(self.as_of, Moment)
        earlier = [
            (sa.and_(_C.version == _IMPORTED, _C.origin == origin), sa.literal(known, Moment))
            for origin, known in self.known_until.items()
            if known < self.as_of
        ]
        return sa.case(*earlier, else_=as_of) if earlier else as_of


def breach_conditions(wanted: BreachFilter, looked: Looked) -> list[Condition]:
    """Give what has to hold of a row of `SLA_CLOCKS` for it to be such a breach."""
    as_of = looked.as_of
    stopped = sa.func.coalesce(_C.stopped_at, _C.suspended_at, looked.column(), type_=Moment)
    found: list[Condition] = [NOT_KEPT, _C.due_at < as_of, _C.due_at < stopped]
    found += [lies_in(_C.area, _C.place, where) for where in (wanted.region, wanted.scope) if where]
    found.append(_C.clock != ClockKind.RATING if wanted.clock is None else _C.clock == wanted.clock)
    equal = {
        _C.matter_class: wanted.matter_class,
        _C.level: wanted.level,
        _C.holder: wanted.holder,
        _C.origin: wanted.origin,
    }
    found += [column == value for column, value in equal.items() if value is not None]
    if wanted.running is not None:
        still = sa.or_(_C.stopped_at.is_(None), _C.stopped_at > as_of)
        found.append(still if wanted.running else sa.not_(still))
    return found


def _key(after: tuple[KeyPart, ...]) -> sa.Tuple:
    return sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(after, _KEY, strict=True)))


def _breach(row: ClockRow, looked: Looked) -> Breach:
    as_of = looked.as_of
    if row.due_at is None:
        raise AssertionError("a clock without a limit is never in breach")
    ended = min(row.stopped_at or row.suspended_at or looked.at(row), as_of)
    stopped = row.stopped_at if row.stopped_at and row.stopped_at <= as_of else None
    return Breach(
        number=row.number,
        source_id=row.source_id,
        origin=row.origin,
        clock=ClockKind(row.clock),
        cycle=row.cycle,
        due_at=row.due_at,
        breached_at=row.due_at,
        stopped_at=stopped,
        overdue_seconds=(ended - row.due_at).total_seconds(),
        region=row.region,
        place=row.place,
        category=row.category,
        matter_class=row.matter_class,
        level=row.level,
        holder=row.holder,
        suspended=row.suspended_at is not None,
    )
