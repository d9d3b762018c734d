"""Sums broken limits by level, unit and clock, in SQL."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.vocabulary import ClockKind
from infra.read_store.clock_queries import Looked, breach_conditions
from infra.read_store.column_types import Moment
from infra.read_store.open import ReadStore
from infra.read_store.schema import SLA_CLOCKS
from projections.sla_accountability import Charges, LateTicket, Period, UnitCharge
from projections.sla_clocks import BreachFilter, KnownUntil

_C = SLA_CLOCKS.c
_Group = tuple[str | None, str | None, str]


class _SecondsBetween(FunctionElement[float]):
    """The seconds from one `Moment` to a later one."""

    type = sa.Float()
    inherit_cache = True


@compiles(_SecondsBetween, "sqlite")
def _by_microseconds(element: _SecondsBetween, compiler: SQLCompiler, **more: Any) -> str:  # SQLAlchemy's
    start, end = (compiler.process(clause, **more) for clause in element.clauses)
    return f"(({end}) - ({start})) / 1000000.0"


@compiles(_SecondsBetween, "postgresql")
def _by_epoch(element: _SecondsBetween, compiler: SQLCompiler, **more: Any) -> str:  # SQLAlchemy's
    start, end = (compiler.process(clause, **more) for clause in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM (({end}) - ({start}))) AS DOUBLE PRECISION)"


class SqlAccountabilityQueries:
    """`AccountabilityQueries` over the read store."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def charges(
        self,
        wanted: BreachFilter,
        period: Period,
        *,
        as_of: datetime,
        known_until: KnownUntil | None = None,
        limit: int = 100,
        worst: int = 10,
    ) -> Charges:
        """See `AccountabilityQueries.charges`."""
        late = _late(wanted, period, Looked(as_of, known_until or {}))
        sums = _sums(late)
        with self._store.reading() as connection:
            whole = connection.execute(_whole(late)).one()
            found = connection.execute(sums.limit(limit)).all()
            examples = connection.execute(_worst(late, sums.limit(limit).subquery(), worst)).all()
        by_group: dict[_Group, list[LateTicket]] = {}
        for level, holder, clock, *ticket in examples:
            by_group.setdefault((level, holder, clock), []).append(LateTicket(*ticket))
        lines = tuple(_charge(row, by_group) for row in found)
        return Charges(lines, whole.lines, whole.breaches, whole.seconds or 0.0)


def _late(wanted: BreachFilter, period: Period, looked: Looked) -> sa.Subquery:
    """Every breach of the period, with how late it was and whether it still is."""
    as_of = sa.literal(looked.as_of, Moment)
    ended = sa.func.coalesce(_C.stopped_at, _C.suspended_at, looked.column(), type_=Moment)
    until = sa.case((ended < as_of, ended), else_=as_of)
    met = sa.case((_C.stopped_at <= as_of, _C.stopped_at))
    return (
        sa.select(
            _C.level, _C.holder, _C.clock, _C.number, _C.cycle, _C.run, _C.due_at,
            met.label("met_at"), _SecondsBetween(_C.due_at, until).label("seconds"),
        )
        .where(*breach_conditions(wanted, looked), _C.due_at >= period.start, _C.due_at < period.end)
        .subquery("late")
    )  # fmt: skip


def _sums(late: sa.Subquery) -> sa.Select[Any]:
    seconds = sa.func.sum(late.c.seconds)
    key = (late.c.level, late.c.holder, late.c.clock)
    return (
        sa.select(
            *key,
            sa.func.count().label("breaches"),
            sa.func.count(sa.distinct(late.c.number)).label("tickets"),
            (sa.func.count() - sa.func.count(late.c.met_at)).label("running"),
            seconds.label("seconds"),
        )
        .group_by(*key)
        .order_by(seconds.desc(), *(sa.func.coalesce(column, "") for column in key))
    )


def _whole(late: sa.Subquery) -> sa.Select[int, int, Any]:
    sums = _sums(late).order_by(None).subquery()
    total = sa.func.coalesce(sa.func.sum(sums.c.breaches), 0)
    return sa.select(
        sa.func.count().label("lines"),
        sa.cast(total, sa.BigInteger).label("breaches"),
        sa.func.sum(sums.c.seconds).label("seconds"),
    )


def _worst(late: sa.Subquery, shown: sa.Subquery, count: int) -> sa.Select[Any]:
    order = (late.c.seconds.desc(), late.c.number, late.c.cycle, late.c.run)
    key = (late.c.level, late.c.holder, late.c.clock)
    place = sa.func.row_number().over(partition_by=key, order_by=order).label("place")
    same = sa.and_(*(column.is_not_distinct_from(shown.c[column.name]) for column in key))
    columns = (*key, late.c.number, late.c.cycle, late.c.due_at, late.c.met_at, late.c.seconds)
    ranked = sa.select(*columns, place).join(shown, same).subquery()
    wanted = [column for column in ranked.c if column.name != "place"]
    return sa.select(*wanted).where(ranked.c.place <= count).order_by(ranked.c.place)


def _charge(row: sa.Row[Any], worst: dict[_Group, list[LateTicket]]) -> UnitCharge:
    return UnitCharge(
        level=row.level,
        unit=row.holder,
        clock=ClockKind(row.clock),
        breaches=row.breaches,
        tickets=row.tickets,
        running=row.running,
        overdue_seconds=row.seconds,
        worst=tuple(worst.get((row.level, row.holder, row.clock), ())),
    )
