"""Follows the event store and keeps every clock's timers, so that nothing fires that was met in time."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

import structlog
from eventsourcing.persistence import Notification

from domain.cloudevent import decode
from domain.errors import Halted, Poison, Refused
from domain.numbers import TicketNumber
from domain.rulebook import Rulebook
from infra.event_log.sink import MovedOn
from infra.event_log.subject import subject_of
from infra.event_store.port import EventStore
from infra.read_store.timer_rows import TicketTimers, TimerRows
from projections.sla_timers import History, follow, timers_of

log = structlog.get_logger(__name__)


class TimerFollower:
    """Reads the store itself, in order, so that it knows exactly how far it has come.

    The histories of the tickets that were last touched are kept; of others the events are read again.
    """

    def __init__(
        self,
        store: EventStore,
        rows: TimerRows,
        book: Rulebook,
        *,
        batch: int = 1000,
        capacity: int = 20_000,
    ) -> None:
        self._store, self._rows, self._book = store, rows, book
        self._batch, self._capacity = batch, capacity
        self._known: OrderedDict[str, History] = OrderedDict()
        self._position: int | None = None

    def catch_up(self, stop: threading.Event | None = None) -> int:
        """Take in all that is committed (or what there is time for until `stop`); give the position.

        Raises Transient, and Halted when the read store has followed another event store.
        """
        position = self._place() if self._position is None else self._position
        while not (stop and stop.is_set()):
            events = self._store.read(position, self._batch)
            if not events:
                break
            self._take_in(events, position)
            self._position = position = events[-1].id
        return position

    def history(self, number: str) -> History | None:
        """Give a ticket's history as the store has it now, None for a ticket that is not there."""
        known = self._known.get(number)
        stream = TicketNumber(number).stream_id
        for stored in self._store.stream(stream, after=known.version if known else 0):
            known = follow(known, decode(stored.state))
        if known is not None:
            self._keep(known)
        return known

    def _place(self) -> int:
        position = self._rows.position()
        if position > self._store.last_position():
            raise Halted(
                f"the timers are at position {position}, which the event store does not have: they were made "
                "from another one; give the read store a new database"
            )
        self._position = position
        return position

    def _take_in(self, events: Sequence[Notification], before: int) -> None:
        numbers = [subject_of(event.state) for event in events]
        for number, event in zip(numbers, events, strict=True):
            known = self._known.get(number)
            if event.originator_version == (known.version if known else 0) + 1:
                self._advance(known, event)
        newest = dict(zip(numbers, (event.originator_version for event in events), strict=True))
        tickets = [self._timers(number, version) for number, version in newest.items()]
        try:
            self._rows.save(tickets, before, events[-1].id)
        except MovedOn:
            self._position = None
            raise

    def _advance(self, known: History | None, event: Notification) -> None:
        with suppress(Poison):  # it is met again, and reported, when the ticket's timers are worked out
            self._keep(follow(known, decode(event.state)))

    def _timers(self, number: str, version: int) -> TicketTimers:
        """Work out a ticket's timers; one that cannot be judged has none, and says so in the log."""
        try:
            known = self._known.get(number)
            if known is None or known.version < version:
                known = self.history(number)
            if known is not None:
                return TicketTimers(number, known.untouched_since, tuple(timers_of(known, self._book)))
        except (Poison, Refused) as error:
            log.error("ticket without timers", ticket=number, reason=str(error))
        return TicketTimers(number, None, ())

    def _keep(self, history: History) -> None:
        self._known[history.number] = history
        self._known.move_to_end(history.number)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
