"""The log of an installation without Kafka: the event store's own sequence of events."""

import fcntl
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from domain.errors import Halted
from infra.event_log.port import (
    TICKETS_TOPIC,
    Headers,
    LogReader,
    LogRecord,
    StartOffsets,
)
from infra.event_log.side_topics import SideTopics
from infra.event_log.subject import subject_of
from infra.event_store.port import EventStore

PARTITION = 0
_RETRY_SECONDS = 0.2
_PAGE = 1000


class EmbeddedEventLog:
    """An `EventLog` over the event store and, for the topics beside the tickets, `HOME/topics.db`.

    Every topic has the one partition 0. The tickets' offsets are the store's positions: they rise, may have
    holes, and the next one to read is the last one plus one.
    """

    def __init__(self, store: EventStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._topics = SideTopics(folder / "topics.db")

    def reader(self, group: str, topic: str, start_offsets: StartOffsets) -> LogReader:
        """See `EventLog.reader`. Of several members of a group one reads and the others wait, as in Kafka."""
        seat = _Seat(self._folder / "groups" / f"{group}.{topic}.lock")
        return EmbeddedReader(group, topic, self._source(topic), seat, start_offsets)

    def publish(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> None:
        """See `EventLog.publish`; tickets are in the store already and cannot be published."""
        if topic == TICKETS_TOPIC:
            raise ValueError("the embedded log needs no relay: it is the event store")
        self._topics.append(topic, records, headers)

    def publish_async(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> "Written":
        """See `EventLog.publish_async`; it is written when this returns."""
        self.publish(topic, records, headers)
        return Written()

    def abandon(self) -> None:
        """See `EventLog.abandon`; nothing is ever pending."""

    def history(
        self,
        topic: str,
        starts: Mapping[int, int] | None = None,
        *,
        partitions: Collection[int] | None = None,
    ) -> Iterator[LogRecord]:
        """See `EventLog.history`."""
        if partitions is not None and PARTITION not in partitions:
            return
        source = self._source(topic)
        start, end = (starts or {}).get(PARTITION, 0), source.end()
        while start < end and (records := source.read(start, _PAGE)):
            yield from (record for record in records if record.offset < end)
            start = records[-1].offset + 1

    def first_offsets(self, topic: str) -> Mapping[int, int]:  # noqa: ARG002 - of every topic the same
        """See `EventLog.first_offsets`: nothing is ever deleted."""
        return {PARTITION: 0}

    def end_offsets(self, topic: str) -> Mapping[int, int]:
        """See `EventLog.end_offsets`."""
        return {PARTITION: self._source(topic).end()}

    def identity(self, topic: str) -> str:
        """See `EventLog.identity`: there is one, for as long as the store lives."""
        return f"embedded:{topic}"

    def close(self) -> None:
        """See `EventLog.close`; the store is its owner's to close."""
        self._topics.close()

    def _source(self, topic: str) -> "_Source":
        return _StoreSource(self._store) if topic == TICKETS_TOPIC else _TopicSource(self._topics, topic)


class Written:
    """A `Pending` that is done."""

    def done(self) -> bool:
        """See `Pending.done`."""
        return True

    def wait(self, timeout_seconds: float) -> bool:  # noqa: ARG002 - there is nothing to wait for
        """See `Pending.wait`."""
        return True


class EmbeddedReader:
    """A `LogReader` that holds the group's one partition while it holds the group's lock."""

    def __init__(
        self, group: str, topic: str, source: "_Source", seat: "_Seat", start_offsets: StartOffsets
    ) -> None:
        self._name = f"{group} on {topic}"
        self._source = source
        self._seat = seat
        self._start_offsets = start_offsets
        self._next: int | None = None

    def poll(self, max_records: int, timeout_seconds: float) -> Sequence[LogRecord]:
        """See `LogReader.poll`."""
        if not self._seat.take(timeout_seconds):
            return ()
        start = self._place() if self._next is None else self._next
        records = self._source.read(start, max_records)
        if not records and self._source.wait(start, timeout_seconds):
            records = self._source.read(start, max_records)
        if records:
            self._next = records[-1].offset + 1
        return records

    def rewind(self) -> None:
        """See `LogReader.rewind`."""
        self._next = None

    def applied(self, next_offsets: Mapping[int, int]) -> None:
        """See `LogReader.applied`; there is no tool to tell."""

    def lag(self) -> Mapping[int, int]:
        """See `LogReader.lag`; holes count as records, so that it is an upper bound."""
        return {} if self._next is None else {PARTITION: max(0, self._source.end() - self._next)}

    def close(self) -> None:
        """See `LogReader.close`."""
        self._next = None
        self._seat.leave()

    def _place(self) -> int:
        start = self._start_offsets([PARTITION]).get(PARTITION, 0)
        end = self._source.end()
        if start > end:
            raise Halted(
                f"{self._name}: its position {start} is beyond the end of the log ({end}): this is not the "
                "event store that it has read; rebuild the projection from the event store."
            )
        self._next = start
        return start


class _Seat:
    """The one place in a consumer group, kept by a lock that ends with its process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: int | None = None

    def take(self, timeout_seconds: float) -> bool:
        """Sit down, waiting for a while if somebody else does; tell whether that worked."""
        if self._held is not None:
            return True
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if _lock_within(descriptor, timeout_seconds):
            self._held = descriptor
            return True
        os.close(descriptor)
        return False

    def leave(self) -> None:
        """Give the place free."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


def _lock_within(descriptor: int, timeout_seconds: float) -> bool:
    until = time.monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if (left := until - time.monotonic()) <= 0:
                return False
            time.sleep(min(left, _RETRY_SECONDS))
        else:
            return True


class _Source(Protocol):
    def read(self, start: int, limit: int) -> list[LogRecord]: ...

    def wait(self, start: int, timeout_seconds: float) -> bool: ...

    def end(self) -> int: ...


class _StoreSource:
    """The tickets: what the event store has committed."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def read(self, start: int, limit: int) -> list[LogRecord]:
        return [
            LogRecord(PARTITION, event.id, subject_of(event.state), event.state, event.id)
            for event in self._store.read(max(0, start - 1), limit)
        ]

    def wait(self, start: int, timeout_seconds: float) -> bool:
        return self._store.wait(max(0, start - 1), timeout_seconds)

    def end(self) -> int:
        last = self._store.last_position()
        return last + 1 if last else 0


class _TopicSource:
    def __init__(self, topics: SideTopics, topic: str) -> None:
        self._topics = topics
        self._topic = topic

    def read(self, start: int, limit: int) -> list[LogRecord]:
        return self._topics.read(self._topic, start, limit)

    def wait(self, start: int, timeout_seconds: float) -> bool:
        return self._topics.wait(self._topic, start, timeout_seconds)

    def end(self) -> int:
        return self._topics.end(self._topic)
