"""`liudan warehouse`: the tables and views in ClickHouse, and how far their schema is."""

from contextlib import closing
from pathlib import Path

import click

from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.clickhouse.migrate import Change, status
from infra.clickhouse.migrate import migrate as migrate_warehouse
from infra.settings import Settings


@click.group()
def warehouse() -> None:
    """Look at the tables and views in ClickHouse, or bring them up to date."""


@warehouse.command("status")
@home_option
def show_status(home: Path | None) -> None:
    """Say of every migration and view whether it was applied, and when."""
    with Installation(Settings.load(home)) as parts, closing(parts.clickhouse()) as client:
        for change in status(client):
            when = f"{change.applied_at:%Y-%m-%d %H:%M:%S %Z}" if change.applied_at else "not applied"
            click.echo(f"{_named(change)}  {when}")


@warehouse.command()
@home_option
@click.option("--dry-run", is_flag=True, help="Print the statements that would be run, and run none.")
def migrate(home: Path | None, dry_run: bool) -> None:
    """Apply the migrations and views that are missing; the projector does so by itself when it starts."""
    with Installation(Settings.load(home)) as parts, closing(parts.clickhouse()) as client:
        cluster = parts.settings.clickhouse_cluster
        if dry_run:
            _print([change for change in status(client) if change.applied_at is None], cluster)
            return
        done = migrate_warehouse(client, cluster)
    for change in done:
        click.echo(f"{_named(change)}  applied")
    if not done:
        click.echo("everything is applied")


def _print(missing: list[Change], cluster: str) -> None:
    for change in missing:
        click.echo(f"-- {_named(change)}")
        for statement in change.file.statements(cluster):
            click.echo(f"{statement};\n")


def _named(change: Change) -> str:
    return f"{change.kind:9} {change.file.number:04d} {change.file.name:24}"
