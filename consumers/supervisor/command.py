"""`liudan up`: everything an installation needs under one supervisor, from one command."""

import sys
import time
from pathlib import Path

import click
import orjson

from consumers.supervisor.children import Children
from consumers.supervisor.day import bring_in
from consumers.supervisor.outcome import Outcome, await_caught_up, measure, show
from consumers.supervisor.parts import Plan, choose_log, plan
from consumers.supervisor.signals import Stopped, StopRequest, stop_on_signals
from domain.errors import Transient
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.exposure import check_exposure
from infra.settings import EMBEDDED, LogKind


@click.command()
@home_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one.")
@click.option(
    "--log",
    type=click.Choice([kind.value for kind in LogKind]),
    default=None,
    help="Default: Kafka where Java is.",
)
@click.option(
    "--sample",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Import this file of 311 requests first (once).",
)
@click.option("--simulate", type=click.IntRange(0, 1_000_000), default=0, help="Tickets of a simulated day.")
@click.option("--exit-when-done", is_flag=True, help="Stop when everything has caught up.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object instead of tables.")
def up(
    home: Path | None, host: str, port: int, log: str | None, sample: Path | None, simulate: int,
    exit_when_done: bool, as_json: bool,
) -> None:  # fmt: skip
    """Start every part, and keep them running until Ctrl-C."""
    began = time.monotonic()
    with Installation.at(home) as parts, parts.home.supervised(), stop_on_signals() as stop:
        check_exposure(host, dev_identity=parts.settings.dev_identity)
        _ = parts.rulebook  # a policy that cannot be used is said here, not by one part after another
        kind = choose_log(parts.settings, parts.home.log_kind, LogKind(log) if log else None)
        _check_servers(parts)
        layout = plan(parts, kind, host, port)
        parts.home.settle_log_kind(kind)
        children = Children(parts.home.logs)
        try:
            _start(children, parts, layout, stop)
            brought = bring_in(parts, sample, simulate, stop)
            await_caught_up(parts, stop.sleep)
            result = measure(parts, layout, brought, began=began, pause=stop.sleep)
            if as_json:
                click.echo(orjson.dumps(result))
            else:
                _show(parts, layout, result)
            if not exit_when_done:
                _serve(layout, stop, quiet=as_json)
        except Stopped:
            click.echo("stopping …", err=True)
        finally:
            children.stop()


def _check_servers(parts: Installation) -> None:
    """Say at once what cannot be used: the parts would only wait for it."""
    _ = parts.store, parts.reads
    if parts.settings.clickhouse not in ("", EMBEDDED):
        parts.clickhouse().close()


def _start(children: Children, parts: Installation, layout: Plan, stop: StopRequest) -> None:
    parts.home.announce(layout.running)
    what = "a Kafka broker" if layout.log is LogKind.KAFKA else "the embedded log (no Kafka)"
    click.echo(f"liudan runs on {what}; data in {parts.home.folder}", err=True)
    for part in layout.parts:
        click.echo(f"  starting {part.name} …", err=True)
        children.start(part, stop.sleep)
    children.watch()


def _show(parts: Installation, layout: Plan, result: Outcome) -> None:
    """A part that is away just now costs the rest of the tables, not the service."""
    try:
        show(parts, layout, result)
    except Transient as error:
        click.echo(f"not all could be shown: {error}", err=True)


def _serve(layout: Plan, stop: StopRequest, *, quiet: bool) -> None:
    if not quiet:
        click.echo(f"Serving at {layout.running.api} until Ctrl-C.")
    sys.stdout.flush()
    stop.sleep(None)
