"""The results as a table for people and as JSON for machines."""

import inspect
import os
import platform
from collections.abc import Sequence
from typing import TypedDict

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import Direction, Measure, Result


class ResultJson(TypedDict):
    """One measure's result."""

    name: str
    unit: str
    against: str
    limit: float
    direction: str
    ours: float | None
    theirs: float | None
    compared: float | None
    ratios: list[float]
    more: dict[str, float]
    met: bool | None
    skipped: str | None
    compares: str


class ReportJson(TypedDict):
    """A whole run."""

    python: str
    cpus: int | None
    load_average: float
    quick: bool
    repeat: int
    measures: list[ResultJson]


def as_json(
    results: Sequence[Result], measures: Sequence[Measure], *, quick: bool, repeat: int
) -> ReportJson:
    """Give the report as plain data."""
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "quick": quick,
        "repeat": repeat,
        "measures": [_result_json(*pair) for pair in zip(results, measures, strict=True)],
    }


def _result_json(result: Result, measure: Measure) -> ResultJson:
    ran = not result.skipped
    return {
        "name": result.name,
        "unit": result.unit,
        "against": result.against,
        "limit": result.limit.value,
        "direction": "at least" if result.limit.direction is Direction.AT_LEAST else "at most",
        "ours": result.our_figure if ran else None,
        "theirs": result.their_figure if ran else None,
        "compared": result.compared if ran else None,
        "ratios": list(result.ratios),
        "more": result.more,
        "met": result.met if ran else None,
        "skipped": result.skipped or None,
        "compares": footnote(measure),
    }


def footnote(measure: Measure) -> str:
    """Say what exactly is compared: the measure's own docstring, on one line."""
    return " ".join((inspect.getdoc(measure) or "").split())


def print_table(console: Console, results: Sequence[Result], measures: Sequence[Measure]) -> None:
    """Print the table, and below it what was compared."""
    table = Table(title="liudan bench (medians of runs in turns)")
    for heading in ("measure", "ours", "theirs", "ratio", "limit", ""):
        table.add_column(heading, justify="left" if heading in ("measure", "") else "right")
    for result in results:
        table.add_row(*_cells(result))
    console.print(table)
    for measure in measures:
        console.print(f"[bold]{measure.name}[/bold]: {footnote(measure)}", highlight=False)


def _why_not(result: Result) -> str:
    return "[red]FAILED[/red]" if result.failed else "skipped"


def _cells(result: Result) -> tuple[str, ...]:
    sign = result.limit.direction.value
    if result.skipped:
        return (
            result.name,
            "–",
            "–",
            "–",
            f"{sign} {result.limit.value:g}",
            f"{_why_not(result)}: {result.skipped}",
        )
    verdict = "[green]met[/green]" if result.met else "[red]MISSED[/red]"
    theirs = result.their_figure
    more = "".join(f", {name} {value:,.4g}" for name, value in result.more.items())
    return (
        result.name,
        f"{result.our_figure:,.4g} {result.unit}{more}"
        if result.our_figure < 1000
        else f"{result.our_figure:,.0f} {result.unit}{more}",
        "–" if theirs is None else f"{theirs:,.0f}" if theirs >= 1000 else f"{theirs:,.4g}",
        f"{result.compared:.2f}" if result.theirs else "–",
        f"{sign} {result.limit.value:g}" + ("" if result.theirs else f" {result.unit}"),
        verdict,
    )
