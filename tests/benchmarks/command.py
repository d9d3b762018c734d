"""`liudan bench`: every figure beside what it is held against and its limit, measured in one run."""

import sys
import tempfile
from pathlib import Path

import click
import orjson
from rich.console import Console

from infra.cli import configure_logging
from tests.benchmarks.registry import MEASURES
from tests.benchmarks.report import as_json, print_table
from tests.benchmarks.run import run_all

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--only", type=click.Choice([m.name for m in MEASURES]), multiple=True, help="Make these measures only."
)
@click.option("--quick", is_flag=True, help="Less work a run: figures for a first look.")
@click.option(
    "--repeat", type=click.IntRange(1, 100), default=5, show_default=True, help="Runs of each side, in turns."
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    default=None,
    help="Write the report as JSON; - is standard output.",
)
@click.option(
    "--profile",
    type=_FOLDER,
    default=None,
    help="Write cProfile statistics of our side to this folder; the figures then mean little.",
)
@click.option("--home", type=_FOLDER, default=None, help="Folder for scratch data; default a temporary one.")
def bench(
    only: tuple[str, ...],
    quick: bool,
    repeat: int,
    json_file: str | None,
    profile: Path | None,
    home: Path | None,
) -> None:
    """Measure how fast this installation's parts are, against bare libraries in the same run."""
    configure_logging("error")
    measures = [measure for measure in MEASURES if not only or measure.name in only]
    console = Console(stderr=True)
    if profile is not None:
        profile.mkdir(parents=True, exist_ok=True)
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="liudan-bench-", dir=home) as scratch,
        console.status("") as status,
    ):
        results = run_all(
            measures, Path(scratch), quick=quick, repeat=repeat, profiles=profile, tell=status.update
        )
    print_table(Console(stderr=json_file == "-"), results, measures)
    if json_file is not None:
        report = as_json(results, measures, quick=quick, repeat=repeat)
        with click.open_file(json_file, "wb") as out:
            out.write(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")
    sys.exit(any(result.failed for result in results))
