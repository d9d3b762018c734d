"""`liudan retention`: erase people whose matters have been over for long enough."""

import asyncio
from datetime import datetime
from pathlib import Path

import click
import orjson

from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.event_store.port import StoreUnavailable
from infra.privacy.retention import LOCK, read_retention
from infra.tickets import utc_now


@click.group()
def retention() -> None:
    """How long personal data are kept after a matter is over."""


@retention.command()
@home_option
@click.option("--dry-run", is_flag=True, help="Print who would be erased, and erase nobody.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="With --dry-run: who would be erased then; default now.",
)
def run(home: Path | None, dry_run: bool, as_of: datetime | None) -> None:
    """Carry out the rules now; `liudan watch` does it every day."""
    if as_of and not dry_run:
        raise click.UsageError("--as-of is for --dry-run only: nobody is erased before their time")
    with Installation.at(home) as parts, parts.store.lock(LOCK) as mine:
        if not mine:
            raise StoreUnavailable("the retention rules are being carried out already; wait for the end")
        if not dry_run:
            click.echo(f"{asyncio.run(parts.retention.run(utc_now()))} people erased")
            return
        parts.retention.catch_up()
        for due in parts.retention.due(as_of or utc_now()):
            click.echo(orjson.dumps(due))


@retention.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
def check(file: Path | None) -> None:
    """Check a retention file, by default the shipped one, and print it as it is understood."""
    click.echo(read_retention(file).model_dump_json(indent=2))
