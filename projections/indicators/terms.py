"""What the definitions of indicators share: columns, what they come down to, and what is left out."""

from datetime import timedelta

from domain.vocabulary import ENDED, State
from projections.indicators.expressions import Column, Moment
from projections.indicators.indicator import Exclusion, Words

REOPENING = timedelta(days=15)
"""How long a resident may reopen what was closed; a superior may later, which then shows as a restatement."""

as_of, at_the_end = Moment("as_of"), Moment("at")
cycle, state, end = Column("cycle"), Column("state"), Column("end")
filed_at, resolve_due, broken_due = Column("filed_at"), Column("resolve_due"), Column("broken_due")
resolved_at, closed_at, reopened_at = Column("resolved_at"), Column("closed_at"), Column("reopened_at")
first_resolved_at, suspended_at = Column("first_resolved_at"), Column("suspended_at")
first_step, respond_due, responded_at = Column("first_step"), Column("respond_due"), Column("responded_at")
surveyed_at, is_rated, is_imported = Column("surveyed_at"), Column("rated").is_(True), Column("origin").known
resolver_level = Column("resolver_level")
emergency_at, emergency_response_at = Column("emergency_at"), Column("emergency_response_at")
emergency_over_at = Column("emergency_over_at")

is_first_cycle = cycle.is_(1)
is_open = ~state.is_(*sorted(ENDED))
stopped_at = resolved_at.or_else(closed_at)
nobody_knows_when = ~is_open & ~stopped_at.known
may_be_reopened = state.is_(State.CLOSED) & ~reopened_at.known & (closed_at.plus(REOPENING) > as_of)
is_not_settled = is_open | may_be_reopened
stands = resolved_at.known | state.is_(State.CLOSED)

NOT_KNOWN_WHEN = Exclusion(
    "unknown-when",
    Words("来源系统未记录办结时间", "its source does not know when it was closed"),
    nobody_knows_when,
)
FROM_ELSEWHERE = Exclusion(
    "imported",
    Words("外部导入，来源系统无此过程", "imported: its source does not know the steps"),
    is_imported,
)
BY_FILING = Words("点单（或重启）时间", "when it was placed, or reopened")
