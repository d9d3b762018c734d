"""`liudan rebuild`: build a read model anew beside the one that serves, compare, and exchange them."""

from pathlib import Path

import click

from consumers.rebuild_analytics import AnalyticsRebuild, Source
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.progress_bar import progress_bar


@click.group()
def rebuild() -> None:
    """Build a read model anew while the present one serves."""


@rebuild.command()
@home_option
@click.option(
    "--from", "source", type=click.Choice([each.value for each in Source]), default="auto", show_default=True,
    help="The log, or the event store; auto takes the store where the log has lost its beginning.",
)  # fmt: skip
@click.option("--accept-differences", is_flag=True, help="Exchange the builds although they differ.")
def analytics(home: Path | None, source: str, accept_differences: bool) -> None:
    """Build ClickHouse's landing table anew; a rebuild that was killed is gone on with."""
    with Installation.at(home) as parts, progress_bar("rebuilding the analytics") as progress:
        build = AnalyticsRebuild(
            parts, source=Source(source), accept_differences=accept_differences, progress=progress
        ).run()
    click.echo(f"build {build} of the analytics serves")
