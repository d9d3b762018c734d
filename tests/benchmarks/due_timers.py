"""What commands notice of it when thousands of limits pass in the same second.

`python -m tests.benchmarks.due_timers HOME OFFSET_SECONDS` is the watch of this measure, in its own process.
"""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import uvloop

from consumers.sla_watch.act import PROGRESS
from consumers.sla_watch.watch import SlaWatch, WatchSettings
from infra.event_log.embedded import EmbeddedEventLog
from infra.event_store.open import open_event_store
from infra.in_flight import each
from infra.read_store.announcement_rows import AnnouncementRows
from infra.read_store.open import ReadStore, open_read_store
from infra.read_store.schema import SLA_TIMERS
from infra.tickets import Request, Tickets, new_event_id, utc_now
from infra.vault import Vault
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides, Unavailable, percentile
from tests.benchmarks.orders import journey
from tests.benchmarks.processes import ROOT
from tests.benchmarks.steady_commands import SteadyCommands

COMMANDS_A_SECOND = 200
_MONDAY = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
_HEAD_START_SECONDS = 4.0
_PATIENCE_SECONDS = 300.0
_CHUNK = 50_000


class DueTimers:
    """Milliseconds (p99) of commands while 10,000 limits that have passed in one second are dealt with.

    SQLite with 1,000,000 running clocks (--quick: 1,000 of 100,000). Both: `Tickets.handle` on uvloop, 200
    commands a second of six-order journeys, whether or not earlier ones were answered. Theirs: for 10 s with
    nothing else going on. Ours: from the moment at which the limits pass until the watch (`liudan watch`, in
    a process of its own) has announced and published all of them and escalated the tickets, one level up.
    """

    name = "due-timers"
    unit = "ms p99"
    against = "the same commands, nothing due"
    limit = Limit(Direction.AT_MOST, 2)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Fill the read store with clocks that run for years, and warm up."""
        with ExitStack() as stack:
            town = stack.enter_context(_Town(place.folder))
            _fill(town.reads, place.pick(1_000_000, 100_000))
            load = SteadyCommands(town.tickets, COMMANDS_A_SECOND)
            uvloop.run(load.run(2.0))
            due, idle_seconds = place.pick(10_000, 1000), place.pick(10, 3)
            yield Sides(
                lambda: town.while_firing(load, due), lambda: _figure(uvloop.run(load.run(idle_seconds)))
            )


def _figure(seconds: Sequence[float], *more: tuple[str, float]) -> Figure:
    millis = [each * 1000 for each in seconds]
    return Figure(
        percentile(millis, 0.99), (("p50", percentile(millis, 0.5)), ("commands", len(millis)), *more)
    )


def _fill(reads: ReadStore, clocks: int) -> None:
    """Add timers of tickets that nobody has heard of, due in ten years."""
    first = _MONDAY + timedelta(days=3650)
    for start in range(0, clocks, _CHUNK):
        rows = [
            {
                "number": f"629999-360101-{serial:07d}", "cycle": 1, "clock": "resolve", "run": 1, "held": "",
                "moment": first + timedelta(seconds=serial), "pending": "[]",
            }
            for serial in range(start, min(start + _CHUNK, clocks))
        ]  # fmt: skip
        with reads.writing() as connection:
            connection.execute(sa.insert(SLA_TIMERS), rows)


class _Town:
    """An installation whose time runs as everybody's, but on another day."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offset = timedelta(0)
        self._week = 0
        self._parts = ExitStack()

    def __enter__(self) -> "_Town":
        open_ = self._parts.enter_context
        self._store = open_(closing(open_event_store(f"sqlite:///{self._folder}/events.db")))
        self._vault = open_(closing(Vault(self._folder / "vault.db")))
        self._log = open_(closing(EmbeddedEventLog(self._store, self._folder)))
        self.reads = open_(closing(open_read_store(f"sqlite:///{self._folder}/read.db")))
        self.tickets = Tickets(self._store, self._vault, clock=lambda: utc_now() + self._offset)
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    def while_firing(self, load: SteadyCommands, count: int) -> Figure:
        """Let limits pass, and give commands until all that follows is done."""
        self._week += 1
        due = self._placed(_MONDAY + self._week * timedelta(days=7), count)
        self._look(due - timedelta(seconds=1))
        rows = AnnouncementRows(self.reads)
        before = rows.last()
        self._offset = due - utc_now() - timedelta(seconds=_HEAD_START_SECONDS)
        command = [sys.executable, "-m", "tests.benchmarks.due_timers", str(self._folder)]
        process = subprocess.Popen([*command, str(self._offset.total_seconds())], cwd=ROOT)
        try:
            time.sleep(_HEAD_START_SECONDS)
            began = time.monotonic()

            def is_done() -> bool:
                if process.poll() is not None or time.monotonic() - began > _PATIENCE_SECONDS:
                    raise Unavailable("the watch has not dealt with all that was due")
                return rows.last() >= before + count and rows.progress(PROGRESS).sequence >= before + count

            taken = uvloop.run(load.run(1.0, is_done))
            return _figure(taken, ("seconds", time.monotonic() - began))
        finally:
            process.terminate()
            process.wait()

    def _placed(self, at: datetime, count: int) -> datetime:
        """Place orders at the same moment; gives when the first limit of all of them passes."""
        due: set[datetime | None] = set()

        async def place(serial: int) -> None:
            command, actor = journey(serial)[0]
            request = Request(command, actor, new_event_id(), occurred_at=at)
            deadlines = (await self.tickets.handle(request)).ticket.deadlines
            due.add(deadlines.stage_due if deadlines else None)

        uvloop.run(each(range(self._week * count, (self._week + 1) * count), place))
        [moment] = due
        assert moment is not None
        return moment

    def _look(self, now: datetime) -> None:
        """Let all be said that was to be said before."""
        there = Tickets(self._store, self._vault, clock=lambda: now)
        watch = _watch(there, self.reads, self._log, WatchSettings(pause=0.0, settle_seconds=0.0))

        async def look() -> None:
            while await watch.tick():
                pass

        asyncio.run(look())


def _watch(
    tickets: Tickets, reads: ReadStore, log: EmbeddedEventLog, settings: WatchSettings | None = None
) -> SlaWatch:
    stop = threading.Event()
    return SlaWatch(tickets.store, reads, log, tickets, known_until=dict, settings=settings, stop=stop)


def main(folder: str, offset_seconds: str) -> None:
    """Run the watch as `liudan watch` does, with a clock that is so much ahead."""
    offset = timedelta(seconds=float(offset_seconds))
    with ExitStack() as parts:
        store = parts.enter_context(closing(open_event_store(f"sqlite:///{folder}/events.db")))
        vault = parts.enter_context(closing(Vault(Path(folder) / "vault.db")))
        reads = parts.enter_context(closing(open_read_store(f"sqlite:///{folder}/read.db")))
        log = parts.enter_context(closing(EmbeddedEventLog(store, Path(folder))))
        _watch(Tickets(store, vault, clock=lambda: utc_now() + offset), reads, log).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
