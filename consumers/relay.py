"""Carries every committed event from the event store to the log: in order, never skipping one.

After a crash some events are sent again, which does no harm: within a partition every event still comes
after all of its ticket's earlier ones, and consumers drop what they have seen. The same holds for a relay
that has lost its lock without noticing.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from consumers.backoff import Backoff
from consumers.progress import Condition, Progress
from domain.errors import Transient
from infra.event_log.port import TICKETS_TOPIC, EventLog, LogUnavailable, Pending
from infra.event_log.relay_mark import relay_bookmark
from infra.event_log.subject import subject_of
from infra.event_store.port import EventStore

LOCK = "relay"
PARTITION = 0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How much may be under way, and when to lose patience."""

    batch: int = 500
    """Events read and sent at a time."""
    in_flight: int = 24
    """Batches sent and not yet acknowledged; it bounds the memory."""
    bookmark_seconds: float = 0.1
    idle_seconds: float = 0.5
    stall_seconds: float = 30.0
    """Without an acknowledgement for so long, the connection is thrown away and made anew."""
    standby_seconds: float = 1.0
    """How often a relay that is not the active one tries to become it."""


class Relay:
    """Follows the store and publishes; any number may run, one at a time is active. `run` until `stop`."""

    def __init__(
        self,
        store: EventStore,
        event_log: EventLog,
        *,
        settings: RelaySettings | None = None,
        stop: threading.Event | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress = Progress()
        self.stop = stop or threading.Event()
        self._store = store
        self._event_log = event_log
        self._settings = settings or RelaySettings()
        self._backoff = backoff or Backoff(longest_seconds=5.0)
        self._clock = clock
        self._pending: deque[tuple[int, int, Pending]] = deque()
        self._bookmark = ""
        self._sent = 0
        self._acknowledged = 0
        self._saved = 0
        self._saved_at = 0.0
        self._answered_at = 0.0

    def run(self) -> None:
        """Relay until stopped. While store or broker are away it waits; it then goes on where it was."""
        while not self.stop.is_set():
            try:
                with self._store.lock(LOCK) as active:
                    if active:
                        self._lead()
                    else:
                        self.stop.wait(self._settings.standby_seconds)
            except Transient as error:
                self._wait_out(error)
        self.progress.enter(Condition.STOPPED)

    def _lead(self) -> None:
        self._begin()
        try:
            while not self.stop.is_set():
                more = self._send()
                self._await_answers(more)
                self._remember()
                if not more and not self._pending:
                    self._idle()
        except LogUnavailable:
            self._event_log.abandon()  # or what is queued behind a refused record would be sent before it
            raise
        finally:
            self._pending.clear()
            self._remember(at_once=True)

    def _begin(self) -> None:
        self._bookmark = relay_bookmark(self._event_log)
        self._sent = self._acknowledged = self._saved = self._store.bookmark(self._bookmark)
        self._answered_at = self._clock()
        self._event_log.publish_async(TICKETS_TOPIC, ())  # connect before there is anything to hurry for
        self.progress.place({PARTITION: self._acknowledged})
        log.info("relay active", position=self._acknowledged)

    def _send(self) -> bool:
        """Hand over what may be under way; tell whether the store has more."""
        while len(self._pending) < self._settings.in_flight:
            events = self._store.read(self._sent, self._settings.batch)
            if not events:
                return False
            if not self._pending:
                self._answered_at = self._clock()
            pending = self._event_log.publish_async(
                TICKETS_TOPIC, [(subject_of(event.state), event.state, event.id) for event in events]
            )
            self._sent = events[-1].id
            self._pending.append((self._sent, len(events), pending))
        return True

    def _await_answers(self, more: bool) -> None:
        """Take the acknowledgements that are there, in order; wait for one when nothing can be sent."""
        if not self._pending:
            return
        self._pending[0][2].wait(1.0 if more else 0.05)
        while self._pending and self._pending[0][2].done():
            position, count, pending = self._pending.popleft()
            pending.wait(0)  # raises when it was refused
            self._acknowledged = position
            self._answered_at = self._clock()
            self._backoff.reset()
            self.progress.advance(count, 0, {PARTITION: position})
        if self._pending and self._clock() - self._answered_at > self._settings.stall_seconds:
            raise LogUnavailable(f"no acknowledgement for {self._settings.stall_seconds:.0f} s")

    def _remember(self, *, at_once: bool = False) -> None:
        due = at_once or self._clock() - self._saved_at >= self._settings.bookmark_seconds
        if due and self._acknowledged > self._saved:
            self._store.set_bookmark(self._bookmark, self._acknowledged)
            self._saved = self._acknowledged
            self._saved_at = self._clock()

    def _idle(self) -> None:
        patience = self._settings.idle_seconds
        if self._acknowledged > self._saved:
            patience = min(patience, self._settings.bookmark_seconds)
        self._store.wait(self._sent, patience)

    def _wait_out(self, error: Transient) -> None:
        delay = self._backoff.next_seconds()
        self.progress.enter(Condition.WAITING, str(error))
        log.warning("relay waits", reason=str(error), retry_in_seconds=round(delay, 2))
        self.stop.wait(delay)
