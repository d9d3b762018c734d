"""Which tickets wait behind an event that cannot be landed, kept in ClickHouse itself.

A ticket's standing is that of its newest row. `releasing` keeps a running consumer from setting more of the
ticket's events aside while those that were set aside before are landed.
"""

from collections.abc import Collection, Sequence
from typing import Literal

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from infra.clickhouse.insert_once import insert_once
from infra.clickhouse.schema import PARKED_TABLE

Standing = Literal["parked", "releasing", "released"]

_STANDING = f"""
SELECT number, toString(argMax(standing, changed_at)) AS now FROM {PARKED_TABLE}
WHERE build = {{build:UInt32}}
GROUP BY number HAVING now != 'released'
"""  # noqa: S608 - only our own table name


def standing_of_all(client: Client, build: int) -> dict[str, Standing]:
    """Give every ticket that is not released in a build, with its standing."""
    rows: Sequence[tuple[str, Standing]] = [
        (number, now) for number, now in client.query(_STANDING, parameters={"build": build}).result_rows
    ]
    return dict(rows)


def waiting(client: Client, build: int, numbers: Collection[str]) -> bool:
    """Tell whether all of these may have more of their events set aside."""
    standing = standing_of_all(client, build)
    return all(standing.get(number) == "parked" for number in numbers)


def set_standing(client: Client, build: int, number: str, standing: Standing, reason: str = "") -> None:
    """Add the ticket's newest standing."""
    row = {"number": [number], "standing": [standing], "reason": [reason], "build": [build]}
    insert_once(client, PARKED_TABLE, pa.table(row))
