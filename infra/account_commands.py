"""`liudan ticket deadlines` and `liudan ticket accountability`: a ticket's time, for people to read."""

import asyncio
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from domain.accountability import Accountability, BrokenLimit
from domain.explanation import IN_CHINESE, AccountLine, ClockAccount, Explanation, Standing
from domain.numbers import TicketNumber
from domain.policy import Limit
from domain.vocabulary import ClockKind, Unit
from infra.bootstrap import Installation
from infra.cli_options import home_option
from infra.ticket_accounts import TicketAccounts
from infra.tickets import CHINA

_UNITS = {
    Unit.URGENT_WORKING_HOUR: "紧急工作时",
    Unit.WORKING_HOUR: "工作时",
    Unit.WORKING_DAY: "工作日",
    Unit.CALENDAR_DAY: "自然日",
}
_UNWATCHED_WIDTH = 160
_as_of = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="As it stood then; default now, and for an imported case that is open, when its source last spoke.",
)
_json = click.option("--json", "as_json", is_flag=True, help="The same as one JSON object, times in UTC.")


@click.command()
@click.argument("number")
@home_option
@_as_of
@click.option("--clock", type=click.Choice([kind.value for kind in ClockKind]), default=None)
@_json
def deadlines(
    number: str, home: Path | None, as_of: datetime | None, clock: str | None, as_json: bool
) -> None:
    """Explain a ticket's deadlines: every stretch of every clock, to be recomputed with a pencil."""
    with Installation.at(home) as parts:
        accounts = TicketAccounts(parts.tickets)
        found = asyncio.run(accounts.deadlines(TicketNumber.parse(number), as_of, parts.home.known_until()))
    if clock is not None:
        chosen = tuple(account for account in found.clocks if account.clock == clock)
        found = found.model_copy(update={"clocks": chosen})
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        _show_deadlines(console(), found)


@click.command()
@click.argument("number")
@home_option
@_as_of
@_json
def accountability(number: str, home: Path | None, as_of: datetime | None, as_json: bool) -> None:
    """Say who answers for a ticket's broken limits: who held it how long, and through whose hands it went."""
    with Installation.at(home) as parts:
        accounts = TicketAccounts(parts.tickets)
        found = asyncio.run(
            accounts.accountability(TicketNumber.parse(number), as_of, parts.home.known_until())
        )
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        _show_accountability(console(), found)


def console() -> Console:
    """Where nobody watches, lines are long enough for a table; what people wrote is never markup."""
    width = None if sys.stdout.isatty() else _UNWATCHED_WIDTH
    return Console(markup=False, highlight=False, emoji=False, width=width, soft_wrap=True)


def _show_deadlines(console: Console, found: Explanation) -> None:
    for account in found.clocks:
        zone = ZoneInfo(account.zone)
        console.print(f"\n{account.zh} {account.clock} · {_standing(account, zone)}")
        for sentence in _sentences(account, zone):
            console.print(f"  {sentence}")
        console.print(_ledger(account.lines, zone))
    console.print(f"{found.number}, version {found.version}, as of {local(found.as_of, CHINA)}")


def _standing(account: ClockAccount, zone: ZoneInfo) -> str:
    due = f"due {local(account.due_at, zone)} ({account.zone})" if account.due_at else "no due time"
    said = [f"cycle {account.cycle}", due, account.standing.value]
    if account.standing is Standing.STOPPED and account.stopped_at:
        said[-1] = f"stopped {local(account.stopped_at, zone)} by {account.stopped_by}"
    if account.breached_at:
        said.append("BROKEN 超期")
    return " · ".join(said)


def _sentences(account: ClockAccount, zone: ZoneInfo) -> Iterable[str]:
    for term in account.terms:
        limit = _limit(term.amount, term.unit)
        due = f"due {local(term.due_at, zone)}" if term.due_at else "no due time"
        provisional = ", provisional" if term.provisional else ""
        yield (
            f"from {local(term.since, zone)} ({term.because}): {limit}, counted from "
            f"{local(term.counted_from, zone)}, {due}{provisional}; "
            f"policy {term.policy or '–'}, calendar {term.calendar or '–'}"
        )
    if account.extended_amount:
        yield f"extended by {account.extended_amount:g}"
    if account.thresholds:
        shares = (
            f"{one.percent} % {local(one.at, zone)}{' reached' if one.reached else ''}"
            for one in account.thresholds
        )
        yield f"thresholds: {'; '.join(shares)}"


def _ledger(lines: Iterable[AccountLine], zone: ZoneInfo) -> Table:
    table = Table("from", "to", "what", "counted", "sum", "of the limit", "held by", box=SIMPLE)
    for line in lines:
        table.add_row(
            local(line.start, zone),
            local(line.end, zone),
            f"{line.zh} {line.en}" if line.zh != line.en else line.zh,
            hours(line.counted_seconds) if line.counted else "–",
            hours(line.sum_seconds),
            f"{line.sum_amount:.4g}",
            " ".join(filter(None, (line.level, line.unit))) or "–",
            style="dim" if line.ahead else None,
        )
    return table


def _show_accountability(console: Console, found: Accountability) -> None:
    for breach in found.breaches:
        limit = _limit(breach.amount, breach.unit)
        met = f"met {local(breach.stopped_at, CHINA)}" if breach.stopped_at else "not met"
        console.print(
            f"\n{IN_CHINESE[breach.clock]} {breach.clock} · cycle {breach.cycle} · limit {limit} · "
            f"passed {local(breach.breached_at, CHINA)} at {breach.level_at_breach or '–'} "
            f"{breach.unit_at_breach or '–'} · {met}, {hours(breach.overdue_seconds)} late"
        )
        console.print(_held(breach))
    if not found.breaches:
        console.print("No limit of this ticket has been broken.")
    for named in found.first_handlers:
        console.print(f"first handler {named.first_handler} of {named.unit}, {local(named.since, CHINA)}")
    for handover in found.handovers:
        console.print(
            f"{handover.kind} {local(handover.at, CHINA)} by {handover.by}: {handover.from_unit} → "
            f"{handover.to_unit}, {handover.reason}"
        )
    console.print(f"{found.number}, version {found.version}, as of {local(found.as_of, CHINA)}")


def _held(breach: BrokenLimit) -> Table:
    table = Table(
        "level",
        "unit",
        "times",
        "counted",
        "of the limit",
        "plain",
        "late, counted",
        "late, plain",
        box=SIMPLE,
    )
    for one in breach.held:
        table.add_row(
            one.level or "–",
            one.unit or "–",
            str(one.stretches),
            hours(one.counted_seconds),
            f"{one.share:.0%}" if one.share is not None else "–",
            hours(one.plain_seconds),
            hours(one.late_counted_seconds),
            hours(one.late_plain_seconds),
        )
    return table


def _limit(amount: int | None, unit: Unit | None) -> str:
    if amount is None or unit is None:
        return "a due time that the source stated"
    return f"{Limit(amount=amount, unit=unit)} {_UNITS[unit]}"


def local(moment: datetime, zone: ZoneInfo) -> str:
    """Write a moment by a wall clock."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S}"


def hours(seconds: float) -> str:
    """Write a duration as hours, minutes and seconds."""
    whole = round(timedelta(seconds=seconds).total_seconds())
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
