"""Events landed in a test's ClickHouse, and the matters made of them."""

from collections.abc import Iterable, Sequence
from contextlib import closing

from domain.cloudevent import encode
from domain.ticket_event import TicketEvent
from infra.clickhouse.indicators.matter_tables import refresh
from infra.clickhouse.landing import Landing
from infra.event_log.port import LogRecord
from infra.event_log.sink import Step
from tests.services.clickhouse import Endpoint

BATCH = 400
"""Several parts."""


def land(endpoint: Endpoint, events: Iterable[TicketEvent], first: int = 0) -> int:
    """Land events in partition 0 from an offset on, and give the next one."""
    records = [
        LogRecord(0, offset, event.number, encode(event), offset + 1)
        for offset, event in enumerate(events, start=first)
    ]
    with closing(Landing(endpoint.client)) as landing:
        landing.start_offsets([0])
        for start in range(0, len(records), BATCH):
            batch = records[start : start + BATCH]
            landing.apply(batch, {0: Step(batch[0].offset, batch[-1].offset + 1)})
    return first + len(records)


def land_tickets(endpoint: Endpoint, histories: Sequence[Sequence[TicketEvent]]) -> None:
    """Land whole histories and bring the matters up to date."""
    land(endpoint, (event for history in histories for event in history))
    with closing(endpoint.client()) as client:
        refresh(client)
