"""Feeds a SQL read model from the log: rows, positions and parked tickets in one transaction each time."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import structlog
from sqlalchemy.engine import Connection

from domain.errors import Halted
from infra.event_log.port import EventLog, LogRecord
from infra.event_log.sink import Letter, Step
from infra.read_store.ledger import Ledger
from infra.read_store.open import ReadStore
from infra.read_store.projection import Projection
from projections.raw_event import RawEvent, read_event

log = structlog.get_logger()


class ProjectionSink:
    """A `ReleasingSink` for one projection. `log_name` is the identity of the log that is read."""

    def __init__(self, store: ReadStore, projection: Projection, log_name: str, topic: str) -> None:
        self._store = store
        self._projection = projection
        self._ledger = Ledger(projection.name, projection.version, log_name, topic)

    @classmethod
    def following(
        cls, store: ReadStore, projection: Projection, event_log: EventLog, topic: str
    ) -> "ProjectionSink":
        """Make the sink for a topic of a log; raises LogUnavailable."""
        return cls(store, projection, event_log.identity(topic), topic)

    def start_offsets(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """See `Sink.start_offsets`."""
        with self._store.reading() as connection:
            known = self._ledger.positions(connection)
        return {partition: known.get(partition, 0) for partition in partitions}

    def apply(
        self, records: Sequence[LogRecord], steps: Mapping[int, Step], aside: Collection[str] = ()
    ) -> None:
        """See `Sink.apply`."""
        events = [read_event(record.value, record.key) for record in records]
        with self._store.writing() as connection:
            self._ledger.move(connection, steps)
            self._ledger.check_parked(connection, aside)
            allowed = self._ledger.gaps_allowed(connection)
            left = self._write(connection, events, allowed)
            self._ledger.set_gaps_allowed(connection, allowed, left)

    def parked(self) -> Collection[str]:
        """See `Sink.parked`."""
        with self._store.reading() as connection:
            return self._ledger.parked(connection)

    def park(self, record: LogRecord, reason: str) -> None:
        """See `Sink.park`."""
        with self._store.writing() as connection:
            self._ledger.park(connection, record, reason)

    def release(self, key: str, letters: Callable[[], Sequence[Letter]]) -> None:
        """See `ReleasingSink.release`.

        For a ticket that is not parked (any more) letters are only applied as far as they are new.
        """
        with self._store.writing_durably() as connection:
            was_parked = self._ledger.is_parked(connection, key)
            allowed = self._ledger.gaps_allowed(connection)
            left = set(allowed)
            for letter in letters():
                if not letter.discarded:
                    event = read_event(letter.record.value, letter.record.key)
                    left = self._write(connection, [event], left)
                elif was_parked:
                    left.add(key)
            self._ledger.set_gaps_allowed(connection, allowed, left)
            self._ledger.release(connection, key)

    def _write(self, connection: Connection, events: Iterable[RawEvent], gaps_allowed: set[str]) -> set[str]:
        """Apply what is new; gives the tickets that may still have a gap. Raises Halted and Poison."""
        events = list(events)
        left = set(gaps_allowed)
        batch = self._projection.batch(connection, {event.number for event in events})
        for event in events:
            version = batch.version(event.number)
            if event.sequence <= version:
                continue
            if event.sequence != version + 1 and event.number not in left:
                raise self._gap(event, version + 1)
            left.discard(event.number)
            batch.apply(event)
        batch.save()
        return left

    def _gap(self, event: RawEvent, expected: int) -> Halted:
        log.error(
            "gap in a ticket's history",
            ticket=event.number,
            projection=self._projection.name,
            expected=expected,
            found=event.sequence,
        )
        return Halted(
            f"{self._projection.name}: ticket {event.number} has a gap: version {expected} was expected, "
            f"{event.sequence} found; nothing was written"
        )
