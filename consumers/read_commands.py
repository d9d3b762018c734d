"""Commands that ask the read models."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import orjson

from consumers.accountability_command import accountability
from consumers.catch_up import catch_up
from domain.regions import Region
from domain.vocabulary import ClockKind
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.read_store.clock_queries import SqlClockQueries
from infra.read_store.clock_rows import SlaClocksProjection
from infra.tickets import utc_now
from projections.page import MAX_LIMIT
from projections.sla_clocks import Breach, BreachFilter, ClockQueries, KnownUntil

_PRINTED = (
    "number",
    "source_id",
    "clock",
    "due_at",
    "breached_at",
    "stopped_at",
    "region",
    "level",
    "holder",
)


@click.group()
def sla() -> None:
    """Limits that were broken."""


@sla.command()
@home_option
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="Default: now, and for imported cases that are open, when their source last spoke.",
)
@click.option("--region", default=None, help="In this region only, for example 622901.")
@click.option(
    "--clock", type=click.Choice([each.value for each in ClockKind]), default=None, help="Of this clock only."
)
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
def breaches(
    home: Path | None, as_of: datetime | None, region: str | None, clock: str | None, form: str
) -> None:
    """List the breaches, each dated at the moment its limit passed."""
    wanted = BreachFilter(
        region=Region.parse(region) if region else None, clock=ClockKind(clock) if clock else None
    )
    with Installation.at(home) as parts:
        catch_up(parts, SlaClocksProjection())
        known_until = parts.home.known_until() if as_of is None else {}
        for breach in _all(SqlClockQueries(parts.reads), wanted, as_of or utc_now(), known_until):
            row = {name: getattr(breach, name) for name in _PRINTED}
            if form == "jsonl":
                sys.stdout.buffer.write(
                    orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
                )
            else:
                click.echo("  ".join(str(value) if value is not None else "–" for value in row.values()))


sla.add_command(accountability)


def _all(
    clocks: ClockQueries, wanted: BreachFilter, as_of: datetime, known_until: KnownUntil
) -> Iterator[Breach]:
    cursor = None
    while True:
        page = clocks.breaches(wanted, as_of=as_of, known_until=known_until, limit=MAX_LIMIT, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
