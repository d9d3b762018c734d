"""`liudan sla accountability`: whom a month's broken limits are charged to."""

import dataclasses
from datetime import datetime
from pathlib import Path

import click
import orjson

from consumers.catch_up import catch_up
from domain.months import month_of, month_span
from domain.regions import Region
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.read_store.accountability_query import SqlAccountabilityQueries
from infra.read_store.clock_rows import SlaClocksProjection
from infra.tickets import utc_now
from projections.sla_accountability import Charges, Period
from projections.sla_clocks import BreachFilter

_HOUR = 3600


@click.command()
@home_option
@click.option("--region", default=None, help="In this region only, for example 622901.")
@click.option("--period", default=None, metavar="MONTH", help="For example 2026-11; default this month.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="Default: now, and for imported cases that are open, when their source last spoke.",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with the tickets behind each sum.")
def accountability(
    home: Path | None,
    region: str | None,
    period: str | None,
    as_of: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Sum a month's broken limits by the unit they are charged to, the latest first."""
    now = as_of or utc_now()
    month = period or month_of(now)
    span = Period(*month_span(month))
    wanted = BreachFilter(region=Region.parse(region) if region else None)
    with Installation.at(home) as parts:
        catch_up(parts, SlaClocksProjection())
        known_until = {} if as_of else parts.home.known_until()
        charges = SqlAccountabilityQueries(parts.reads).charges(
            wanted, span, as_of=now, known_until=known_until, limit=limit
        )
    if as_json:
        found = {"period": month, **dataclasses.asdict(charges)}
        click.echo(orjson.dumps(found, _named, orjson.OPT_UTC_Z | orjson.OPT_INDENT_2))
    else:
        _show(charges, month)


def _show(charges: Charges, month: str) -> None:
    for line in charges.lines:
        worst = f"  worst {line.worst[0].number}" if line.worst else ""
        click.echo(
            f"{line.level or '–':10}  {line.unit or '–':32}  {line.clock:9}  {line.breaches:6} breaches  "
            f"{line.running:6} running  {line.overdue_seconds / _HOUR:10.1f} h late{worst}"
        )
    click.echo(
        f"{month}: {charges.breaches} breaches in {charges.lines_in_all} lines, "
        f"{charges.overdue_seconds / _HOUR:.1f} h late in all"
    )


def _named(value: object) -> object:
    """What orjson does not write by itself: rows with names."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(type(value))
