"""Exports a ticket's whole history, with the proofs that it is whole."""

from hashlib import sha256

from domain.errors import Halted
from domain.numbers import TicketNumber
from infra.event_store.port import EventStore
from infra.ticket_receipts import NotLoggedYet, TicketReceipts
from infra.timeline_page import timeline_page
from infra.transparency.bundle import Bundle
from infra.transparency.history_statement import HistoryStatement
from infra.transparency.log_reader import LogReader
from infra.transparency.receipt import Receipt
from infra.transparency.signed_note import Signer


class TicketBundles:
    """Makes bundles; whoever signs them states that there are no other events."""

    def __init__(self, store: EventStore, log: LogReader, signer: Signer) -> None:
        self._store, self._log, self._signer = store, log, signer

    def export(self, number: TicketNumber) -> Bundle:
        """Bundle every event of a ticket.

        Raises NotFound, NotLoggedYet for less than a second, and Halted when store and log differ.
        """
        stored = [event.state for event in self._store.stream(number.stream_id)]
        receipts = TicketReceipts(self._store, self._log)
        last = receipts.leaf_of(number, max(1, len(stored)))
        head = self._log.head_over(last)
        if head is None:
            raise NotLoggedYet(f"{number} is in the log within a second")
        leaves = [receipts.leaf_of(number, version) for version in range(1, len(stored) + 1)]
        size = head.checkpoint.size
        if stored != [self._log.entry(leaf, size) for leaf in leaves]:
            raise Halted(
                f"the event store says something else about {number} than the log: see `liudan audit verify`"
            )
        page = timeline_page(stored, leaves, head.checkpoint)
        stated = HistoryStatement(number, len(stored), sha256(page).hexdigest(), head.checkpoint)
        return Bundle(
            [
                Receipt(entry, leaf, self._log.inclusion(leaf, size), head.note)
                for entry, leaf in zip(stored, leaves, strict=True)
            ],
            head.note,
            self._signer.sign(stated.text),
            self._signer.verifier,
            page,
        )
