"""`liudan api`: serve HTTP, one process; start as many as there are cores on a server's event store."""

from contextlib import closing
from pathlib import Path

import click

from api.app import Parts, create_app
from api.health import Check, Health
from api.server import serve
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.event_log.port import TICKETS_TOPIC
from infra.exposure import check_exposure
from infra.read_store.accountability_query import SqlAccountabilityQueries
from infra.read_store.clock_queries import SqlClockQueries
from infra.read_store.ticket_queries import SqlTicketQueries
from infra.ticket_receipts import TicketReceipts


@click.command()
@home_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
def api(home: Path | None, host: str, port: int) -> None:
    """Serve the HTTP API."""
    with Installation.at(home) as parts:
        dev_identity = parts.settings.dev_identity
        check_exposure(host, dev_identity=dev_identity)
        app = create_app(parts_of(parts), dev_identity=dev_identity)
        serve(app, host, port)


def parts_of(parts: Installation) -> Parts:
    """Give the door what an installation has behind it."""
    reads = parts.reads
    return Parts(
        tickets=parts.tickets,
        access_record=parts.access_record,
        ticket_state=SqlTicketQueries(reads),
        sla_clocks=SqlClockQueries(reads),
        accountability=SqlAccountabilityQueries(reads),
        known_until=parts.home.known_until,
        rollup=parts.rollup,
        indicators=parts.indicators,
        oldest_missing=parts.oldest_missing,
        transparency_log=parts.transparency_log,
        receipts=TicketReceipts(parts.store, parts.transparency_log),
        health=_health(parts),
    )


def _health(parts: Installation) -> Health:
    def read_store() -> None:
        with parts.reads.reading():
            pass

    def clickhouse() -> None:
        with closing(parts.clickhouse()) as client:
            client.command("SELECT 1")

    return Health(
        (
            Check("event store", parts.store.last_position),
            Check("read store", read_store),
            Check("event log", lambda: parts.event_log.end_offsets(TICKETS_TOPIC), required=False),
            Check("clickhouse", clickhouse, required=False),
            Check("transparency log", parts.transparency_log.head, required=False),
        )
    )
