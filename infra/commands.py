"""Commands for the parts that live in this room: the broker, the ClickHouse endpoint, tickets, settings."""

import asyncio
import os
import signal
import threading
from datetime import datetime
from pathlib import Path

import click
import orjson
from pydantic import TypeAdapter

from domain.numbers import TicketNumber
from domain.ticket import Ticket
from infra.account_commands import accountability, deadlines
from infra.bootstrap import Installation
from infra.broker.broker import BrokerError
from infra.broker.run import run_broker
from infra.cli_options import home_option
from infra.settings import Settings
from infra.tickets import utc_now


@click.command()
@home_option
@click.option("--port", type=int, default=None, help="Port for clients; default a free one, kept for later.")
@click.option("--nodes", type=click.Choice(["1", "3"]), default="1", help="One node, or a cluster of three.")
def broker(home: Path | None, port: int | None, nodes: str) -> None:
    """Run a real Kafka broker over the data folder until it is stopped."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with (
        Installation.at(home) as parts,
        run_broker(parts.home.folder, port=port, nodes=int(nodes)) as cluster,
    ):
        click.echo(f"Kafka is ready at {cluster.bootstrap}")
        while not stop.wait(0.5):
            if not cluster.is_running():
                raise BrokerError(f"a broker process has ended; see {cluster.folder}")


@click.command()
@home_option
@click.option("--port", type=click.IntRange(1, 65535), default=8123, show_default=True)
def clickhouse(home: Path | None, port: int) -> None:
    """Serve the embedded ClickHouse engine over the ClickHouse HTTP protocol on loopback."""
    from infra.clickhouse.endpoint import serve

    with Installation.at(home) as parts:
        folder = parts.home.clickhouse
        folder.mkdir(exist_ok=True)
    serve(folder, port)


@click.group()
def ticket() -> None:
    """Look at one ticket."""


@ticket.command()
@click.argument("number")
@home_option
@click.option("--version", type=int, default=None, help="As it was at this version.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), default=None, help="As it was then.")
def show(number: str, home: Path | None, version: int | None, as_of: datetime | None) -> None:
    """Print a ticket as JSON, now or at an earlier point."""
    parsed = TicketNumber.parse(number)
    with Installation.at(home) as parts:
        if version is None and as_of is None:
            found = asyncio.run(parts.tickets.get(parsed))
        else:
            found = asyncio.run(parts.tickets.get_at(parsed, version=version, as_of=as_of))
        click.echo(TypeAdapter(Ticket).dump_json(found, indent=2, exclude={"stream_id"}))


@ticket.command()
@click.argument("number")
@home_option
def history(number: str, home: Path | None) -> None:
    """Print a ticket's events as they are stored, one CloudEvents object a line."""
    with Installation.at(home) as parts:
        for event in asyncio.run(parts.tickets.history(TicketNumber.parse(number))):
            click.echo(event.state)


ticket.add_command(deadlines)
ticket.add_command(accountability)


@click.command()
@home_option
def config(home: Path | None) -> None:
    """Print the settings in force, and what is running on the data folder."""
    settings = Settings.load(home)
    with Installation(settings) as parts:
        running = parts.home.running()
        click.echo(
            orjson.dumps(
                {
                    "home": str(settings.home),
                    "event_store": _without_password(settings.event_store_url),
                    "read_store": _without_password(settings.read_store_url),
                    "log": parts.log_kind,
                    "policy": parts.rulebook.in_force(utc_now()).version,
                    "dev_identity": settings.dev_identity,
                    "running": running,
                    "variables": sorted(name for name in os.environ if name.startswith("LIUDAN_")),
                },
                option=orjson.OPT_INDENT_2,
            )
        )


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)
