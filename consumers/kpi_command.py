"""`liudan kpi`: the figures of an indicator on the command line."""

import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click
import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from consumers.matters import refresh_alone
from domain.periods import Grain, Period
from domain.regions import Region
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.clickhouse.migrate import migrate
from infra.tickets import utc_now
from projections.indicators.indicator import Unit
from projections.indicators.question import DIMENSIONS, Breakdown, Question
from projections.indicators.ranking import MINIMUM_CASES
from projections.indicators.registry import REGISTRY, indicator_of
from projections.indicators.table import FigureLine, KpiTable, Wanted, tables

_moment = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])
_UNWATCHED_WIDTH = 160
_HOUR = 3600


@click.command()
@click.argument("name", required=False)
@home_option
@click.option("--list", "listed", is_flag=True, help="List the indicators, with their definitions.")
@click.option("--region", default=None, help="In this region only, for example 6229.")
@click.option(
    "--period", default=None, help="2026, 2026-Q3, 2026-10, 2026-W41 or 2026-10-05; default this month."
)
@click.option("--by", default="", help="For example region:4,class or month.")
@click.option(
    "--where", multiple=True, metavar="DIMENSION=VALUE", help=f"Only these: {', '.join(DIMENSIONS)}."
)
@click.option("--as-of", type=_moment, default=None, help="As the figures were known then.")
@click.option("--position", type=click.IntRange(0), default=None, help="As the log stood at this position.")
@click.option("--compare-with", type=_moment, default=None, help="Show what was said then, too.")
@click.option("--rank", "ranked", is_flag=True, help="Rank the groups by the worse end of their intervals.")
@click.option("--minimum", type=click.IntRange(1), default=MINIMUM_CASES, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, times in UTC.")
def kpi(
    name: str | None,
    home: Path | None,
    listed: bool,
    region: str | None,
    period: str | None,
    by: str,
    where: tuple[str, ...],
    as_of: datetime | None,
    position: int | None,
    compare_with: datetime | None,
    ranked: bool,
    minimum: int,
    as_json: bool,
) -> None:
    """Print numerator, denominator, what is left out, and the value of an indicator NAME."""
    if listed or name is None:
        _list(as_json)
        return
    indicator = indicator_of(name)
    moment = as_of or utc_now()
    with Installation.at(home) as parts:
        bring_up_to_date(parts)
        question = Question(
            period=Period.parse(period) if period else Period.containing(moment, Grain.MONTH),
            as_of=moment,
            region=Region.parse(region) if region else None,
            narrowed=dict(_pair(text) for text in where),
            by=tuple(map(Breakdown.parse, filter(None, by.split(",")))),
            recorded_by=as_of,
            position=position,
            known_until={} if as_of else parts.home.known_until(),
        )
        wanted = Wanted(ranked, minimum, compare_with)
        [table] = tables(parts.indicators, [indicator], question, parts.oldest_missing, wanted)
    if as_json:
        click.echo(table.model_dump_json(indent=2))
    else:
        _show(table)


def bring_up_to_date(parts: Installation) -> None:
    """Let the figures know everything that has arrived in the warehouse; raises Transient."""
    with closing(parts.clickhouse()) as client:
        migrate(client, parts.settings.clickhouse_cluster)
        refresh_alone(parts, client)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _list(as_json: bool) -> None:
    if as_json:
        lines = [
            {
                "name": one.key, "name_zh": one.name.zh, "name_en": one.name.en, "unit": one.unit,
                "direction": one.direction, "definition_zh": one.definition.zh,
                "definition_en": one.definition.en,
            }
            for one in REGISTRY.values()
        ]  # fmt: skip
        click.echo(orjson.dumps(lines, option=orjson.OPT_INDENT_2))
        return
    for one in REGISTRY.values():
        click.echo(f"{one.key:24}  {one.unit:7}  {one.name.zh}  {one.name.en}: {one.definition.en}")


def _show(table: KpiTable) -> None:
    console = Console(
        markup=False, highlight=False, width=None if sys.stdout.isatty() else _UNWATCHED_WIDTH, soft_wrap=True
    )
    state = "final" if table.final else "provisional"
    console.print(
        f"{table.name_zh} {table.name_en} · {table.region or 'everywhere'} · {table.period} · {state}"
    )
    console.print(_rows(table))
    reasons = sorted({reason for line in table.lines for reason in line.provisional_because})
    if reasons:
        console.print(f"provisional: {', '.join(reasons)}")
    console.print(
        f"as of {table.as_of:%Y-%m-%d %H:%M:%S %Z}, log position {table.position.store_position}, "
        f"{table.position.behind_events} events behind"
    )


def _rows(table: KpiTable) -> Table:
    heads = [*table.by, "numerator", "denominator", "value", "95 %", "excluded", "undecided", "late events"]
    if table.minimum_cases is not None:
        heads.insert(0, "rank")
    if table.compared_with is not None:
        heads.append("was")
    rows = Table(*heads, box=SIMPLE)
    for line in table.lines:
        value, low, high = (shown(table.unit, number) for number in (line.value, line.low, line.high))
        cells = [
            *line.group.values(), str(line.numerator), _number(line.denominator), value,
            f"{low} to {high}" if line.low is not None else "–",
            _excluded(line), str(line.undecided), str(line.late_events),
        ]  # fmt: skip
        if table.minimum_cases is not None:
            cells.insert(0, "too few" if line.too_few else _number(line.rank))
        if table.compared_with is not None:
            cells.append(_before(table.unit, line))
        rows.add_row(*cells)
    return rows


def _excluded(line: FigureLine) -> str:
    because = ", ".join(f"{number} {reason}" for reason, number in line.excluded_because.items())
    return because or "0"


def _before(unit: Unit, line: FigureLine) -> str:
    if line.before is None:
        return "nothing"
    said = f"{line.before.numerator}/{_number(line.before.denominator)} {shown(unit, line.before.value)}"
    return f"{said}{' RESTATED' if line.restated else ''}"


def _number(number: int | None) -> str:
    return "–" if number is None else str(number)


def shown(unit: Unit, value: float | None) -> str:
    """Write a value for people: a share in percent, seconds in hours."""
    if value is None:
        return "–"
    if unit is Unit.SHARE:
        return f"{value:.2%}"
    return f"{value / _HOUR:.2f} h" if unit is Unit.SECONDS else f"{value:.0f}"
