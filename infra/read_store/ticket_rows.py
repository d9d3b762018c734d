"""Writes the read model "current ticket state"."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infra.read_store.bulk_write import BulkWrite
from infra.read_store.projection import in_chunks
from infra.read_store.schema import TICKET_STATE
from projections.raw_event import RawEvent
from projections.ticket_state import PROJECTION, VERSION, TicketRow
from projections.ticket_state_fold import Carried, advance

_WRITE = BulkWrite(TICKET_STATE, fixed=("area", "placed_at", "channel", "origin", "source_id"))
_KNOWN = sa.select(TICKET_STATE.c.number, *(TICKET_STATE.c[name] for name in Carried._fields))


class TicketStateProjection:
    """The first version of the table."""

    name = PROJECTION
    version = VERSION

    def batch(self, connection: Connection, numbers: Collection[str]) -> "TicketStateBatch":
        """See `Projection.batch`."""
        return TicketStateBatch(connection, numbers)


class TicketStateBatch:
    """Collapses the events of a batch to one row a ticket."""

    def __init__(self, connection: Connection, numbers: Collection[str]) -> None:
        self._connection = connection
        self._known: dict[str, Carried] = {}
        for chunk in in_chunks(numbers):
            for row in connection.execute(_KNOWN.where(TICKET_STATE.c.number.in_(chunk))):
                self._known[row[0]] = Carried(*row[1:])
        self._stored = frozenset(self._known)
        self._changed: dict[str, TicketRow] = {}

    def version(self, number: str) -> int:
        """See `Batch.version`."""
        known = self._known.get(number)
        return known.version if known else 0

    def apply(self, event: RawEvent) -> None:
        """See `Batch.apply`."""
        number = event.number
        self._changed[number], self._known[number] = advance(self._known.get(number), event)

    def save(self) -> None:
        """See `Batch.save`."""
        changed, stored = self._changed, self._stored
        _WRITE.insert(self._connection, [row for number, row in changed.items() if number not in stored])
        _WRITE.update(self._connection, [row for number, row in changed.items() if number in stored])
