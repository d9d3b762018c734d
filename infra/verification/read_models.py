"""Compares the SQL read models with what the tickets' events say, ticket by ticket.

The events are read from the store, which was compared with the log before.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from domain.numbers import TicketNumber
from infra.event_log.port import TICKETS_TOPIC
from infra.event_store.port import EventStore
from infra.progress import Progress
from infra.read_store.ledger import Ledger
from infra.read_store.open import ReadStore
from infra.read_store.projection import in_chunks
from infra.read_store.schema import SLA_CLOCKS, TICKET_STATE
from infra.verification.entry_view import ticket_of, version_of
from infra.verification.snapshot import Snapshot
from infra.verification.verdict import Difference, Differs, Part
from projections import sla_clocks, sla_clocks_fold, ticket_state, ticket_state_fold
from projections.raw_event import RawEvent, read_event
from projections.sla_clocks import ClockRow
from projections.ticket_state import TicketRow

_TICKETS_AT_ONCE = 500

Row = TicketRow | ClockRow
Rows = Mapping[tuple[object, ...], Row]
"""By primary key."""


class ReadModel(NamedTuple):
    """One read model: where its rows are, and what they have to be."""

    part: Part
    table: sa.Table
    row: Callable[..., Row]
    key: int
    """How many of the first columns are the primary key."""
    version: int
    """The version of its rows' meaning."""
    expected: Callable[[Sequence[RawEvent]], Iterable[Row]]

    def ledger(self, log_identity: str) -> Ledger:
        """Give its books for the log that it follows."""
        return Ledger(self.part.value, self.version, log_identity, TICKETS_TOPIC)


def _state(events: Sequence[RawEvent]) -> Iterable[Row]:
    known = None
    for event in events[:-1]:
        known = ticket_state_fold.carry(known, event)
    return [ticket_state_fold.advance(known, events[-1])[0]]


def _clocks(events: Sequence[RawEvent]) -> Iterable[Row]:
    known: sla_clocks_fold.Running | None = None
    rows: dict[tuple[object, ...], ClockRow] = {}
    for event in events:
        known, changed = sla_clocks_fold.advance(known, event)
        rows.update((row[:4], row) for row in changed)
    return rows.values()


MODELS: Mapping[Part, ReadModel] = {
    Part.TICKET_STATE: ReadModel(
        Part.TICKET_STATE, TICKET_STATE, TicketRow._make, 1, ticket_state.VERSION, _state
    ),
    Part.SLA_CLOCKS: ReadModel(Part.SLA_CLOCKS, SLA_CLOCKS, ClockRow._make, 4, sla_clocks.VERSION, _clocks),
}


class ReadModelCheck:
    """Compares one read model. What is newer than the snapshot may or may not be in it."""

    def __init__(
        self, model: ReadModel, snapshot: Snapshot, store: EventStore, reads: ReadStore, log_identity: str
    ) -> None:
        self._model, self._snapshot, self._store, self._reads = model, snapshot, store, reads
        self._ledger = model.ledger(log_identity)

    def verify(self, progress: Progress) -> int:
        """Compare every ticket's rows; gives how many rows. Raises Differs, Transient."""
        with self._reads.reading() as connection:
            parked = self._ledger.parked(connection)
        compared = 0
        numbers = _tickets(self._snapshot)
        while some := list(islice(numbers, _TICKETS_AT_ONCE)):
            with self._reads.reading() as connection:
                found = self._fetch(connection, some)
            for number in some:
                if number not in parked:
                    compared += self._compare(number, found.get(number, {}), progress)
        if self._snapshot.first == 0:
            self._check_nothing_added()
        return compared

    def _fetch(self, connection: Connection, numbers: Collection[str]) -> dict[str, Rows]:
        table, rows = self._model.table, dict[str, dict[tuple[object, ...], Row]]()
        for chunk in in_chunks(numbers):
            for raw in connection.execute(sa.select(table).where(table.c.number.in_(chunk))):
                row = self._model.row(raw)
                rows.setdefault(row.number, {})[row[: self._model.key]] = row
        return dict(rows)

    def _compare(self, number: str, found: Rows, progress: Progress) -> int:
        version = max((row.version for row in found.values()), default=0)
        events = self._events(number, version)
        progress.advance(len(events))
        rows = self._model.expected(events[:version]) if version else ()
        expected: Rows = {row[: self._model.key]: row for row in rows}
        if found != expected:
            raise Differs(self._first_difference(number, version, found, expected))
        return len(found)

    def _events(self, number: str, version: int) -> list[RawEvent]:
        """Read a ticket's events; raises Differs when the rows are behind, or ahead of what there is."""
        stream_id = TicketNumber(number).stream_id
        events = [read_event(event.state, number) for event in self._store.stream(stream_id)]
        if version > len(events):
            raise self._differs(number, version, "the rows are of a version that the ticket does not have")
        if version < len(events):
            limit = self._snapshot.last_position
            due = sum(position <= limit for position in self._store.positions(stream_id))
            if version < due:
                what = "there is no row" if version == 0 else f"the rows are still those of version {version}"
                raise self._differs(number, due, what)
        return events

    def _first_difference(self, number: str, version: int, found: Rows, expected: Rows) -> Difference:
        for key in expected.keys() - found.keys():
            return self._difference(number, version, "a row is missing", key)
        for key in found.keys() - expected.keys():
            return self._difference(number, version, "there is a row that no event made", key)
        for key, row in expected.items():
            if found[key] != row:
                return self._difference(number, version, _changed_column(found[key], row), key)
        raise AssertionError("no difference")  # the caller has found one

    def _check_nothing_added(self) -> None:
        """Look for rows of tickets that do not exist, in the order of their numbers."""
        column, last = self._model.table.c.number, ""
        while True:
            query = sa.select(column).where(column > last).distinct().order_by(column).limit(_TICKETS_AT_ONCE)
            with self._reads.reading() as connection:
                numbers = list(connection.scalars(query))
            for number in numbers:
                if not self._store.positions(TicketNumber(number).stream_id):
                    raise self._differs(number, None, "there are rows of a ticket that does not exist")
            if not numbers:
                return
            last = numbers[-1]

    def _differs(self, number: str, version: int | None, what: str) -> Differs:
        return Differs(self._difference(number, version, what, ()))

    def _difference(self, number: str, version: int | None, what: str, key: tuple[object, ...]) -> Difference:
        row = ", ".join(map(str, key[1:]))
        place = f"table {self._model.table.name}" + (f", row {row}" if row else "")
        return Difference(self._model.part, what, place, number, version)


def _changed_column(found: Row, expected: Row) -> str:
    pairs = zip(expected._fields, found, expected, strict=True)
    name, is_, should = next(pair for pair in pairs if pair[1] != pair[2])
    return f"column {name} is {is_!s}, the events say {should!s}"


def _tickets(snapshot: Snapshot) -> Iterator[str]:
    """Give the tickets that the compared entries are of, once each.

    From the first entry on a ticket begins with its version 1, so that nothing has to be remembered.
    """
    seen: set[str] = set()
    for _, entries in snapshot.bundles():
        for entry in entries:
            number = ticket_of(entry)
            if number is None:
                continue
            if snapshot.first == 0:
                if version_of(entry) == 1:
                    yield number
            elif number not in seen:
                seen.add(number)
                yield number
