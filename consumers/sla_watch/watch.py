"""Watches the clocks: at every tick what has run out is announced, acted upon and published.

A tick first takes in every event that was committed before it looked at the time. It announces only what
lies some seconds back, so that a command that was given in time and is being committed still counts. Nothing
depends on when it looks: late, twice, after a day's sleep or with a clock that jumped back, the same is
announced, and only once.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import structlog

from consumers.backoff import Backoff
from consumers.sla_watch.act import ProcessManager
from consumers.sla_watch.follow import TimerFollower
from consumers.sla_watch.publish import Publisher
from domain.errors import Transient
from infra.bootstrap import Installation
from infra.event_log.port import TICKETS_TOPIC, EventLog
from infra.event_store.port import EventStore
from infra.past_time import LOCK
from infra.privacy.erasures import Erasures
from infra.read_store.announcement_rows import AnnouncementRows, Progress
from infra.read_store.open import ReadStore
from infra.read_store.timer_rows import TimerRows
from infra.tickets import Tickets
from projections.sla_clocks import KnownUntil

SETTLED = "settled"
STORE_NAME = "event-store"

log = structlog.get_logger(__name__)

Daily = Callable[[datetime, threading.Event], Awaitable[int]]
"""What is done once a day beside the clocks; gives how much was done."""


async def _nothing(_: datetime, __: threading.Event) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How often it looks, and how much it does at a time."""

    tick_seconds: float = 1.0
    settle_seconds: float = 2.0
    """Only what lies so far back is announced: longer than a commit takes and clocks of machines differ."""
    timers: int = 1000
    """Clocks that fire in one transaction."""
    commands: int = 128
    """Announcements that are acted upon in one tick."""
    pause: float = 2.0
    """After its commands it rests this many times as long as they took: others have commands, too."""
    rest_seconds: float = 1.0
    """What the broker gets, when the publisher before was killed, to finish what it has sent."""


class SlaWatch:
    """Any number may run; one at a time holds the lock and ticks. `run` until `stop`."""

    def __init__(
        self,
        store: EventStore,
        reads: ReadStore,
        event_log: EventLog,
        tickets: Tickets,
        *,
        known_until: Callable[[], KnownUntil],
        daily: Daily = _nothing,
        settings: WatchSettings | None = None,
        stop: threading.Event | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.stop = stop or threading.Event()
        self._store, self._known_until, self._daily = store, known_until, daily
        self._clock = tickets.clock
        self._settings = settings or WatchSettings()
        self._backoff = backoff or Backoff(longest_seconds=5.0)
        self._timers = TimerRows(reads, STORE_NAME, TICKETS_TOPIC)
        self._announcements = AnnouncementRows(reads)
        self._follower = TimerFollower(store, self._timers, tickets.rulebook)
        self._erasures = Erasures(store, tickets.vault)
        self._publisher = Publisher(self._announcements, event_log, rest_seconds=self._settings.rest_seconds)
        self._manager = ProcessManager(self._announcements, tickets, self._follower.history)
        self._settled = 0

    @classmethod
    def of(cls, parts: Installation, stop: threading.Event) -> Self:
        """Wire it for an installation."""
        return cls(
            parts.store,
            parts.reads,
            parts.event_log,
            parts.tickets,
            known_until=parts.home.known_until,
            daily=parts.retention.run_daily,
            stop=stop,
        )

    def run(self) -> None:
        """Tick until stopped; raises Halted when the read store belongs to another event store."""
        with asyncio.Runner() as runner:
            while not self.stop.is_set():
                try:
                    busy = self._try_tick(runner)
                except Transient as error:
                    self._wait_out(error)
                else:
                    self._backoff.reset()
                    if not busy:
                        self.stop.wait(self._settings.tick_seconds)

    def _try_tick(self, runner: asyncio.Runner) -> bool:
        with self._store.lock(LOCK) as active:
            return active and runner.run(self.tick())

    async def tick(self) -> bool:
        """Look once; tell whether there was something to do, and so perhaps is more."""
        now = self._clock()
        erased = self._erasures.carry_out(self.stop)
        erased += await self._daily(now, self.stop)
        position = self._follower.catch_up(self.stop)
        before = now - timedelta(seconds=self._settings.settle_seconds)
        known_until = self._known_until()
        fired = self._timers.fire(before, known_until, self._settings.timers)
        acted = await self._act()
        published = self._publisher.publish(self._settings.timers)
        if fired or acted or published or erased:
            log.info(
                "watch ticked",
                timers=fired,
                looked_at=acted,
                published=published,
                erased=erased,
                position=position,
            )
            return True
        if position != self._settled and not self._timers.any_due(now, known_until):
            self._announcements.set_progress(SETTLED, Progress(position))
            self._settled = position
        return False

    async def _act(self) -> int:
        loop = asyncio.get_running_loop()
        began = loop.time()
        done = await self._manager.act(self._settings.commands)
        if done.given and not self.stop.is_set():
            await asyncio.sleep((loop.time() - began) * self._settings.pause)
        return done.looked_at

    def _wait_out(self, error: Transient) -> None:
        delay = self._backoff.next_seconds()
        log.warning("watch waits", reason=str(error), retry_in_seconds=round(delay, 2))
        self.stop.wait(delay)
