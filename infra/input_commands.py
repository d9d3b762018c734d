"""Commands that bring tickets in: the import of real cases, and the simulation of a day."""

import asyncio
from datetime import datetime
from pathlib import Path

import click

from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.importing.formats import FORMATS, format_named
from infra.importing.into_home import import_into, read_as_of
from infra.past_time import deadlines_unwatched
from infra.progress_bar import progress_bar
from infra.simulation.run import simulate
from infra.tickets import utc_now


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "source", type=click.Choice(sorted(FORMATS)), required=True)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write every row that could not be taken, and what is odd in the others, as JSON lines.",
)
@click.option(
    "--as-of",
    default=None,
    metavar="TIME",
    help="Up to when the file's open cases are known; in the source's local time, or with an offset. "
    "Default: the last time in it at which something happened.",
)
@home_option
def import_command(
    file: Path, source: str, report: Path | None, as_of: str | None, home: Path | None
) -> None:
    """Import another system's cases, as they are. Doing it again adds nothing."""
    chosen = format_named(source)
    with Installation.at(home) as parts:
        moment = read_as_of(as_of, chosen) if as_of else None
        result = asyncio.run(import_into(parts, file, chosen, report=report, as_of=moment))
    click.echo(
        f"{result.read} rows read: {result.imported} imported, {result.repeated} imported before, "
        f"{result.refused} refused; {result.odd} with something odd"
    )
    if result.known_until is not None:
        click.echo(f"what is open is known up to {result.known_until:%Y-%m-%dT%H:%M:%SZ}")


@click.command("simulate")
@click.option("--tickets", "count", type=click.IntRange(1, 1_000_000), default=500, show_default=True)
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option("--days", type=click.IntRange(1, 3660), default=1, show_default=True, help="How many days.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="When the last simulated day ends; default now.",
)
@home_option
def simulate_command(count: int, seed: int, days: int, until: datetime | None, home: Path | None) -> None:
    """Play residents and officers of Linxia through days; the same options give the same days."""
    with (
        Installation.at(home) as parts,
        deadlines_unwatched(parts.store),
        progress_bar("simulating Linxia") as progress,
    ):
        result = asyncio.run(
            simulate(
                parts.tickets,
                seed=seed,
                count=count,
                until=until or utc_now(),
                days=days,
                progress=progress,
            )
        )
    click.echo(f"{result.tickets} tickets, {result.commands} commands, {result.events} events")
