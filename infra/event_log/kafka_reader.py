"""Reading from Kafka as a member of a consumer group whose positions are kept elsewhere."""

import itertools
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from kafka.structs import OffsetAndMetadata

from domain.errors import Halted, Transient
from infra.event_log.kafka_errors import NoBroker
from infra.event_log.kafka_socket import DIRECT
from infra.event_log.port import POSITION_HEADER, Headers, LogRecord, LogUnavailable, StartOffsets

COMMIT_EVERY_SECONDS = 1.0
SESSION_SECONDS = 6.0
_CLOSE_MS = 2000
_HISTORY_SECONDS = 20.0

log = structlog.get_logger()


class _Raw(Protocol):
    """What kafka-python gives for a record."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Holds new partitions until they are placed. Runs on the client's I/O thread: it only sets marks."""

    def __init__(self, consumer: KafkaConsumer, moved: threading.Event) -> None:
        self._consumer = consumer
        self._moved = moved

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 - given
        self._moved.set()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        for partition in assigned:
            self._consumer.seek(partition, 0)  # any position, so that none is asked of Kafka
            self._consumer.pause(partition)
        self._moved.set()


class KafkaReader:
    """A `LogReader` over kafka-python's consumer."""

    def __init__(
        self, bootstrap: str, group: str, topic: str, start_offsets: StartOffsets, member: str | None = None
    ) -> None:
        self._group = group
        self._topic = topic
        self._start_offsets = start_offsets
        self._moved = threading.Event()
        self._next: dict[int, int] = {}
        self._advice: dict[TopicPartition, OffsetAndMetadata] = {}
        self._committed_at = 0.0
        self._consumer = _connect(bootstrap, group, member)
        self._consumer.subscribe([topic], listener=_Rebalance(self._consumer, self._moved))

    def poll(self, max_records: int, timeout_seconds: float) -> Sequence[LogRecord]:
        """See `LogReader.poll`."""
        if self._moved.is_set():
            self._place()
        fetched = self._fetch(max_records, timeout_seconds)
        if self._moved.is_set():  # whatever came was read for the assignment before
            self._place()
            return ()
        records = [_record(raw) for batch in fetched.values() for raw in batch]
        for partition, batch in fetched.items():
            self._next[partition.partition] = batch[-1].offset + 1
        return records

    def rewind(self) -> None:
        """See `LogReader.rewind`."""
        self._moved.set()

    def applied(self, next_offsets: Mapping[int, int]) -> None:
        """See `LogReader.applied`; committed to Kafka about once a second."""
        for partition, offset in next_offsets.items():
            self._advice[TopicPartition(self._topic, partition)] = OffsetAndMetadata(offset, "", -1)
        now = time.monotonic()
        if now - self._committed_at >= COMMIT_EVERY_SECONDS:
            self._committed_at = now
            self._advise(wait=False)

    def lag(self) -> Mapping[int, int]:
        """See `LogReader.lag`."""
        partitions = [TopicPartition(self._topic, partition) for partition in self._next]
        try:
            ends = self._consumer.end_offsets(partitions, timeout_ms=_CLOSE_MS) if partitions else {}
        except KafkaError as error:
            raise LogUnavailable(f"Kafka does not tell the end of {self._topic}: {error}") from error
        return {each.partition: max(0, ends[each] - self._next[each.partition]) for each in ends}

    def close(self) -> None:
        """See `LogReader.close`."""
        self._advise(wait=True)
        self._consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)

    def _fetch(self, max_records: int, timeout_seconds: float) -> Mapping[TopicPartition, Sequence[_Raw]]:
        try:
            fetched: Mapping[TopicPartition, Sequence[_Raw]] = self._consumer.poll(
                timeout_ms=int(timeout_seconds * 1000), max_records=max_records
            )
        except (OffsetOutOfRangeError, LogTruncationError, NoOffsetForPartitionError) as error:
            raise Halted(
                f"{self._group}: its position is not in the topic {self._topic}, which was made anew or cut "
                f"({error}): rebuild the projection from the event store; nothing was skipped."
            ) from error
        except KafkaError as error:
            raise LogUnavailable(f"{self._group}: reading {self._topic} failed: {error}") from error
        return fetched

    def _place(self) -> None:
        """Put every assigned partition where the sink says, and let it go."""
        self._moved.clear()
        assigned = sorted(self._consumer.assignment())
        try:
            starts = self._start_offsets([each.partition for each in assigned])
        except Transient:
            self._moved.set()
            raise
        self._next = {each.partition: starts.get(each.partition, 0) for each in assigned}
        self._advice.clear()
        for each in assigned:
            self._consumer.seek(each, self._next[each.partition])
        self._consumer.resume(*assigned)
        log.info("partitions placed", group=self._group, topic=self._topic, offsets=self._next)

    def _advise(self, *, wait: bool) -> None:
        advice, self._advice = self._advice, {}
        if not advice:
            return
        try:
            if wait:
                self._consumer.commit(advice, timeout_ms=_CLOSE_MS)
            else:
                self._consumer.commit_async(advice)
        except KafkaError as error:  # a rebalance is under way: it is advice only, and is given again
            log.debug("offsets not committed", group=self._group, topic=self._topic, reason=str(error))


def read_history(
    bootstrap: str, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]
) -> Iterator[LogRecord]:
    """Read every partition from the offset in `starts` (or its beginning) to that in `ends`, in no group."""
    left = {partition: end for partition, end in ends.items() if end > starts.get(partition, 0)}
    if not left:
        return
    consumer = _connect(bootstrap, None, None)
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in left])
        consumer.seek_to_beginning()
        for partition in left.keys() & starts.keys():
            consumer.seek(TopicPartition(topic, partition), starts[partition])
        while left:
            batches = consumer.poll(timeout_ms=int(_HISTORY_SECONDS * 1000), max_records=5000)
            if not batches:
                raise LogUnavailable(f"Kafka at {bootstrap} gave nothing more of {topic}")
            for raw in itertools.chain.from_iterable(batches.values()):
                if raw.offset < ends[raw.partition]:
                    yield _record(raw)
                if raw.offset + 1 >= ends[raw.partition]:
                    left.pop(raw.partition, None)
    except KafkaError as error:
        raise LogUnavailable(f"Kafka at {bootstrap} gave nothing more of {topic}: {error}") from error
    finally:
        consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)


def _connect(bootstrap: str, group: str | None, member: str | None) -> KafkaConsumer:
    try:
        return KafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=group,
            group_instance_id=member,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(SESSION_SECONDS * 250),
            reconnect_backoff_max_ms=1000,
            bootstrap_timeout_ms=3000,
            metrics_enabled=False,
            proxy_url=DIRECT,
        )
    except KafkaError as error:
        raise NoBroker(bootstrap) from error


def _record(raw: _Raw) -> LogRecord:
    headers = raw.headers
    key = raw.key.decode(errors="replace") if raw.key else ""
    return LogRecord(raw.partition, raw.offset, key, raw.value or b"", _position(headers), headers)


def _position(headers: Headers) -> int | None:
    for name, value in headers:
        if name == POSITION_HEADER:
            return int(value) if value.isdigit() else None
    return None
