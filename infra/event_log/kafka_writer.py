"""Writing to Kafka: an idempotent producer that is thrown away when it fails."""

import threading
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypedDict

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2
from kafka.producer.future import FutureRecordMetadata

from infra.event_log.kafka_errors import NoBroker
from infra.event_log.kafka_socket import DIRECT
from infra.event_log.port import POSITION_HEADER, Headers, LogUnavailable

CONNECT_SECONDS = 3.0
CLOSE_SECONDS = 5.0

log = structlog.get_logger()


class ProducerSettings(TypedDict):
    """The producer's settings, open to measurements that compare with a bare producer."""

    bootstrap_servers: str
    acks: str
    enable_idempotence: bool
    compression_type: str
    linger_ms: int
    batch_size: int
    delivery_timeout_ms: int
    reconnect_backoff_max_ms: int
    max_block_ms: int
    bootstrap_timeout_ms: int
    allow_auto_create_topics: bool
    metrics_enabled: bool
    proxy_url: str


def producer_settings(bootstrap: str) -> ProducerSettings:
    """Give the settings that were measured to be quick and never to lose, double or reorder a record.

    Deliveries never expire: an expired batch leaves the idempotent producer unable to send (measured), so
    whoever waits has the deadline. The linger is small, since batches fill by themselves while the one
    before them is under way.
    """
    return {
        "bootstrap_servers": bootstrap,
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "lz4",
        "linger_ms": 2,
        "batch_size": 262_144,
        "delivery_timeout_ms": 2**31 - 1,
        "reconnect_backoff_max_ms": 1000,
        "max_block_ms": int(CONNECT_SECONDS * 1000),
        "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000),
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        "proxy_url": DIRECT,
    }


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """Give a key's partition as every Kafka client computes it (murmur2), remembered per key."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


class KafkaPending:
    """Records handed to one producer; see `Pending`."""

    def __init__(self, futures: Sequence[FutureRecordMetadata]) -> None:
        self._futures = futures
        self._first_open = 0

    def done(self) -> bool:
        """See `Pending.done`."""
        return self._skip_settled() is None

    def wait(self, timeout_seconds: float) -> bool:
        """See `Pending.wait`."""
        until = time.monotonic() + timeout_seconds
        while (future := self._skip_settled()) is not None:
            if future.is_done:
                raise LogUnavailable(f"Kafka did not take a record: {future.exception}")
            try:
                future.get(max(0.0, until - time.monotonic()))
            except KafkaError:  # it was not done in time, or has failed
                if not future.is_done:
                    return False
        return True

    def _skip_settled(self) -> FutureRecordMetadata | None:
        """Give the first record that is not acknowledged, if any."""
        futures = self._futures
        for index in range(self._first_open, len(futures)):
            future = futures[index]
            if not future.is_done or future.exception is not None:
                self._first_open = index
                return future
        self._first_open = len(futures)
        return None


class KafkaWriter:
    """Keeps a producer while it works and makes a new one after it was abandoned. Thread-safe."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: KafkaProducer | None = None
        self._lock = threading.Lock()

    def send(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers
    ) -> KafkaPending:
        """Hand records to the producer. Raises LogUnavailable when no broker or no such topic is there."""
        producer = self._connected()
        extra = list(headers)
        try:
            count = len(producer.partitions_for(topic))
            return KafkaPending(
                [
                    producer.send(
                        topic,
                        value=value,
                        key=key.encode(),
                        partition=partition_of(key, count),
                        headers=extra if position is None else _with_position(extra, position),
                    )
                    for key, value, position in records
                ]
            )
        except KafkaError as error:
            self.abandon()
            raise LogUnavailable(f"Kafka at {self._bootstrap} takes nothing for {topic}: {error}") from error

    def abandon(self) -> None:
        """Fail what is pending; the next `send` connects anew."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            log.warning("abandoning the Kafka producer", bootstrap=self._bootstrap)
            _close(producer, 0.0)

    def close(self) -> None:
        """Send what is pending, for some seconds at most, and disconnect."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            _close(producer, CLOSE_SECONDS)

    def _connected(self) -> KafkaProducer:
        with self._lock:
            if self._producer is None:
                try:
                    self._producer = KafkaProducer(**producer_settings(self._bootstrap))
                except KafkaError as error:
                    raise NoBroker(self._bootstrap) from error
            return self._producer


def _with_position(headers: list[tuple[str, bytes]], position: int) -> list[tuple[str, bytes]]:
    return [(POSITION_HEADER, b"%d" % position), *headers]


def _close(producer: KafkaProducer, timeout_seconds: float) -> None:
    """Close in any case: `close` gives up half-way, with its thread running, when a flush takes too long."""
    sender = producer._sender  # noqa: SLF001 - there is no public way to end a producer that cannot send
    try:
        producer.close(timeout=timeout_seconds)
    except KafkaError:
        sender.force_close()
    sender.join(CLOSE_SECONDS)
