"""The first version of the timers and the announcements of deadlines."""

import sqlalchemy as sa
from alembic import op

from infra.read_store.column_types import Moment, code

revision = "0002"
down_revision = "0001"

_CLOCK = ["number", "cycle", "clock", "run"]


def upgrade() -> None:
    _create_sla_timers_1()
    _create_sla_announcements_1()
    _create_sla_progress()


def _create_sla_timers_1() -> None:
    op.create_table(
        "sla_timers_1",
        sa.Column("number", code(), primary_key=True),
        sa.Column("cycle", sa.Integer, primary_key=True),
        sa.Column("clock", code(), primary_key=True),
        sa.Column("run", sa.Integer, primary_key=True),
        sa.Column(
            "held", code(), nullable=False, comment="the origin of an untouched open import, else empty"
        ),
        sa.Column("moment", Moment, nullable=False, comment="when the next announcement is due"),
        sa.Column("pending", sa.Text, nullable=False, comment="what is to be announced, as JSON"),
    )
    op.create_index("sla_timers_1_due", "sla_timers_1", ["held", "moment", *_CLOCK])


def _create_sla_announcements_1() -> None:
    op.create_table(
        "sla_announcements_1",
        sa.Column(
            "sequence", sa.BigInteger, primary_key=True, autoincrement=False, comment="gapless, from 1"
        ),
        sa.Column("number", code(), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("clock", code(), nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("percent", sa.Integer, nullable=False),
        sa.Column("kind", code(), nullable=False),
        sa.Column("at", Moment, nullable=False, comment="when the share of the limit was used up"),
        sa.Column("event", sa.Text, nullable=False, comment="what is published, byte for byte"),
    )
    op.create_index("sla_announcements_1_once", "sla_announcements_1", [*_CLOCK, "percent"], unique=True)


def _create_sla_progress() -> None:
    op.create_table(
        "sla_progress",
        sa.Column("name", code(), primary_key=True),
        sa.Column(
            "sequence", sa.BigInteger, nullable=False, comment="the last announcement that was dealt with"
        ),
        sa.Column("offsets", sa.Text, nullable=False, comment="from where a topic is read again, as JSON"),
    )
