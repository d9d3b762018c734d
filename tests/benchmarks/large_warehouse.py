"""A warehouse with millions of real events: the histories of a town, copied inside ClickHouse."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client

from domain.cloudevent import encode
from infra.clickhouse.indicators.matter_tables import refresh
from infra.clickhouse.landing import Landing
from infra.clickhouse.migrate import migrate
from infra.clickhouse.schema import EVENTS_TABLE
from infra.event_log.port import LogRecord
from infra.event_log.sink import Step
from tests.benchmarks.landing import clickhouse_endpoint
from tests.benchmarks.measure import Place
from tests.random_towns import town_histories

_TICKETS, _DAYS = 1000, 20
_COPIES_AT_ONCE = 50
_SHIFTED = (
    "occurred_at", "recorded_at", "placed_at", "stage_entered_at", "stage_due", "resolve_due", "rating_due",
    "resolved_at", "closed_at",
)  # fmt: skip
_TOWNSHIP = "leftPad(toString(copy % 15), 3, '0')"
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def large_warehouse(place: Place, events: int) -> Iterator[tuple[Client, Callable[[], Client]]]:
    """Fill an endpoint of its own with at least so many events, and bring the matters up to date.

    Gives a client, and what opens further ones.
    """
    with clickhouse_endpoint(place) as open_client, closing(open_client()) as client:
        migrate(client)
        histories = town_histories(5, _BEGIN, _TICKETS, _DAYS)
        stored = [(event.number, encode(event)) for history in histories for event in history]
        records = [LogRecord(0, n, number, value, n + 1) for n, (number, value) in enumerate(stored)]
        with closing(Landing(open_client)) as landing:
            landing.start_offsets([0])
            landing.apply(records, {0: Step(0, len(records))})
        copies = -(-events // len(records))
        for first in range(1, copies, _COPIES_AT_ONCE):
            _copy(client, len(records), first, min(_COPIES_AT_ONCE, copies - first), copies)
        client.command(f"OPTIMIZE TABLE {EVENTS_TABLE} FINAL")
        refresh(client)
        yield client, open_client


def _copy(client: Client, events: int, first: int, copies: int, of: int) -> None:
    """Other tickets with the same histories, in other villages and spread over a year."""
    shift = f"intDiv(300 * copy, {of})"
    changed = ", ".join(
        [f"{name} + toIntervalDay({shift}) AS {name}" for name in _SHIFTED]
        + [
            "generateUUIDv4() AS event_id",
            "concat(number, toString(copy)) AS number",
            f"concat(substring(region, 1, 6), {_TOWNSHIP}, substring(region, 10)) AS region",
            f"log_offset + {events} * copy AS log_offset",
            f"store_position + {events} * copy AS store_position",
        ]
    )
    client.command(
        f"INSERT INTO {EVENTS_TABLE} SELECT * EXCEPT (copy) REPLACE ({changed}) "
        f"FROM (SELECT * FROM {EVENTS_TABLE} WHERE log_offset < {events}) AS first "
        f"CROSS JOIN (SELECT number + {first} AS copy FROM numbers({copies})) AS copies"
    )
