"""Compares the SQL read models with what the tickets' events say, ticket by ticket.

The events are read from the store, which was compared with the log before.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from domain.errors import Poison
from domain.numbers import TicketNumber
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.subject import subject_of
from infra.event_store.port import EventStore
from infra.progress import Progress
from infra.read_store.driver_rows import DriverRows
from infra.read_store.driver_rows import Row as DriverRow
from infra.read_store.ledger import Ledger
from infra.read_store.open import ReadStore
from infra.read_store.projection import in_chunks
from infra.read_store.schema import SLA_CLOCKS, TICKET_STATE
from infra.verification.entry_view import begins_a_ticket
from infra.verification.snapshot import Share, Snapshot
from infra.verification.verdict import Difference, Differs, Part
from projections import sla_clocks, sla_clocks_fold, ticket_state, ticket_state_fold
from projections.raw_event import RawEvent, read_event
from projections.sla_clocks import ClockRow
from projections.ticket_state import TicketRow

_TICKETS_AT_ONCE = 250

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

    def raw_rows(self) -> sa.Select[Any]:
        """Ask for rows as the driver gives them, in the order of the primary key."""
        columns: list[sa.ColumnClause[Any]] = [
            sa.literal_column(f'"{column.name}"') for column in self.table.columns
        ]
        key = list(self.table.columns)[: self.key]
        return sa.select(*columns).select_from(self.table).order_by(*key)

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
        for row in changed:
            rows[row[:4]] = row
    return rows.values()


MODELS: Mapping[Part, ReadModel] = {
    Part.TICKET_STATE: ReadModel(
        Part.TICKET_STATE, TICKET_STATE, TicketRow._make, 1, ticket_state.VERSION, _state
    ),
    Part.SLA_CLOCKS: ReadModel(Part.SLA_CLOCKS, SLA_CLOCKS, ClockRow._make, 4, sla_clocks.VERSION, _clocks),
}


class TicketEvents:
    """One ticket's events, read when they are first needed."""

    def __init__(self, number: str, stored: Sequence[bytes]) -> None:
        self.number, self.stored = number, stored

    @cached_property
    def events(self) -> Sequence[RawEvent]:
        """All of them, in order; raises Poison."""
        return [read_event(state, self.number) for state in self.stored]


class ReadModelCheck:
    """Compares one read model's rows. What is newer than the snapshot may or may not be in them."""

    def __init__(
        self, model: ReadModel, snapshot: Snapshot, store: EventStore, reads: ReadStore, log_identity: str
    ) -> None:
        self.part = model.part
        self._model, self._snapshot, self._store, self._reads = model, snapshot, store, reads
        with reads.reading() as connection:
            self._parked = model.ledger(log_identity).parked(connection)
        self._driver_rows = DriverRows(model.table)
        self._found: dict[str, list[DriverRow]] = {}
        self.compared = 0

    def fetch(self, numbers: Collection[str]) -> None:
        """Read the rows of some tickets, to be compared next."""
        query, number, found = self._model.raw_rows(), self._model.table.c.number, list[DriverRow]()
        with self._reads.reading() as connection:
            for chunk in in_chunks(numbers):
                found += map(tuple, connection.execute(query.where(number.in_(chunk))).all())
        self._found = {number: list(rows) for number, rows in groupby(found, itemgetter(0))}

    def compare(self, ticket: TicketEvents) -> None:
        """Compare the rows of one of these tickets with its events; raises Differs, Poison."""
        if ticket.number in self._parked:
            return
        made = self._model.expected(ticket.events) if ticket.stored else ()
        expected = self._driver_rows.of(made, self._reads.dialect)
        if expected and self._found.get(ticket.number) == sorted(expected):
            self.compared += len(expected)
        else:
            self._compare_closely(ticket)

    def _compare_closely(self, ticket: TicketEvents) -> None:
        """Say what differs; or the rows, read once more, are of a version that they may be of."""
        number, table = ticket.number, self._model.table
        with self._reads.reading() as connection:
            rows = [self._model.row(raw) for raw in connection.execute(
                sa.select(table).where(table.c.number == number)
            )]  # fmt: skip
        found: Rows = {row[: self._model.key]: row for row in rows}
        version = max((row.version for row in rows), default=0)
        if version != len(ticket.stored):
            self._check_standing(number, version, len(ticket.stored))
        made = self._model.expected(ticket.events[:version]) if version else ()
        expected: Rows = {row[: self._model.key]: row for row in made}
        if found != expected:
            raise Differs(self._first_difference(number, version, found, expected))
        self.compared += len(found)

    def check_nothing_added(self) -> None:
        """Look for rows of tickets that do not exist, in the order of their numbers; raises Differs."""
        column, last = self._model.table.c.number, ""
        while True:
            query = sa.select(column).where(column > last).distinct().order_by(column).limit(_TICKETS_AT_ONCE)
            with self._reads.reading() as connection:
                numbers = list(connection.scalars(query))
            streams = {number: TicketNumber(number).stream_id for number in numbers}
            begun = self._store.begun(list(streams.values()))
            for number in numbers:
                if streams[number].bytes not in begun:
                    raise self._differs(number, None, "there are rows of a ticket that does not exist")
            if not numbers:
                return
            last = numbers[-1]

    def _check_standing(self, number: str, version: int, newest: int) -> None:
        """Raise Differs when the rows are ahead of the events, or behind what the snapshot has of them."""
        if version > newest:
            raise self._differs(number, version, "the rows are of a version that the ticket does not have")
        limit = self._snapshot.last_position
        due = sum(position <= limit for position in self._store.positions(TicketNumber(number).stream_id))
        if version < due:
            what = "there is no row" if version == 0 else f"the rows are still those of version {version}"
            raise self._differs(number, due, what)

    def _first_difference(self, number: str, version: int, found: Rows, expected: Rows) -> Difference:
        for key, row in expected.items():
            if key not in found:
                return self._difference(number, version, "a row is missing", key)
            if found[key] != row:
                return self._difference(number, version, _changed_column(found[key], row), key)
        added = next(key for key in found if key not in expected)
        return self._difference(number, version, "there is a row that no event made", added)

    def _differs(self, number: str, version: int | None, what: str) -> Differs:
        return Differs(self._difference(number, version, what, ()))

    def _difference(self, number: str, version: int | None, what: str, key: tuple[object, ...]) -> Difference:
        row = ", ".join(map(str, key[1:]))
        place = f"table {self._model.table.name}" + (f", row {row}" if row else "")
        return Difference(self._model.part, what, place, number, version)


class ReadModelsCheck:
    """Compares several read models in one walk over the tickets, each up to its first difference."""

    def __init__(self, checks: Sequence[ReadModelCheck], snapshot: Snapshot, store: EventStore) -> None:
        self._checks, self._snapshot, self._store = checks, snapshot, store
        self.differences: dict[Part, Difference] = {}

    def verify(self, share: Share, progress: Progress) -> None:
        """Compare the rows of every ticket that begins in a share of the entries."""
        numbers = _tickets(self._snapshot, share)
        while some := list(islice(numbers, _TICKETS_AT_ONCE)):
            for check in self._checks:
                check.fetch(some)
            streams = {number: TicketNumber(number).stream_id for number in some}
            histories = self._store.histories(list(streams.values()))
            for number in some:
                stored = histories.get(streams[number].bytes, [])
                events = TicketEvents(number, stored)
                for check in self._checks:
                    self._attempt(check, partial(check.compare, events))
                progress.advance(len(stored) * len(self._checks))
        if self._snapshot.first == 0 and share.number == 0:
            for check in self._checks:
                self._attempt(check, check.check_nothing_added)

    def _attempt(self, check: ReadModelCheck, compare: Callable[[], None]) -> None:
        if check.part in self.differences:
            return
        try:
            compare()
        except Differs as error:
            self.differences[check.part] = error.difference
        except Poison as error:
            self.differences[check.part] = Difference(check.part, str(error), "event store")


def _changed_column(found: Row, expected: Row) -> str:
    pairs = zip(expected._fields, found, expected, strict=True)
    name, is_, should = next(pair for pair in pairs if pair[1] != pair[2])
    return f"column {name} is {is_!s}, the events say {should!s}"


def _tickets(snapshot: Snapshot, share: Share) -> Iterator[str]:
    """Give the tickets that the compared entries are of, once each.

    From the first entry on a ticket begins with its version 1, so that nothing has to be remembered; then
    every share has its own tickets.
    """
    seen: set[str] = set()
    for _, entries in snapshot.bundles(share):
        for entry in entries:
            if snapshot.first == 0 and not begins_a_ticket(entry):
                continue
            number = subject_of(entry)
            if number not in seen:
                if snapshot.first:
                    seen.add(number)
                yield number
