"""The tables in ClickHouse, as numbered steps that are applied once each, in order.

`ticket_events` is unpartitioned on purpose: with PARTITION BY an insert becomes several parts, and a kill
between them loses rows (measured). The aggregate projections are written with the part they belong to, so
they can never differ from it. Deduplication of inserts plays no role: positions come from the table itself.
"""

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from infra.clickhouse.errors import ClickHouseUnavailable

EVENTS_TABLE = "liudan.ticket_events"
PARKED_TABLE = "liudan.parked"
POSITIONS_TABLE = "liudan.landing_positions"

_DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1"

_TICKET_EVENTS = f"""
CREATE TABLE IF NOT EXISTS {EVENTS_TABLE}
(
    event_id UUID,
    type LowCardinality(String),
    number String COMMENT 'ticket number',
    sequence UInt32 COMMENT 'version of the ticket after the event, gapless from 1',
    occurred_at DateTime64(6, 'Asia/Shanghai'),
    recorded_at DateTime64(6, 'Asia/Shanghai'),
    actor_role LowCardinality(String),
    actor_unit LowCardinality(String),
    region LowCardinality(String) COMMENT 'digits: 2, 4, 6, 9 or 12 deep; foreign: us-nyc:queens:09',
    grid LowCardinality(String),
    category LowCardinality(String),
    matter_class LowCardinality(String),
    urgency LowCardinality(String),
    channel LowCardinality(String),
    state LowCardinality(String) COMMENT 'this and all that follows: the ticket after the event',
    level LowCardinality(String),
    holder LowCardinality(String),
    first_handler LowCardinality(String),
    cycle UInt32,
    placed_at DateTime64(6, 'Asia/Shanghai'),
    stage_entered_at DateTime64(6, 'Asia/Shanghai'),
    stage_due Nullable(DateTime64(6, 'Asia/Shanghai')),
    resolve_due Nullable(DateTime64(6, 'Asia/Shanghai')),
    rating_due Nullable(DateTime64(6, 'Asia/Shanghai')),
    resolved_at Nullable(DateTime64(6, 'Asia/Shanghai')),
    closed_at Nullable(DateTime64(6, 'Asia/Shanghai')),
    suspended Bool,
    emergency Bool,
    returns UInt32,
    end LowCardinality(String),
    origin LowCardinality(String),
    source_id String,
    store_position UInt64 COMMENT 'position in the event store, 0 when the log does not say',
    log_partition UInt16,
    log_offset UInt64,
    PROJECTION landed
    (SELECT log_partition, max(log_offset), max(store_position), count() GROUP BY log_partition)
)
ENGINE = MergeTree
ORDER BY (region, placed_at, number, sequence)
SETTINGS {_DURABLE}
COMMENT 'one row per event, written once by the landing; no personal data'
"""

_PARKED = f"""
CREATE TABLE IF NOT EXISTS {PARKED_TABLE}
(
    number String,
    standing Enum8('parked' = 1, 'releasing' = 2, 'released' = 3),
    reason String,
    changed_at DateTime64(9, 'Asia/Shanghai') DEFAULT now64(9)
)
ENGINE = MergeTree ORDER BY (number, changed_at)
SETTINGS {_DURABLE}
COMMENT 'tickets whose later events wait behind one that cannot be read'
"""

_LANDING_POSITIONS = f"""
CREATE TABLE IF NOT EXISTS {POSITIONS_TABLE}
(
    log_partition UInt16,
    next_offset UInt64,
    changed_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(next_offset) ORDER BY log_partition
SETTINGS {_DURABLE}
COMMENT 'how far the log is done where its last records left no row: they were parked'
"""

STEPS: tuple[tuple[int, str], ...] = ((1, _TICKET_EVENTS), (2, _PARKED), (3, _LANDING_POSITIONS))


def migrate(client: Client) -> int:
    """Bring the tables to the newest step; return its number. Raises ClickHouseUnavailable."""
    try:
        client.command("CREATE DATABASE IF NOT EXISTS liudan")
        client.command(
            "CREATE TABLE IF NOT EXISTS liudan.schema_steps (step UInt32, at DateTime64(6) DEFAULT now64(6)) "
            "ENGINE = MergeTree ORDER BY step"
        )
        done = int(str(client.command("SELECT max(step) FROM liudan.schema_steps")))
        for number, statement in STEPS:
            if number > done:
                client.command(statement)
                client.insert("liudan.schema_steps", [[number]], column_names=["step"])
    except ClickHouseError as error:
        raise ClickHouseUnavailable(f"ClickHouse's tables cannot be made: {error}") from error
    return STEPS[-1][0]
