"""Answers questions about the current state of tickets from SQL."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.vocabulary import ENDED, OPEN, Role
from infra.read_store.column_types import Moment
from infra.read_store.open import ReadStore
from infra.read_store.regions import Condition, lies_in
from infra.read_store.schema import IS_OPEN, TICKET_STATE
from infra.read_store.worklist_query import WORK_ORDER, read_work, work_key, worklist_query
from projections.page import KeyPart, Page, checked_limit, read_cursor, write_cursor
from projections.ticket_state import Sort, TicketFilter, TicketRow, Work
from projections.worklist import LEVEL_OF, Desk

_T = TICKET_STATE.c


class SqlTicketQueries:
    """`TicketQueries` over the read store."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def get(self, number: str) -> TicketRow | None:
        """See `TicketQueries.get`."""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(TICKET_STATE).where(_T.number == number)).one_or_none()
        return TicketRow(*row) if row else None

    def list(
        self,
        wanted: TicketFilter,
        *,
        sort: Sort = Sort.NEWEST,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[TicketRow]:
        """See `TicketQueries.list`."""
        limit = checked_limit(limit)
        after = read_cursor(cursor, sort, 2) if cursor is not None else None
        rows: tuple[TicketRow, ...] = ()
        with self._store.reading() as connection:
            for part in _in_order(sa.select(TICKET_STATE).where(*conditions(wanted)), sort, after):
                found = connection.execute(part.limit(limit + 1 - len(rows)))
                rows += tuple(TicketRow._make(row) for row in found)
                if len(rows) > limit:
                    last = rows[limit - 1]
                    key = last.resolve_due if sort is Sort.DUE else last.placed_at
                    return Page(rows[:limit], write_cursor(sort, (key, last.number)))
        return Page(rows)

    def count(self, wanted: TicketFilter) -> int:
        """See `TicketQueries.count`."""
        query = sa.select(sa.func.count()).select_from(TICKET_STATE).where(*conditions(wanted))
        with self._store.reading() as connection:
            return connection.scalar(query) or 0

    def worklist(
        self, role: Role, unit: str | None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Work]:
        """See `TicketQueries.worklist`."""
        limit = checked_limit(limit)
        after = read_cursor(cursor, WORK_ORDER, 2) if cursor is not None else None
        if unit is None or role not in LEVEL_OF:
            return Page(())
        desk = Desk(role, unit)
        with self._store.reading() as connection:
            found = connection.execute(worklist_query(desk, after).limit(limit + 1)).all()
        items = tuple(read_work(row, desk) for row in found[:limit])
        if len(found) <= limit:
            return Page(items)
        return Page(items, write_cursor(WORK_ORDER, work_key(items[-1])))


def conditions(wanted: TicketFilter) -> list[Condition]:
    """Write a filter as SQL."""
    found = [lies_in(_T.area, _T.place, where) for where in (wanted.region, wanted.scope) if where]
    equal = {
        _T.matter_class: wanted.matter_class,
        _T.category: wanted.category,
        _T.holder: wanted.holder,
        _T.level: wanted.level,
        _T.origin: wanted.origin,
        _T.suspended: wanted.suspended,
        _T.emergency: wanted.emergency,
    }
    found += [column == value for column, value in equal.items() if value is not None]
    found += _state_conditions(wanted)
    if wanted.text:
        found.append(
            sa.or_(
                _T.category.icontains(wanted.text, autoescape=True),
                _T.category_text.icontains(wanted.text, autoescape=True),
            )
        )
    if wanted.placed_from is not None:
        found.append(_T.placed_at >= wanted.placed_from)
    if wanted.placed_before is not None:
        found.append(_T.placed_at < wanted.placed_before)
    if wanted.due_before is not None:
        found.append(_T.resolve_due < wanted.due_before)
    if wanted.overdue_at is not None:
        found.append(_is_overdue(wanted.overdue_at))
    return found


def _state_conditions(wanted: TicketFilter) -> list[Condition]:
    found: list[Condition] = []
    is_open = wanted.open
    if wanted.states:
        found.append(_T.state.in_(sorted(wanted.states)))
        if is_open is None and (wanted.states <= OPEN or wanted.states <= ENDED):
            is_open = wanted.states <= OPEN  # says nothing new, but lets the index of open tickets be used
    if is_open is not None:
        found.append(IS_OPEN if is_open else _T.open.is_(sa.false()))
    return found


def _is_overdue(as_of: datetime) -> Condition:
    """Write `TicketRow.overdue` as SQL."""
    stopped = sa.func.coalesce(_T.resolved_at, _T.closed_at, _T.suspended_at, type_=Moment)
    return sa.and_(
        _T.resolve_due < as_of,
        sa.or_(_T.resolve_due < stopped, sa.and_(stopped.is_(None), IS_OPEN)),
    )


Rows = sa.Select[Any]  # every column of the table, in the order of TicketRow


def _in_order(query: Rows, sort: Sort, after: tuple[KeyPart, ...] | None) -> "list[Rows]":
    """Give the queries whose rows, one after the other, are the list from the cursor on."""
    if sort is Sort.DUE:
        return _in_due_order(query, after)
    place = sa.tuple_(_T.placed_at, _T.number)
    if sort is Sort.NEWEST:
        query = query.order_by(_T.placed_at.desc(), _T.number.desc())
        return [query.where(place < _key(after)) if after else query]
    query = query.order_by(_T.placed_at, _T.number)
    return [query.where(place > _key(after)) if after else query]


def _in_due_order(query: Rows, after: tuple[KeyPart, ...] | None) -> "list[Rows]":
    """First what has a due time, then what has none: two queries, so that both can use the index."""
    undue = query.where(_T.resolve_due.is_(None)).order_by(_T.number)
    due = query.where(_T.resolve_due.is_not(None)).order_by(_T.resolve_due, _T.number)
    if after is None:
        return [due, undue]
    if after[0] is None:
        return [undue.where(_T.number > after[1])]
    return [due.where(sa.tuple_(_T.resolve_due, _T.number) > _key(after)), undue]


def _key(after: tuple[KeyPart, ...]) -> sa.Tuple:
    return sa.tuple_(sa.literal(after[0], Moment), sa.literal(after[1], sa.String))
