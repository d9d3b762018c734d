"""`liudan export`: closed tickets as open data."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from domain.errors import Invalid
from domain.regions import Region
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.open_data.closed_tickets import Selection
from infra.open_data.export import WRITERS, export, read_secret
from infra.open_data.layouts import LAYOUTS

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("export")
@click.option("--format", "form", type=click.Choice(list(WRITERS)), required=True)
@click.option("--from", "first", type=_DAY, required=True, help="Closed on this day or later.")
@click.option("--to", "last", type=_DAY, required=True, help="Closed on this day or before.")
@click.option("--region", default="", help="In this region only, for example 622901.")
@click.option("--layout", type=click.Choice(list(LAYOUTS)), default="liudan", show_default=True)
@click.option("--k", type=click.IntRange(1, 1000), default=5, show_default=True,
              help="No cell of region, category and month has fewer rows.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@home_option
def export_command(
    form: str,
    first: datetime,
    last: datetime,
    region: str,
    layout: str,
    k: int,
    out: Path,
    home: Path | None,
) -> None:
    """Write closed tickets without personal data, with a data package that describes them beside it."""
    if last < first:
        raise Invalid("--to lies before --from", field="to")
    wanted = Selection(first.date(), last.date(), str(Region.parse(region)) if region else "")
    with Installation.at(home) as parts, closing(parts.clickhouse()) as client:
        secret = read_secret(parts.home.folder / "open-data.key")
        written = export(client, wanted, LAYOUTS[layout], out=out, form=form, k=k, secret=secret)
    click.echo(
        f"{written.rows} rows in {written.data}, {written.coarsened} of them coarsened; "
        f"{written.suppressed} suppressed (k = {k}); dictionary: {written.package}"
    )
