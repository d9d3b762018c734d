"""Writes the read model "SLA clocks"."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from domain.vocabulary import ClockKind
from infra.read_store.bulk_write import BulkWrite
from infra.read_store.projection import in_chunks
from infra.read_store.schema import SLA_CLOCKS
from projections.raw_event import RawEvent
from projections.sla_clocks import PROJECTION, VERSION, ClockRow
from projections.sla_clocks_fold import Running, advance

_WRITE = BulkWrite(SLA_CLOCKS, fixed=("area", "started_at", "origin", "source_id"))
_CURRENT = sa.select(SLA_CLOCKS).where(SLA_CLOCKS.c.current.is_(sa.true()))

_Key = tuple[str, int, str, int]


class SlaClocksProjection:
    """The first version of the table."""

    name = PROJECTION
    version = VERSION

    def batch(self, connection: Connection, numbers: Collection[str]) -> "SlaClocksBatch":
        """See `Projection.batch`."""
        return SlaClocksBatch(connection, numbers)


class SlaClocksBatch:
    """Collapses the events of a batch to one row a clock."""

    def __init__(self, connection: Connection, numbers: Collection[str]) -> None:
        self._connection = connection
        self._changed: dict[_Key, ClockRow] = {}
        stages: dict[str, ClockRow] = {}
        resolves: list[ClockRow] = []
        for chunk in in_chunks(numbers):
            for found in connection.execute(_CURRENT.where(SLA_CLOCKS.c.number.in_(chunk))):
                row = ClockRow(*found)
                if row.clock == ClockKind.RESOLVE:
                    resolves.append(row)
                else:
                    stages[row.number] = row
        self._known = {row.number: Running(row, stages.get(row.number)) for row in resolves}
        self._stored = frozenset(_key(row) for row in (*resolves, *stages.values()))

    def version(self, number: str) -> int:
        """See `Batch.version`."""
        known = self._known.get(number)
        return known.version if known else 0

    def apply(self, event: RawEvent) -> None:
        """See `Batch.apply`."""
        self._known[event.number], changed = advance(self._known.get(event.number), event)
        for row in changed:
            self._changed[_key(row)] = row

    def save(self) -> None:
        """See `Batch.save`."""
        changed, stored = self._changed, self._stored
        _WRITE.insert(self._connection, [row for key, row in changed.items() if key not in stored])
        _WRITE.update(self._connection, [row for key, row in changed.items() if key in stored])


def _key(row: ClockRow) -> _Key:
    return row[:4]
