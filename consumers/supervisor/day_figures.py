"""What a centre would read of the simulated day: the dashboard of the prefecture for this month."""

from contextlib import closing

from rich.console import Console
from rich.table import Table

from consumers.kpi_command import shown
from consumers.matters import refresh_alone
from domain.periods import Grain, Period
from infra.bootstrap import Installation
from infra.simulation.linxia import PREFECTURE
from infra.tickets import utc_now
from projections.indicators.dashboard import DASHBOARD
from projections.indicators.question import Question
from projections.indicators.table import tables


def show_figures(console: Console, parts: Installation) -> None:
    """Print the twelve figures, with numerator and denominator."""
    with closing(parts.clickhouse()) as client:
        refresh_alone(parts, client)
    now = utc_now()
    question = Question(
        Period.containing(now, Grain.MONTH), now, PREFECTURE, known_until=parts.home.known_until()
    )
    found = tables(parts.indicators, DASHBOARD, question, parts.oldest_missing)
    standing = "final" if all(table.final for table in found) else "provisional"
    printed = Table(title=f"Figures of {PREFECTURE} in {question.period}, {standing}")
    for heading in ("indicator", "value", "numerator", "denominator"):
        printed.add_column(heading, justify="left" if heading == "indicator" else "right")
    for table in found:
        [line] = table.lines
        printed.add_row(
            f"{table.name_zh} {table.name_en}",
            shown(table.unit, line.value),
            f"{line.numerator:,}",
            "" if line.denominator is None else f"{line.denominator:,}",
        )
    console.print(printed)
