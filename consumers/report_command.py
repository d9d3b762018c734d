"""`liudan report`: the statistical report 统计分析报告 of a region and a period, as a file."""

from datetime import datetime
from pathlib import Path

import click

from consumers.kpi_command import bring_up_to_date
from domain.periods import Grain, Period
from domain.regions import Region
from domain.vocabulary import Level
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.reports.formats import ReportFormat, rendered
from infra.tickets import utc_now
from projections.reports.compose import compose
from projections.reports.gather import gather
from projections.reports.language import Language
from projections.reports.order import LEVELS, ReportOrder, whole_second


@click.command()
@home_option
@click.option("--region", required=True, help="For example 6229.")
@click.option("--period", default=None, help="2026, 2026-Q3, 2026-10 or 2026-W41; default last month.")
@click.option(
    "--level",
    type=click.Choice([str(level) for level in LEVELS]),
    default=None,
    help="For centres of this level: compares units one level below; default the region's.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([str(form) for form in ReportFormat]),
    default="html",
    show_default=True,
)
@click.option(
    "--language", type=click.Choice([str(one) for one in Language]), default="both", show_default=True
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="As the figures were known then.",
)
@click.option(
    "--position",
    default=None,
    metavar="POSITION",
    help="As the log stood: a position of the event store, or what a report names.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def report(
    home: Path | None,
    region: str,
    period: str | None,
    level: str | None,
    form: str,
    language: str,
    as_of: datetime | None,
    position: str | None,
    out: Path,
) -> None:
    """Write the report of a region and a period. The same position and time give the same report."""
    moment = as_of or whole_second(utc_now())
    last_month = Period.containing(moment, Grain.MONTH).before
    with Installation.at(home) as parts:
        bring_up_to_date(parts)
        order = ReportOrder(
            region=Region.parse(region),
            period=Period.parse(period) if period else last_month,
            as_of=moment,
            level=Level(level) if level else None,
            known_until=parts.home.known_until(),
        )
        order = order.at(position) if position else order
        facts = gather(order, parts.indicators, parts.oldest_missing)
    written = rendered(compose(facts), ReportFormat(form), Language(language))
    out.write_bytes(written)
    click.echo(f"{out}: {len(written)} bytes")
