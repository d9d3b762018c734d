"""The command line: names and where their code is. A command's room is imported when it is called."""

import errno
import importlib
import logging
import sys
from typing import NoReturn

import click
import structlog

from domain.errors import LiudanError, Transient
from infra.exit_codes import TRY_AGAIN
from infra.garbage import calm_garbage_collection

_COMMANDS = {
    "up": "consumers.supervisor.command:up",
    "api": "api.command:api",
    "relay": "consumers.commands:relay",
    "project": "consumers.commands:project",
    "watch": "consumers.sla_watch.command:watch",
    "transparency": "consumers.transparency.command:transparency",
    "audit": "infra.audit_commands:audit",
    "tail": "consumers.commands:tail",
    "rebuild": "consumers.rebuild_command:rebuild",
    "dead-letters": "consumers.commands:dead_letters",
    "clickhouse": "infra.commands:clickhouse",
    "broker": "infra.commands:broker",
    "ticket": "infra.commands:ticket",
    "replay": "consumers.replay_command:replay_command",
    "warehouse": "infra.warehouse_commands:warehouse",
    "policy": "infra.policy_commands:policy",
    "vault": "infra.keys.command:vault",
    "retention": "infra.privacy.retention_command:retention",
    "backup": "infra.backup.command:backup",
    "restore": "infra.backup.command:restore",
    "grants": "infra.event_store.grants:grants",
    "config": "infra.commands:config",
    "import": "infra.input_commands:import_command",
    "simulate": "infra.input_commands:simulate_command",
    "sla": "consumers.read_commands:sla",
    "kpi": "consumers.kpi_command:kpi",
    "sql": "infra.sql_command:sql",
    "export": "infra.export_command:export_command",
    "report": "consumers.report_command:report",
    "bench": "tests.benchmarks.command:bench",
}


class _Rooms(click.Group):
    """A group whose commands live in rooms that this one must not import by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


# What these libraries print at every attempt to connect, our own errors and warnings say once.
_CLIENTS = ("kafka", "urllib3", "clickhouse_connect")


@click.group(cls=_Rooms)
@click.version_option(package_name="liudan")
def liudan() -> None:
    """六单: event-sourced ticket processing for grid governance."""
    calm_garbage_collection()  # what a command needs is imported by now


def configure_logging(level: str = "info") -> None:
    """One event a line, JSON when nobody is watching, to standard error."""
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    for client in _CLIENTS:
        logging.getLogger(client).setLevel(logging.CRITICAL)


def main() -> None:
    """Run a command; every expected failure is one sentence on standard error.

    The exit code is 1, or TRY_AGAIN when the same command may work later.
    """
    configure_logging()
    try:
        liudan(prog_name="liudan")
    except Transient as error:
        _fail(str(error), TRY_AGAIN)
    except LiudanError as error:
        _fail(str(error))
    except OSError as error:
        _fail(_sentence(error))


def _fail(sentence: str, code: int = 1) -> NoReturn:
    click.echo(f"liudan: {sentence}", err=True)
    sys.exit(code)


def _sentence(error: OSError) -> str:
    """Say what the system refused, and what can be done."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full; free some space and try again"
    return f"{where}{error.strerror or error}; check the data folder and its rights"


if __name__ == "__main__":
    main()
