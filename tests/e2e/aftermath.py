"""What must hold when the dust has settled: nothing lost, nothing twice, every copy the same."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from eventsourcing.persistence import Notification

from consumers.catch_up import catch_up
from domain.cloudevent import decode
from domain.ticket_event import TicketEvent
from infra.bootstrap import Installation
from infra.clickhouse.schema import EVENTS_TABLE
from infra.event_log.port import TICKETS_TOPIC
from infra.event_store.port import EventStore
from infra.read_store.clock_rows import SlaClocksProjection
from infra.read_store.open import ReadStore
from infra.read_store.schema import SLA_CLOCKS, TICKET_STATE
from infra.read_store.ticket_rows import TicketStateProjection
from infra.settings import EMBEDDED, LogKind, Settings
from projections.ticket_events import COLUMNS, landing_row
from tests.e2e.story import Acknowledged

_PAGE = 2000
_NAMES = [column.name for column in COLUMNS]


def check_everything(parts: Installation, acknowledged: Collection[Acknowledged], scratch: Path) -> int:
    """Compare every copy with the store, once all have caught up; gives the number of events."""
    stored = list(all_events(parts.store))
    check_commands(parts.store, stored, acknowledged)
    check_read_models(parts, scratch)
    check_clickhouse(parts, stored)
    if parts.log_kind is LogKind.KAFKA:
        check_kafka(parts, stored)
    return len(stored)


def all_events(store: EventStore) -> Iterator[Notification]:
    """Read the store from its beginning."""
    position = 0
    while page := store.read(position, _PAGE):
        yield from page
        position = page[-1].id


def check_commands(
    store: EventStore, stored: Sequence[Notification], acknowledged: Collection[Acknowledged]
) -> None:
    """No answered command is lost, none was done twice, and every ticket's versions have no gap."""
    events = [decode(each.state) for each in stored]
    by_ticket: dict[str, list[TicketEvent]] = defaultdict(list)
    by_command: dict[UUID, list[TicketEvent]] = defaultdict(list)
    for event in events:
        by_ticket[event.number].append(event)
        by_command[event.command_id].append(event)
    for number, history in by_ticket.items():
        assert [event.sequence for event in history] == list(range(1, len(history) + 1)), number
    for command_id, done in by_command.items():
        assert len({type(event.payload) for event in done}) == len(done), f"{command_id} was done twice"
        assert len({event.number for event in done}) == 1, f"{command_id} made two tickets"
        receipt = store.receipt(command_id)
        assert receipt is not None
        assert receipt.version == done[-1].sequence, command_id
    for answer in acknowledged:
        assert answer.command_id in by_command, f"{answer} was answered and is lost"
        last = by_command[answer.command_id][-1]
        assert (last.number, last.sequence) == (answer.number, answer.version)


def check_read_models(parts: Installation, scratch: Path) -> None:
    """The SQL read models hold what a replay into an empty database gives."""
    settings = Settings.model_validate(
        {"home": scratch, "event_store": parts.settings.event_store_url, "kafka": EMBEDDED}
    )
    with Installation(settings) as fresh:
        fresh.home.create()
        for projection in (TicketStateProjection(), SlaClocksProjection()):
            catch_up(fresh, projection)
        for table in (TICKET_STATE, SLA_CLOCKS):
            assert _rows(parts.reads, table) == _rows(fresh.reads, table), table.name


def check_clickhouse(parts: Installation, stored: Sequence[Notification]) -> None:
    """Every event has one row in ClickHouse, with what its bytes say in every column."""
    query = f"SELECT {', '.join(_NAMES)} FROM {EVENTS_TABLE}"
    with closing(parts.clickhouse()) as client:
        rows = [
            {
                name: str(value) if isinstance(value, UUID) else value
                for name, value in zip(_NAMES, row, strict=True)
            }
            for row in client.query(query).result_rows
        ]
    landed = {row["event_id"]: row for row in rows}
    twice = [event_id for event_id, times in Counter(row["event_id"] for row in rows).items() if times > 1]
    expected = {str(row["event_id"]): dict(row) for row in map(_landing_row, stored)}
    assert not twice, f"{len(twice)} events were landed twice"
    missing = expected.keys() - landed.keys()
    assert not missing, f"{len(missing)} of {len(expected)} events were not landed"
    assert landed == expected


def check_kafka(parts: Installation, stored: Sequence[Notification]) -> None:
    """The topic has every event's bytes, first copies in order within each ticket."""
    seen: set[bytes] = set()
    published: dict[str, list[bytes]] = defaultdict(list)
    for record in parts.event_log.history(TICKETS_TOPIC):
        if record.value not in seen:
            seen.add(record.value)
            published[record.key].append(record.value)
    expected: dict[str, list[bytes]] = defaultdict(list)
    for each in stored:
        expected[decode(each.state).number].append(bytes(each.state))
    assert published == expected


def _landing_row(stored: Notification) -> dict[str, object]:
    return dict(landing_row(stored.state, decode(stored.state).number))


def _rows(reads: ReadStore, table: sa.Table) -> list[tuple[object, ...]]:
    key = list(table.primary_key.columns)
    with reads.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(*key))]
