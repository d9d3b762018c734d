"""What came of it: wait until every read model has caught up, count, and show."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from consumers.dead_letters import DeadLetters
from consumers.followers import FOLLOWERS, open_sink
from consumers.sla_watch.watch import SETTLED
from consumers.supervisor.day import Brought
from consumers.supervisor.day_figures import show_figures
from consumers.supervisor.parts import Plan
from domain.errors import LiudanError, Transient
from domain.events import TicketEscalated
from domain.numbers import TicketNumber
from infra.bootstrap import Installation
from infra.clickhouse.rollup import RollupRow
from infra.clickhouse.schema import EVENTS_TABLE
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.relay_mark import relay_bookmark
from infra.read_store.announcement_rows import AnnouncementRows
from infra.read_store.clock_queries import SqlClockQueries
from infra.read_store.ticket_queries import SqlTicketQueries
from infra.settings import LogKind
from infra.simulation.linxia import COUNTIES
from infra.ticket_receipts import TicketReceipts
from infra.tickets import utc_now
from infra.verification.entry_view import Attributes
from projections.sla_clocks import BreachFilter
from projections.ticket_state import TicketFilter

_PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 0.1
_Pause = Callable[[float], None]

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures that `liudan up --json` ends with."""

    log: str
    imported: int
    refused: int
    tickets: int
    events: int
    state_rows: int
    clickhouse_events: int
    breaches: int
    dead_letters: int
    elapsed_seconds: float


def await_caught_up(parts: Installation, pause: _Pause = time.sleep) -> None:
    """Return when the log, every SQL read model and ClickHouse hold what the store holds now.

    The watch on the deadlines goes before them: what it finds late it escalates, which adds events.
    Waits with `pause(seconds)`.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    _patiently("the watch on the deadlines", lambda: _is_settled(parts) or None, until, pause)
    target = parts.store.last_position()
    _patiently("the transparency log", lambda: _is_logged(parts, target) or None, until, pause)
    ends = _patiently("the relay", lambda: _ends_behind(parts, target), until, pause)
    for name in FOLLOWERS:
        _patiently(name, partial(_positions_behind, parts, name, ends), until, pause)


def _patiently(what: str, ask: Callable[[], Answer | None], until: float, pause: _Pause) -> Answer:
    """Ask until there is an answer; a part that was killed is coming back."""
    while time.monotonic() < until:
        with suppress(Transient):
            answer = ask()
            if answer is not None:
                return answer
        pause(_LOOK_SECONDS)
    raise LiudanError(f"{what} has not caught up in {_PATIENCE_SECONDS:.0f} s; see the logs")


def _is_settled(parts: Installation) -> bool:
    """Whether the watch has found nothing more to do about what the store holds."""
    return AnnouncementRows(parts.reads).progress(SETTLED).sequence >= parts.store.last_position()


def _is_logged(parts: Installation, target: int) -> bool:
    """Whether the transparency log's checkpoint covers everything up to the position `target`."""
    return parts.transparency_log.positions().last_position >= target


def _ends_behind(parts: Installation, target: int) -> Mapping[int, int] | None:
    """Give the log's ends once everything up to the position `target` of the store is before them."""
    log = parts.event_log
    if parts.log_kind is LogKind.KAFKA and parts.store.bookmark(relay_bookmark(log)) < target:
        return None
    return log.end_offsets(TICKETS_TOPIC)


def _positions_behind(parts: Installation, name: str, ends: Mapping[int, int]) -> Mapping[int, int] | None:
    """Give a read model's positions once none of them is before the log's end."""
    starts = open_sink(parts, name).start_offsets(list(ends))
    return starts if all(starts.get(partition, 0) >= end for partition, end in ends.items()) else None


def measure(
    parts: Installation, layout: Plan, brought: Brought, *, began: float, pause: _Pause = time.sleep
) -> Outcome:
    """Count everything, each from where it is kept. `began` is when it all began, by the monotonic clock."""
    until = time.monotonic() + _PATIENCE_SECONDS
    return _patiently("a part that counts", lambda: _measure(parts, layout, brought, began), until, pause)


def _measure(parts: Installation, layout: Plan, brought: Brought, began: float) -> Outcome:
    states, clocks = SqlTicketQueries(parts.reads), SqlClockQueries(parts.reads)
    with closing(parts.clickhouse()) as client:
        landed = client.query(f"SELECT count() FROM {EVENTS_TABLE}").result_rows[0][0]  # noqa: S608 - own name
    rows = states.count(TicketFilter())
    return Outcome(
        log=layout.log.value,
        imported=brought.imported,
        refused=brought.refused,
        tickets=rows,
        events=parts.store.count(),
        state_rows=rows,
        clickhouse_events=int(landed),
        breaches=clocks.count_breaches(BreachFilter(), as_of=utc_now(), known_until=parts.home.known_until()),
        dead_letters=len(DeadLetters(parts.event_log).open()),
        elapsed_seconds=round(time.monotonic() - began, 2),
    )


def show(parts: Installation, layout: Plan, outcome: Outcome) -> None:
    """Print what happened, the roll-up by region, and where to look."""
    console = Console()
    figures = Table(title="What happened", show_header=False)
    for name, value in asdict(outcome).items():
        figures.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    for kind, count in sorted(AnnouncementRows(parts.reads).counts().items()):
        figures.add_row(f"announced: {kind.replace('-', ' ')}", f"{count:,}")
    figures.add_row("tickets escalated", f"{_escalated(parts):,}")
    console.print(figures)
    _show_rollup(console, parts)
    _show_log(console, parts)
    show_figures(console, parts)
    console.print(f"API and its documentation: {layout.running.api}/docs")
    console.print(f"ClickHouse for analysts:   {layout.running.clickhouse}  (user analyst)")
    if layout.log is LogKind.KAFKA:
        console.print(f"Kafka:                     {layout.running.kafka}  (topic {TICKETS_TOPIC})")
    console.print(f"Data and logs:             {parts.home.folder}")


def _show_log(console: Console, parts: Installation) -> None:
    """Show the transparency log's checkpoint, and have the receipt of its newest entry checked.

    The store may have newer events by now.
    """
    log = parts.transparency_log
    head, key = log.head().checkpoint, log.verifier_key()
    console.print(f"Transparency log:          {head.size:,} events, root {head.root.hex()}")
    console.print(f"Its verifier key:          {key}", soft_wrap=True)
    if head.size:
        newest = Attributes.of(log.entry(head.size - 1, head.size))
        number = TicketNumber(newest.ticket or "")
        receipt = TicketReceipts(parts.store, log).for_version(number, newest.version or 0)
        covering = receipt.check(key)
        proven = f"entry {receipt.leaf} of {covering.size:,}, checked against the key"
        console.print(f"A receipt, checked:        {number}: {proven}")


def _escalated(parts: Installation) -> int:
    escalations = f"SELECT uniq(number) FROM {EVENTS_TABLE} WHERE type = {{type:String}}"  # noqa: S608 - own name
    with closing(parts.clickhouse()) as client:
        found = client.query(escalations, parameters={"type": f"liudan.ticket.{TicketEscalated.TYPE}.v1"})
    return int(found.result_rows[0][0])


def _show_rollup(console: Console, parts: Installation) -> None:
    now = utc_now()
    rows: list[RollupRow] = []
    for depth in (1, 3):  # a foreign scheme's root, and Chinese counties
        rows += [
            row
            for row in parts.rollup(
                region_prefix="",
                depth=depth,
                as_of=now,
                month_from=datetime(2000, 1, 1, tzinfo=UTC).date(),
                month_to=(now + timedelta(days=31)).date(),
            )
            if row.region[:1].isdigit() == (depth == 3)
        ]
    table = Table(title="Roll-up by region, all months")
    for heading in ("region", "placed", "closed", "overdue"):
        table.add_column(heading, justify="left" if heading == "region" else "right")
    for region in sorted({row.region for row in rows}):
        mine = [row for row in rows if row.region == region]
        totals = (sum(getattr(row, name) for row in mine) for name in ("placed", "closed", "overdue"))
        table.add_row(f"{region} {COUNTIES.get(region, '')}", *(f"{total:,}" for total in totals))
    console.print(table)
