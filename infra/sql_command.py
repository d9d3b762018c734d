"""`liudan sql`: ask the analytics in SQL, as an analyst."""

import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import click
import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from domain.errors import Invalid
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.clickhouse.ask import Lines, ask

_FORMATS = {"table": "JSONCompactEachRowWithNames", "jsonl": "JSONEachRow", "csv": "CSVWithNames"}
_TABLE_ROWS = 10_000
_UNWATCHED_WIDTH = 200


def _read_parameter(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    parameters = {}
    for one in given:
        name, is_pair, value = one.partition("=")
        if not is_pair or not name.isidentifier():
            raise click.BadParameter(f"{one!r} is not NAME=VALUE")
        parameters[name] = value
    return parameters


@click.command("sql")
@click.argument("statement")
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), default="table", show_default=True)
@click.option(
    "--param", "parameters", multiple=True, metavar="NAME=VALUE", callback=_read_parameter,
    help="The value of a {NAME:Type} in the statement; may be given several times.",
)  # fmt: skip
@home_option
def sql(statement: str, form: str, parameters: dict[str, str], home: Path | None) -> None:
    """Ask ClickHouse one statement (- reads it from standard input), as the analyst who may only read.

    A FORMAT in the statement goes before --format. What is refused says which rule it broke.
    """
    text = sys.stdin.read() if statement == "-" else statement
    if not text.strip():
        raise Invalid("there is no statement", field="statement")
    with Installation.at(home) as parts, closing(parts.clickhouse_as_analyst()) as client:
        answer = ask(client, text, parameters, _FORMATS[form])
        if answer.output_format == _FORMATS["table"]:
            _show(answer)
        else:
            for line in answer.lines:
                sys.stdout.buffer.write(line + b"\n")


def _show(answer: Lines) -> None:
    """Draw a table; where nobody watches, lines are long enough for it."""
    first = next(answer.lines, None)
    if first is None:
        return
    width = None if sys.stdout.isatty() else _UNWATCHED_WIDTH
    console = Console(markup=False, highlight=False, emoji=False, width=width, soft_wrap=True)
    rows = [orjson.loads(line) for line in islice(answer.lines, _TABLE_ROWS)]
    table = Table(box=SIMPLE)
    for place, name in enumerate(orjson.loads(first)):
        is_number = all(isinstance(row[place], int | float | None) for row in rows) and bool(rows)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_readable, row))
    console.print(table)
    console.print(_counted(len(rows), answer.lines))


def _counted(shown: int, rest: Iterator[bytes]) -> str:
    rows = f"{shown} row{'' if shown == 1 else 's'}"
    return f"{rows}, and more: --format jsonl gives all" if next(rest, None) is not None else rows


def _readable(value: object) -> str:
    """Write a value for people: nothing for NULL, a list with commas, what is deeper as JSON."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(one, list | dict) for one in value):
        return ", ".join(map(_readable, value))
    return orjson.dumps(value).decode()
