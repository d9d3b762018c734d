"""`liudan watch`: the deadlines' own process."""

import signal
import threading
from pathlib import Path

import click

from consumers.sla_watch.watch import SlaWatch
from infra.bootstrap import Installation
from infra.cli_options import home_option


@click.command()
@home_option
def watch(home: Path | None) -> None:
    """Announce warnings and breaches, escalate what is late, close what nobody rates."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Installation.at(home) as parts:
        SlaWatch.of(parts, stop).run()
