"""The worklist in SQL: why a ticket waits for a desk, and in which order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from domain.vocabulary import Level
from infra.read_store.column_types import Moment
from infra.read_store.regions import Condition, covered, lies_in, region_or_none
from infra.read_store.schema import IS_OPEN, TICKET_STATE
from projections.page import KeyPart
from projections.ticket_state import Because, TicketRow, Work
from projections.worklist import FLAT_STATES, Desk, commands_for

WORK_ORDER = "worklist"

_T = TICKET_STATE.c
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def worklist_query(desk: Desk, after: Sequence[KeyPart] | None) -> sa.Select[Any]:
    """Select the tickets that wait for a desk, each with its reason as the last column."""
    reasons = _reasons(desk)
    because = sa.case(*((condition, reason.value) for reason, condition in reasons.items()))
    due = sa.func.coalesce(_T.stage_due, sa.literal(_NEVER, Moment), type_=Moment)
    query = sa.select(TICKET_STATE, because.label("because")).where(IS_OPEN, sa.or_(*reasons.values()))
    if after is not None:
        key = sa.tuple_(sa.literal(after[0], Moment), sa.literal(after[1], sa.String))
        query = query.where(sa.tuple_(due, _T.number) > key)
    return query.order_by(due, _T.number)


def work_key(work: Work) -> tuple[KeyPart, KeyPart]:
    """Give the sort key of a line."""
    return work.ticket.stage_due or _NEVER, work.ticket.number


def read_work(row: sa.Row[Any], desk: Desk) -> Work:
    """Make a line of what `worklist_query` selected."""
    ticket, because = TicketRow._make(row[:-1]), Because(row[-1])
    return Work(ticket, because, commands_for(ticket, desk, because))


def _reasons(desk: Desk) -> dict[Because, Condition]:
    """Say in SQL why a ticket waits for this desk; the first reason that holds is the one that is given."""
    level, region = desk.level, region_or_none(desk.unit)
    holds = _T.holder == desk.unit if level is Level.DEPARTMENT else covered(_T.holder, desk.unit)
    reasons: dict[Because, Condition] = {Because.HELD: sa.and_(_T.level == level, holds)}
    if region is None or not desk.below:
        return reasons
    here = lies_in(_T.area, _T.place, region)
    below = sa.and_(_T.level.in_(sorted(desk.below)), here)
    reasons[Because.EXTENSION] = sa.and_(below, _T.extension_until.is_not(None))
    reasons[Because.SUSPENDED] = sa.and_(below, _T.suspended.is_(sa.true()))
    reasons[Because.ESCALATED] = sa.and_(here, _T.escalated_to == level, _T.resolved_at.is_(None))
    if desk.commands_flat:
        flat = _T.state.in_(sorted(FLAT_STATES))
        reasons[Because.EMERGENCY] = sa.and_(here, _T.emergency.is_(sa.true()), flat)
    return reasons
