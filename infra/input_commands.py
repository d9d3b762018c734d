"""Commands that bring tickets in: the import of real cases, and the simulation of a day."""

import asyncio
from datetime import datetime
from pathlib import Path

import click

from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.importing.formats import FORMATS, format_named
from infra.importing.run import import_file
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
    help="Write every row that could not be taken, with the reason, as JSON lines.",
)
@home_option
def import_command(file: Path, source: str, report: Path | None, home: Path | None) -> None:  # fmt: skip
    """Import another system's cases, as they are. Doing it again adds nothing."""
    with Installation.at(home) as parts, progress_bar(f"importing {file.name}") as progress:
        result = asyncio.run(
            import_file(parts.tickets, file, format_named(source), report=report, progress=progress)
        )
    click.echo(
        f"{result.read} rows read: {result.imported} imported, {result.repeated} imported before, "
        f"{result.refused} refused"
    )


@click.command("simulate")
@click.option("--tickets", "count", type=click.IntRange(1, 1_000_000), default=500, show_default=True)
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="When the simulated day ends; default now.",
)
@home_option
def simulate_command(count: int, seed: int, until: datetime | None, home: Path | None) -> None:  # fmt: skip
    """Play residents and officers of Linxia through a day; the same seed gives the same day."""
    with Installation.at(home) as parts, progress_bar("simulating a day in Linxia") as progress:
        result = asyncio.run(
            simulate(parts.tickets, seed=seed, count=count, until=until or utc_now(), progress=progress)
        )
    click.echo(f"{result.tickets} tickets, {result.commands} commands, {result.events} events")
