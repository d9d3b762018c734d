"""Region × class × month: how many matters were placed, closed and late, and how long they took.

The count is of tickets, not of events: each ticket counts once, in the month in which it was placed (its
cohort), as it stood at `as_of`. It is computed from the newest event of each ticket up to then, so that a
reopened ticket is open again and a matter that moved to another region counts there only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isnan

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from domain.errors import Invalid
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.schema import EVENTS_TABLE

MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class RollupRow:
    """One region, one class, one month of placing."""

    region: str
    """Cut to the depth that was asked for; a ticket known less deeply stays under what is known."""
    matter_class: str
    """Empty where the source of an imported ticket knows no classes."""
    month: date
    placed: int
    closed: int
    """In state `closed` at `as_of`: rated, lapsed or imported as closed."""
    overdue: int
    """Resolved or ended after the resolve deadline, or unresolved past it; on hold the clock stands still."""
    median_resolve_seconds: float | None
    """From placing to resolving, calendar time; None while nothing is resolved."""


# `newest` is the state of every ticket after its last event, in one pass; `held_at` is when it was last put
# on hold, where the clock of a suspended ticket stands still.
_ROLLUP = f"""
WITH
    {{as_of:DateTime64(6, 'UTC')}} AS as_of,
    newest AS
    (
        SELECT
            number,
            argMax(
                tuple(region, matter_class, state, placed_at, resolve_due, resolved_at, closed_at, suspended),
                sequence
            ) AS ticket,
            maxIf(occurred_at, type = 'liudan.ticket.ticket-suspended.v1') AS held_at
        FROM {EVENTS_TABLE}
        WHERE occurred_at <= as_of
        GROUP BY number
    ),
    matters AS
    (
        SELECT
            ticket.1 AS region,
            ticket.2 AS class,
            ticket.3 AS state,
            ticket.4 AS placed_at,
            ticket.5 AS due,
            ticket.6 AS resolved_at,
            coalesce(resolved_at, ticket.7, if(ticket.8, held_at, as_of)) AS stopped_at,
            toStartOfMonth(placed_at, {{time_zone:String}}) AS month
        FROM newest
    )
SELECT
    if(match(region, '^[0-9]'),
       substring(region, 1, {{digits:UInt8}}),
       arrayStringConcat(arraySlice(splitByChar(':', region), 1, {{depth:UInt8}}), ':')) AS place,
    class,
    month,
    count() AS placed,
    countIf(state = 'closed') AS closed,
    countIf(due IS NOT NULL AND stopped_at > due) AS overdue,
    quantileExactInclusiveIf(0.5)(
        dateDiff('microsecond', placed_at, ifNull(resolved_at, placed_at)),
        resolved_at IS NOT NULL AND resolved_at >= placed_at
    ) / 1e6 AS median_seconds
FROM matters
WHERE month BETWEEN {{month_from:Date}} AND {{month_to:Date}}
  AND ({{prefix:String}} = '' OR region = {{prefix:String}} OR startsWith(region, {{below:String}}))
GROUP BY place, class, month
ORDER BY place, class, month
"""  # noqa: S608 - only our own table name; what callers give are bound parameters
_DIGITS: Mapping[int, int] = {1: 2, 2: 4, 3: 6, 4: 9, 5: 12}


def regional_rollup(
    client: Client,
    *,
    region_prefix: str = "",
    depth: int,
    as_of: datetime,
    month_from: date,
    month_to: date,
    time_zone: str = "Asia/Shanghai",
) -> list[RollupRow]:
    """Give the roll-up of all tickets in `region_prefix` (empty: everywhere), ordered by its keys.

    `depth`: 1 province, 2 prefecture, 3 county, 4 township, 5 village, or that many parts of a foreign code.
    Months are those of `time_zone`, both ends included; `as_of` must be aware. A resolution before the
    placing (there are such in real data) is left out of the median. Raises Invalid, ClickHouseUnavailable.
    """
    if depth not in _DIGITS:
        raise Invalid(f"depth is 1 to {MAX_DEPTH}", field="depth")
    if as_of.tzinfo is None:
        raise Invalid("as_of needs a time zone", field="as_of")
    parameters = {
        "prefix": region_prefix,
        "below": region_prefix if region_prefix[:1].isdigit() else f"{region_prefix}:",
        "depth": depth,
        "digits": _DIGITS[depth],
        "as_of": as_of.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "month_from": month_from.replace(day=1),
        "month_to": month_to.replace(day=1),
        "time_zone": time_zone,
    }
    try:
        rows = client.query(_ROLLUP, parameters=parameters).result_rows
    except ClickHouseError as error:
        raise ClickHouseUnavailable(f"the roll-up cannot be computed: {error}") from error
    return [
        RollupRow(place, matter_class, month, placed, closed, overdue, None if isnan(median) else median)
        for place, matter_class, month, placed, closed, overdue, median in rows
    ]
