"""Commands for the processes of this room: relay, projector, tail, dead letters."""

import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import structlog

from consumers.dead_letters import DeadLetters
from consumers.followers import FOLLOWERS, LANDING, follow, open_sink
from consumers.matters import keep_matters
from consumers.relay import Relay
from consumers.tail import tail_log, tail_store
from domain.errors import Halted, LiudanError
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.settings import LogKind

log = structlog.get_logger(__name__)


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@click.command()
@home_option
def relay(home: Path | None) -> None:
    """Carry every event from the event store to Kafka, in order."""
    stop = _stop_on_signal()
    with Installation.at(home) as parts:
        if parts.log_kind is LogKind.EMBEDDED:
            raise click.ClickException(
                "there is nothing to relay: the embedded log is the event store itself"
            )
        Relay(parts.store, parts.event_log, stop=stop).run()


@click.command()
@home_option
@click.option(
    "--only", type=click.Choice(sorted(FOLLOWERS)), multiple=True, help="Run these read models only."
)
def project(home: Path | None, only: tuple[str, ...]) -> None:
    """Keep the read models up to date: ticket state, SLA clocks, ClickHouse."""
    stop = _stop_on_signal()
    with Installation.at(home) as parts:
        names = only or tuple(FOLLOWERS)
        _ = parts.event_log, parts.reads  # opened here, once, for all threads
        failed: list[str] = []
        threads = [_thread(name, partial(follow, parts, name, stop), stop, failed) for name in names]
        if LANDING in names:
            threads.append(_thread("matters", partial(keep_matters, parts, stop), stop, failed))
        for thread in threads:
            thread.start()
        while not stop.is_set() and any(thread.is_alive() for thread in threads):
            stop.wait(0.5)
        for thread in threads:
            thread.join()
    if failed:
        raise LiudanError(failed[0])
    if not stop.is_set():
        raise LiudanError("every read model has halted; see the log above")


def _thread(
    name: str, work: Callable[[], None], stop: threading.Event, failed: list[str]
) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except Halted:
            log.error("read model halted, the others go on", read_model=name)
        except LiudanError as error:
            failed.append(f"{name}: {error}")
            stop.set()
        except Exception as error:
            # Nobody would start this thread again; a supervisor starts the whole process again.
            log.exception("read model failed", read_model=name)
            failed.append(f"{name} failed with {type(error).__name__}; see the log above")
            stop.set()

    return threading.Thread(target=run, name=name)


@click.command()
@home_option
@click.option("--from-start", is_flag=True, help="Begin with the first event instead of what comes next.")
@click.option("--follow/--no-follow", default=True, help="Wait for more, or end at the present end.")
def tail(home: Path | None, from_start: bool, follow: bool) -> None:
    """Print the stream as it comes, one CloudEvents object a line."""
    stop = _stop_on_signal()
    with Installation.at(home) as parts:
        on_kafka = parts.log_kind is LogKind.KAFKA and (parts.settings.kafka or parts.home.running())
        source = tail_log(parts.event_log, from_start) if on_kafka else tail_store(parts.store, from_start)
        for line in source(stop, follow):
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()


@click.group("dead-letters")
def dead_letters() -> None:
    """Events that a read model could not apply."""


@dead_letters.command("list")
@home_option
def list_letters(home: Path | None) -> None:
    """List what was set aside, with the reason."""
    with Installation.at(home) as parts:
        for letter in DeadLetters(parts.event_log).open():
            where = f"{letter.id.partition}:{letter.id.offset}"
            click.echo(f"{letter.id.consumer}\t{letter.key}\t{where}\t{letter.reason}")


def _settle(home: Path | None, consumer: str, number: str, by: str, how: str) -> None:
    with Installation.at(home) as parts:
        letters = DeadLetters(parts.event_log)
        settle = letters.replay if how == "replay" else letters.discard
        settled = settle(consumer, number, open_sink(parts, consumer), by)
        click.echo(f"{settled} event(s) of {number} settled for {consumer}")


_consumer = click.argument("consumer", type=click.Choice(sorted(FOLLOWERS)))
_number = click.argument("number")
_by = click.option("--by", required=True, help="Who decides so; kept with the letter.")


@dead_letters.command()
@_consumer
@_number
@home_option
@_by
def replay(consumer: str, number: str, home: Path | None, by: str) -> None:
    """Apply a ticket's letters again, and let the ticket go on."""
    _settle(home, consumer, number, by, "replay")


@dead_letters.command()
@_consumer
@_number
@home_option
@_by
def discard(consumer: str, number: str, home: Path | None, by: str) -> None:
    """Give up a ticket's first letter for good, and apply those behind it."""
    _settle(home, consumer, number, by, "discard")
