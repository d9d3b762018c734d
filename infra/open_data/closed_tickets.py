"""The closed tickets of a period, as ClickHouse has them: counted by cell, and row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.schema import EVENTS_TABLE
from projections.open_data import Cell

# The newest event of a ticket says how it stands; a reopened one is not closed.
_CLOSED = f"""
FROM
(
    SELECT
        number,
        t.1 AS region, t.2 AS category, t.3 AS matter_class, t.4 AS urgency, t.5 AS channel, t.6 AS state,
        t.7 AS outcome, t.8 AS origin, t.9 AS placed_at, t.10 AS resolve_due, t.11 AS resolved_at,
        t.12 AS closed_at, t.13 AS returns, t.14 AS cycle
    FROM
    (
        SELECT
            number,
            argMax(
                tuple(region, category, matter_class, urgency, channel, state, end, origin, placed_at,
                      resolve_due, resolved_at, closed_at, returns, cycle),
                sequence
            ) AS t
        FROM {EVENTS_TABLE}
        GROUP BY number
    )
)
WHERE state = 'closed'
  AND toDate(closed_at, 'Asia/Shanghai') BETWEEN {{first:Date}} AND {{last:Date}}
  AND ({{region:String}} = '' OR startsWith(region, {{region:String}}))
"""  # noqa: S608 - only our own table name; what callers give are bound parameters
_CELLS = f"""
SELECT region, category, toStartOfMonth(closed_at, 'Asia/Shanghai') AS month, count() AS tickets {_CLOSED}
GROUP BY region, category, month
"""
# In an order that says nothing: sorted by place or time, rows would tell what was coarsened away.
_ROWS = f"""
SELECT number, region, category, toStartOfMonth(closed_at, 'Asia/Shanghai') AS month,
    toStartOfMonth(placed_at, 'Asia/Shanghai') AS placed_month,
    matter_class, urgency, channel, outcome, origin,
    if(resolved_at < placed_at, NULL, dateDiff('day', placed_at, ifNull(resolved_at, closed_at))) AS days,
    if(resolve_due IS NULL, NULL, ifNull(resolved_at, closed_at) <= resolve_due) AS on_time,
    returns > 0 AS returned, cycle > 1 AS reopened {_CLOSED}
ORDER BY sipHash128Keyed(({{key_low:UInt64}}, {{key_high:UInt64}}), number)
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which closed tickets: the days of their closing in China, both included, and where."""

    first: date
    last: date
    region: str = ""
    """Code prefix; empty for everywhere."""


class ClosedTicket(NamedTuple):
    """One ticket, as much of it as may be published; `number` is only there to make a pseudonym of."""

    number: str
    region: str
    category: str
    month: date
    placed_month: date
    matter_class: str
    urgency: str
    channel: str
    outcome: str
    origin: str
    days: int | None
    on_time: bool | None
    returned: bool
    reopened: bool

    @property
    def cell(self) -> Cell:
        """Where, what about and when."""
        return Cell(self.region, self.category, self.month)


def count_cells(client: Client, wanted: Selection) -> dict[Cell, int]:
    """Count the tickets of every cell. Raises ClickHouseUnavailable."""
    try:
        rows = client.query(_CELLS, parameters=_parameters(wanted)).result_rows
    except ClickHouseError as error:
        raise ClickHouseUnavailable(f"the closed tickets cannot be counted: {error}") from error
    return {Cell(region, category, month): tickets for region, category, month, tickets in rows}


def closed_tickets(client: Client, wanted: Selection, key: tuple[int, int]) -> Iterator[list[ClosedTicket]]:
    """Give the tickets block by block, in the order of a hash under `key`. Raises ClickHouseUnavailable."""
    parameters = _parameters(wanted) | {"key_low": key[0], "key_high": key[1]}
    try:
        with client.query_row_block_stream(_ROWS, parameters=parameters) as blocks:
            for block in blocks:
                yield [_ticket(row) for row in block]
    except ClickHouseError as error:
        raise ClickHouseUnavailable(f"the closed tickets cannot be read: {error}") from error


def _ticket(row: Sequence[object]) -> ClosedTicket:
    ticket = ClosedTicket(*row)  # type: ignore[arg-type]  # typed by the statement
    on_time = None if ticket.on_time is None else bool(ticket.on_time)
    return ticket._replace(on_time=on_time, returned=bool(ticket.returned), reopened=bool(ticket.reopened))


def _parameters(wanted: Selection) -> dict[str, object]:
    return {"first": wanted.first, "last": wanted.last, "region": wanted.region}
