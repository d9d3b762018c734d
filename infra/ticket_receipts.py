"""What a resident takes home: the proof that an event of their ticket is in the transparency log."""

from collections.abc import Sequence
from enum import StrEnum

import orjson
from eventsourcing.persistence import StoredEvent

from domain.errors import Halted, NotFound, Transient
from domain.numbers import TicketNumber
from domain.vocabulary import ENDED
from infra.event_log.subject import subject_of
from infra.event_store.port import EventStore
from infra.transparency.log_reader import LogReader
from infra.transparency.receipt import Receipt


class Occasion(StrEnum):
    """What a receipt is given for."""

    PLACING = "placing"  # 受理回执
    CLOSING = "closing"  # 办结回执
    LATEST = "latest"


class NotLoggedYet(Transient):
    """The event is stored; the checkpoint that covers it comes within a second."""


class TicketReceipts:
    """Gives receipts for the events of tickets."""

    def __init__(self, store: EventStore, log: LogReader) -> None:
        self._store, self._log = store, log

    def for_occasion(self, number: TicketNumber, occasion: Occasion) -> Receipt:
        """Give the receipt for a ticket's placing, last closing, or last event.

        Raises NotFound (also for a ticket that has not ended), and NotLoggedYet for less than a second.
        """
        events = self._store.stream(number.stream_id)
        if not events:
            raise NotFound(f"there is no ticket {number}", field="number")
        versions = {Occasion.PLACING: 1, Occasion.CLOSING: _closing(events), Occasion.LATEST: len(events)}
        version = versions[occasion]
        if version is None:
            raise NotFound(f"ticket {number} has not been closed", rule="not-closed", field="occasion")
        return self.for_version(number, version)

    def for_version(self, number: TicketNumber, version: int) -> Receipt:
        """Give the receipt for one event of a ticket; raises as `for_occasion`."""
        leaf = self.leaf_of(number, version)
        head = self._log.head_over(leaf)
        if head is None:
            raise NotLoggedYet(f"version {version} of {number} is in the log within a second")
        size = head.checkpoint.size
        entry = self._log.entry(leaf, size)
        if subject_of(entry) != number:
            raise Halted(f"the log's entry {leaf} is not of {number}: see `liudan audit verify`")
        return Receipt(entry, leaf, self._log.inclusion(leaf, size), head.note)

    def leaf_of(self, number: TicketNumber, version: int) -> int:
        """Give the place of a ticket's event in the log; raises NotFound, NotLoggedYet."""
        positions = self._store.positions(number.stream_id)
        if not 1 <= version <= len(positions):
            raise NotFound(
                f"ticket {number} has no version {version}", rule="no-such-version", field="version"
            )
        leaf = self._log.positions().leaf_of(positions[version - 1])
        if leaf is None:
            raise NotLoggedYet(f"version {version} of {number} is in the log within a second")
        return leaf


def _closing(events: Sequence[StoredEvent]) -> int | None:
    """Give the version with which the ticket ended last, None when it has never ended."""
    states = [orjson.loads(event.state)["data"]["ticket"]["state"] for event in events]
    before = [None, *states]
    ends = [
        n
        for n, (was, now) in enumerate(zip(before, states, strict=False), 1)
        if now in ENDED and was not in ENDED
    ]
    return ends[-1] if ends else None
