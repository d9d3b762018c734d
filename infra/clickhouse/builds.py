"""Builds of the landing table: one serves, the next grows beside it, and takes its place in one moment.

A table knows its build: by the default of its column `build`, and by a constraint that refuses rows of
another one. Both change places with the table, so that a writer that has not noticed the exchange can write
nothing into the wrong build. Readers see the one table or the other, never none and never half of one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from infra.clickhouse.migration_files import on_cluster
from infra.clickhouse.schema import EVENTS_TABLE, NEXT_EVENTS_TABLE

_BUILD = """
SELECT default_expression FROM system.columns
WHERE concat(database, '.', table) = {table:String} AND name = 'build'
"""
_MADE_BY = "SELECT create_table_query FROM system.tables WHERE concat(database, '.', name) = {table:String}"
_COLUMNS = """
SELECT name FROM system.columns WHERE concat(database, '.', table) = {table:String} ORDER BY position
"""
_NOT_COMPARED = frozenset({"build", "landed_at", "log_offset"})
_NUMBER = re.compile(r"(`build` UInt32 DEFAULT |of_this_build CHECK build = )\d+")
_FENCE = "swap_fence"


class Bound(NamedTuple):
    """Up to which row of every partition two builds are compared; both hold everything up to it."""

    column: str
    """`log_offset`, or `store_position` where a build was filled from the event store."""
    most: Mapping[int, int]


class Difference(NamedTuple):
    """Where two builds are not the same; without a column it is the number of rows."""

    partition: int
    column: str = ""


def build_of(client: Client, table: str = EVENTS_TABLE) -> int:
    """Give the number of the build that stands under this name, 0 when there is no such table."""
    rows = client.query(_BUILD, parameters={"table": table}).result_rows
    return int(rows[0][0]) if rows else 0


def begin_next(client: Client, cluster: str = "") -> int:
    """Make the table of the next build, or find the one that was begun; give its number."""
    present, begun = build_of(client), build_of(client, NEXT_EVENTS_TABLE)
    if begun > present:
        return begun
    drop_next(client, cluster)
    _lift(client, cluster)
    made_by = str(client.query(_MADE_BY, parameters={"table": EVENTS_TABLE}).result_rows[0][0])
    statement = made_by.replace(EVENTS_TABLE, NEXT_EVENTS_TABLE + on_cluster(cluster), 1)
    client.command(_NUMBER.sub(lambda found: f"{found[1]}{present + 1}", statement))
    return present + 1


def drop_next(client: Client, cluster: str = "") -> None:
    """Remove the table beside the serving one: a build that was given up, or the one that was replaced."""
    client.command(f"DROP TABLE IF EXISTS {NEXT_EVENTS_TABLE}{on_cluster(cluster)} SYNC")


def exchange(client: Client, cluster: str = "") -> None:
    """Let the next build serve and the serving one step aside, in one moment."""
    client.command(f"EXCHANGE TABLES {EVENTS_TABLE} AND {NEXT_EVENTS_TABLE}{on_cluster(cluster)}")


@contextmanager
def fenced(client: Client, seconds: int, cluster: str = "") -> Iterator[None]:
    """Let nobody write to the serving build for a while; the fence falls by itself when we are killed."""
    _lift(client, cluster)
    until = client.command(f"SELECT toUnixTimestamp(now()) + {seconds:d}")
    check = f"ADD CONSTRAINT {_FENCE} CHECK toUnixTimestamp(now()) >= {until}"
    client.command(f"ALTER TABLE {EVENTS_TABLE}{on_cluster(cluster)} {check}")
    try:
        yield
    finally:
        _lift(client, cluster)


def differences(client: Client, bound: Bound, beyond: Mapping[int, int] | None = None) -> list[Difference]:
    """Compare the two builds partition by partition, beyond one bound and up to another.

    Every column that both have is compared by a checksum over all rows, except those that say how a row was
    landed.
    """
    columns = [name for name in _common_columns(client) if name not in _NOT_COMPARED]
    whole = [f"sum(cityHash64(tuple({', '.join(columns)})))"]
    single = [f"sum(cityHash64(tuple(event_id, {name})))" for name in columns]
    found = []
    for partition in _unequal(client, whole, bound, beyond or {}):
        narrow = Bound(bound.column, {partition: bound.most[partition]})
        ours, theirs = (sums.get(partition, (0,)) for sums in _both(client, single, narrow, beyond or {}))
        if ours[0] != theirs[0]:
            found.append(Difference(partition))
        else:
            named = zip(columns, ours[1:], theirs[1:], strict=True)
            found += [Difference(partition, name) for name, one, other in named if one != other]
    return found


def _unequal(client: Client, sums: Sequence[str], bound: Bound, beyond: Mapping[int, int]) -> list[int]:
    ours, theirs = _both(client, sums, bound, beyond)
    return [partition for partition in bound.most if ours.get(partition) != theirs.get(partition)]


def _both(
    client: Client, sums: Sequence[str], bound: Bound, beyond: Mapping[int, int]
) -> list[dict[int, tuple[int, ...]]]:
    """Give for both builds, per partition, the number of rows between the bounds and these sums over them."""
    partitions = list(bound.most)
    query = f"""
    SELECT log_partition, {", ".join(["count()", *sums])} FROM {{table}}
    WHERE {bound.column} <= transform(log_partition, {{partitions:Array(UInt16)}}, {{most:Array(Int64)}}, -1)
      AND {bound.column} > transform(log_partition, {{partitions:Array(UInt16)}}, {{beyond:Array(Int64)}}, -1)
    GROUP BY log_partition
    """  # noqa: S608 - own names
    parameters = {
        "partitions": partitions,
        "most": [bound.most[partition] for partition in partitions],
        "beyond": [beyond.get(partition, -1) for partition in partitions],
    }
    return [
        {
            int(partition): tuple(map(int, found))
            for partition, *found in client.query(
                query.replace("{table}", table), parameters=parameters
            ).result_rows
        }
        for table in (EVENTS_TABLE, NEXT_EVENTS_TABLE)
    ]


def _common_columns(client: Client) -> list[str]:
    ours, theirs = (
        [name for (name,) in client.query(_COLUMNS, parameters={"table": table}).result_rows]
        for table in (EVENTS_TABLE, NEXT_EVENTS_TABLE)
    )
    return [name for name in ours if name in theirs]


def _lift(client: Client, cluster: str) -> None:
    client.command(f"ALTER TABLE {EVENTS_TABLE}{on_cluster(cluster)} DROP CONSTRAINT IF EXISTS {_FENCE}")
