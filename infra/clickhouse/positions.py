"""How far ClickHouse has got in the log, read from ClickHouse itself."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.insert_once import insert_once
from infra.clickhouse.schema import POSITIONS_TABLE

_REACHED = """
SELECT log_partition, max(next), max(newest) FROM
(
    SELECT log_partition, max(log_offset) + 1 AS next, max(store_position) AS newest
    FROM {table} GROUP BY log_partition
    UNION ALL
    SELECT log_partition, max(next_offset) AS next, 0 AS newest FROM liudan.landing_positions
    WHERE build = {build:UInt32} GROUP BY log_partition
)
GROUP BY log_partition
"""
_RUNNING_INSERTS = """
SELECT query_id FROM system.processes
WHERE query_kind = 'Insert' AND query ILIKE '%liudan.%' AND is_initial_query
"""
_SETTLE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.05


class Reached(NamedTuple):
    """How far one partition has come; zeros for one that was never seen."""

    next_offset: int = 0
    newest: int = 0
    """The highest position in the event store that a landed row has, 0 when none says."""


class Build(NamedTuple):
    """A build of the landing table: under which name it stands, and its number."""

    table: str
    number: int


def read_reached(client: Client, build: Build, partitions: Sequence[int]) -> dict[int, Reached]:
    """Give how far every one of these partitions has come in a build."""
    query = _REACHED.replace("{table}", build.table)
    rows = client.query(query, parameters={"build": build.number}).result_rows
    found = {int(partition): Reached(int(after), int(newest)) for partition, after, newest in rows}
    return {partition: found.get(partition, Reached()) for partition in partitions}


def await_running_inserts(client: Client) -> None:
    """Wait until every insert that is under way now has come to its end, whatever that is.

    The writer who has sent them may have been killed; its rows can still arrive. Raises
    ClickHouseUnavailable when that takes more than a minute.
    """
    give_up_at = time.monotonic() + _SETTLE_SECONDS
    waiting_for = _running(client)
    while waiting_for:
        if time.monotonic() > give_up_at:
            raise ClickHouseUnavailable("an insert of an earlier writer does not come to its end")
        time.sleep(_LOOK_AGAIN_SECONDS)
        waiting_for &= _running(client)


def write_positions(client: Client, build: Build, ahead: Mapping[int, int]) -> None:
    """Remember positions that no landed row vouches for."""
    columns = {
        "log_partition": list(ahead),
        "next_offset": list(ahead.values()),
        "build": [build.number] * len(ahead),
    }
    insert_once(client, POSITIONS_TABLE, pa.table(columns))


def _running(client: Client) -> set[str]:
    return {query_id for (query_id,) in client.query(_RUNNING_INSERTS).result_rows}
