"""The first version of ticket state, SLA clocks, positions and parked tickets."""

import sqlalchemy as sa
from alembic import op

from infra.read_store.column_types import Moment, code

revision = "0001"
down_revision = None


_OPEN = sa.column("open", sa.Boolean).is_(sa.true())
_NOT_KEPT = sa.column("kept", sa.Boolean).is_(sa.false())


def upgrade() -> None:
    _create_positions()
    _create_parked_tickets()
    _create_discarded_events()
    _create_ticket_state_1()
    _create_sla_clocks_1()


def _create_positions() -> None:
    op.create_table(
        "positions",
        sa.Column("projection", code(), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("log", code(), primary_key=True, comment="which log, so that an offset is never misread"),
        sa.Column("topic", code(), primary_key=True),
        sa.Column("log_partition", sa.Integer, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
    )


def _create_parked_tickets() -> None:
    op.create_table(
        "parked_tickets",
        sa.Column("projection", code(), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("number", code(), primary_key=True),
        sa.Column("log", code(), nullable=False),
        sa.Column("topic", code(), nullable=False),
        sa.Column("log_partition", sa.Integer, nullable=False),
        sa.Column("log_offset", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


def _create_discarded_events() -> None:
    op.create_table(
        "discarded_events",
        sa.Column("projection", code(), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("number", code(), primary_key=True, comment="its next event may follow with a gap"),
    )


def _create_ticket_state_1() -> None:
    op.create_table(
        "ticket_state_1",
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
    op.create_index("ticket_state_1_area_placed", "ticket_state_1", ["area", "placed_at", "number"])
    _partial_index("ticket_state_1_open_area", "ticket_state_1", ["area", "placed_at", "number"], _OPEN)
    _partial_index("ticket_state_1_open_area_due", "ticket_state_1", ["area", "resolve_due", "number"], _OPEN)
    _partial_index("ticket_state_1_open_due", "ticket_state_1", ["resolve_due", "number"], _OPEN)
    _partial_index("ticket_state_1_open_holder", "ticket_state_1", ["holder"], _OPEN)
    op.create_index("ticket_state_1_place", "ticket_state_1", ["place"])
    op.create_index("ticket_state_1_placed", "ticket_state_1", ["placed_at", "number"])


def _create_sla_clocks_1() -> None:
    op.create_table(
        "sla_clocks_1",
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
    _partial_index("sla_clocks_1_late_area", "sla_clocks_1", ["area", "due_at", "number"], _NOT_KEPT)
    _partial_index("sla_clocks_1_late_due", "sla_clocks_1", ["due_at", "number"], _NOT_KEPT)


def _partial_index(name: str, table: str, columns: list[str], where: sa.ColumnElement[bool]) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
