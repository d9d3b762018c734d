"""The read store under test, once per database, with sinks on it and events applied."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from domain.ticket_event import TicketEvent
from infra.read_store.open import ReadStore, open_read_store
from infra.read_store.schema import METADATA, SLA_CLOCKS, TICKET_STATE
from projections.sla_clocks import ClockRow
from projections.ticket_state import TicketRow
from tests.read_models import records, sinks


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def read_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/read.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def open_reads(read_url: str) -> Iterator[Callable[[], ReadStore]]:
    """Open the store as often as wanted; all are closed at the end."""
    opened: list[ReadStore] = []

    def open_another() -> ReadStore:
        opened.append(open_read_store(read_url))
        return opened[-1]

    yield open_another
    for store in opened:
        store.close()


@pytest.fixture
def reads(open_reads: Callable[[], ReadStore]) -> ReadStore:
    return open_reads()


def project(reads: ReadStore, events: Sequence[TicketEvent]) -> None:
    """Apply events to every projection, without positions."""
    for sink in sinks(reads):
        sink.apply(records(events), {})


def all_tickets(reads: ReadStore) -> list[TicketRow]:
    with reads.reading() as connection:
        found = connection.execute(sa.select(TICKET_STATE).order_by(TICKET_STATE.c.number))
        return [TicketRow._make(row) for row in found]


def all_clocks(reads: ReadStore) -> list[ClockRow]:
    c = SLA_CLOCKS.c
    with reads.reading() as connection:
        found = connection.execute(sa.select(SLA_CLOCKS).order_by(c.number, c.run, c.started_at, c.clock))
        return [ClockRow._make(row) for row in found]


def forget_everything(reads: ReadStore) -> None:
    with reads.writing() as connection:
        for table in METADATA.tables.values():
            connection.execute(sa.delete(table))
