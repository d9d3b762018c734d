"""The tables of the SQL read models. A projection's tables carry its version, so that the next one can be
built beside them; the positions and parked tickets of all versions stand in tables of their own.
"""

import sqlalchemy as sa

from infra.read_store.column_types import Moment, code

METADATA = sa.MetaData()

POSITIONS = sa.Table(
    "positions",
    METADATA,
    sa.Column("projection", code(), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("log", code(), primary_key=True, comment="which log, so that an offset is never misread"),
    sa.Column("topic", code(), primary_key=True),
    sa.Column("log_partition", sa.Integer, primary_key=True),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
)

PARKED = sa.Table(
    "parked_tickets",
    METADATA,
    sa.Column("projection", code(), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("number", code(), primary_key=True),
    sa.Column("log", code(), nullable=False),
    sa.Column("topic", code(), nullable=False),
    sa.Column("log_partition", sa.Integer, nullable=False),
    sa.Column("log_offset", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

DISCARDED = sa.Table(
    "discarded_events",
    METADATA,
    sa.Column("projection", code(), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("number", code(), primary_key=True, comment="its next event may follow with a gap"),
)

TICKET_STATE = sa.Table(
    "ticket_state_1",
    METADATA,
    sa.Column("number", code(), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("area", code(), nullable=False),
    sa.Column("place", code(), nullable=False),
    sa.Column("region", code(), nullable=False),
    sa.Column("grid", code()),
    sa.Column("category", code(), nullable=False),
    sa.Column("category_text", sa.Text, nullable=False),
    sa.Column("matter_class", code()),
    sa.Column("urgency", code(), nullable=False),
    sa.Column("channel", code(), nullable=False),
    sa.Column("state", code(), nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("level", code()),
    sa.Column("holder", code()),
    sa.Column("first_handler", sa.Text),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("placed_at", Moment, nullable=False),
    sa.Column("stage_entered_at", Moment, nullable=False),
    sa.Column("stage_due", Moment),
    sa.Column("resolve_due", Moment),
    sa.Column("rating_due", Moment),
    sa.Column("resolved_at", Moment),
    sa.Column("closed_at", Moment),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("suspended", sa.Boolean, nullable=False),
    sa.Column("suspended_at", Moment),
    sa.Column("emergency", sa.Boolean, nullable=False),
    sa.Column("returns", sa.Integer, nullable=False),
    sa.Column("end", code()),
    sa.Column("outcome", code()),
    sa.Column("solved", sa.Boolean),
    sa.Column("score", sa.Integer),
    sa.Column("parent", code()),
    sa.Column("extension_until", Moment),
    sa.Column("escalated_to", code()),
    sa.Column("origin", code()),
    sa.Column("source_id", code()),
)

SLA_CLOCKS = sa.Table(
    "sla_clocks_1",
    METADATA,
    sa.Column("number", code(), primary_key=True),
    sa.Column("cycle", sa.Integer, primary_key=True),
    sa.Column("clock", code(), primary_key=True),
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("current", sa.Boolean, nullable=False),
    sa.Column("area", code(), nullable=False),
    sa.Column("place", code(), nullable=False),
    sa.Column("region", code(), nullable=False),
    sa.Column("category", code(), nullable=False),
    sa.Column("matter_class", code()),
    sa.Column("level", code()),
    sa.Column("holder", code()),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("due_at", Moment),
    sa.Column("stopped_at", Moment),
    sa.Column("suspended_at", Moment),
    sa.Column("kept", sa.Boolean, nullable=False),
    sa.Column("origin", code()),
    sa.Column("source_id", code()),
)

SLA_TIMERS = sa.Table(
    "sla_timers_1",
    METADATA,
    sa.Column("number", code(), primary_key=True),
    sa.Column("cycle", sa.Integer, primary_key=True),
    sa.Column("clock", code(), primary_key=True),
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("held", code(), nullable=False, comment="the origin of an untouched open import, else empty"),
    sa.Column("moment", Moment, nullable=False, comment="when the next announcement is due"),
    sa.Column("pending", sa.Text, nullable=False, comment="what is to be announced, as JSON"),
)

SLA_ANNOUNCEMENTS = sa.Table(
    "sla_announcements_1",
    METADATA,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False, comment="gapless, from 1"),
    sa.Column("number", code(), nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("clock", code(), nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("kind", code(), nullable=False),
    sa.Column("at", Moment, nullable=False, comment="when the share of the limit was used up"),
    sa.Column("event", sa.Text, nullable=False, comment="what is published, byte for byte"),
)

SLA_PROGRESS = sa.Table(
    "sla_progress",
    METADATA,
    sa.Column("name", code(), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="the last announcement that was dealt with"),
    sa.Column("offsets", sa.Text, nullable=False, comment="from where a topic is read again, as JSON"),
)


def _index(name: str, *columns: sa.Column[object], where: sa.ColumnElement[bool] | None = None) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)


_t, _c = TICKET_STATE.c, SLA_CLOCKS.c
IS_OPEN = _t.open.is_(sa.true())
"""The condition of the partial indexes: written the same way in a query, or they are not used."""
NOT_KEPT = _c.kept.is_(sa.false())

# Lists go by a sort key inside an area (equality, then order), small places by range; see `regions.py`.
_index("ticket_state_1_placed", _t.placed_at, _t.number)
_index("ticket_state_1_area_placed", _t.area, _t.placed_at, _t.number)
_index("ticket_state_1_place", _t.place)
_index("ticket_state_1_open_area", _t.area, _t.placed_at, _t.number, where=IS_OPEN)
_index("ticket_state_1_open_due", _t.resolve_due, _t.number, where=IS_OPEN)
_index("ticket_state_1_open_area_due", _t.area, _t.resolve_due, _t.number, where=IS_OPEN)
_index("ticket_state_1_open_holder", _t.holder, where=IS_OPEN)
# Only what runs or was late: a small part of all clocks.
_index("sla_clocks_1_late_due", _c.due_at, _c.number, where=NOT_KEPT)
_index("sla_clocks_1_late_area", _c.area, _c.due_at, _c.number, where=NOT_KEPT)
# What is due next, without looking at the clocks that are not.
_n, _a = SLA_TIMERS.c, SLA_ANNOUNCEMENTS.c
_index("sla_timers_1_due", _n.held, _n.moment, _n.number, _n.cycle, _n.clock, _n.run)
sa.Index("sla_announcements_1_once", _a.number, _a.cycle, _a.clock, _a.run, _a.percent, unique=True)
