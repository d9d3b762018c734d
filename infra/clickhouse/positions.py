"""How far ClickHouse has got in the log, read from ClickHouse itself."""

import time
from collections.abc import Mapping, Sequence

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.insert_once import insert_once
from infra.clickhouse.schema import EVENTS_TABLE, POSITIONS_TABLE

_POSITIONS = f"""
SELECT log_partition, max(next) FROM
(
    SELECT log_partition, max(log_offset) + 1 AS next FROM {EVENTS_TABLE} GROUP BY log_partition
    UNION ALL
    SELECT log_partition, max(next_offset) AS next FROM {POSITIONS_TABLE} GROUP BY log_partition
)
GROUP BY log_partition
"""  # noqa: S608 - only our own table names
_RUNNING_INSERTS = """
SELECT query_id FROM system.processes
WHERE query_kind = 'Insert' AND query ILIKE '%liudan.%' AND is_initial_query
"""
_SETTLE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.05


def read_positions(client: Client, partitions: Sequence[int]) -> dict[int, int]:
    """Give the next offset to land per partition, 0 for one that was never seen."""
    found = {int(partition): int(after) for partition, after in client.query(_POSITIONS).result_rows}
    return {partition: found.get(partition, 0) for partition in partitions}


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


def write_positions(client: Client, ahead: Mapping[int, int]) -> None:
    """Remember positions that no landed row vouches for."""
    columns = {"log_partition": list(ahead), "next_offset": list(ahead.values())}
    insert_once(client, POSITIONS_TABLE, pa.table(columns))


def _running(client: Client) -> set[str]:
    return {query_id for (query_id,) in client.query(_RUNNING_INSERTS).result_rows}
