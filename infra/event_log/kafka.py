"""The log in Kafka."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from infra.event_log.kafka_errors import NoBroker
from infra.event_log.kafka_reader import KafkaReader, read_history
from infra.event_log.kafka_socket import DIRECT
from infra.event_log.kafka_writer import KafkaPending, KafkaWriter
from infra.event_log.port import Headers, LogReader, LogRecord, LogUnavailable, StartOffsets

PUBLISH_SECONDS = 30.0

Answer = TypeVar("Answer")


class KafkaEventLog:
    """An `EventLog` over a Kafka cluster.

    `member` is a name that a process keeps when it is started again: it then has its partitions back at once,
    while the group waits for the session of an unnamed member that was killed to run out.
    """

    def __init__(self, bootstrap: str, *, member: str | None = None) -> None:
        self._bootstrap = bootstrap
        self._member = member
        self._writer = KafkaWriter(bootstrap)

    def reader(self, group: str, topic: str, start_offsets: StartOffsets) -> LogReader:
        """See `EventLog.reader`."""
        return KafkaReader(self._bootstrap, group, topic, start_offsets, self._member)

    def publish(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> None:
        """See `EventLog.publish`."""
        if not self._writer.send(topic, records, headers).wait(PUBLISH_SECONDS):
            self.abandon()
            raise LogUnavailable(f"Kafka at {self._bootstrap} did not answer for {PUBLISH_SECONDS:.0f} s")

    def publish_async(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> KafkaPending:
        """See `EventLog.publish_async`."""
        return self._writer.send(topic, records, headers)

    def abandon(self) -> None:
        """See `EventLog.abandon`."""
        self._writer.abandon()

    def history(
        self,
        topic: str,
        starts: Mapping[int, int] | None = None,
        *,
        partitions: Collection[int] | None = None,
    ) -> Iterator[LogRecord]:
        """See `EventLog.history`."""
        ends = {p: end for p, end in self.end_offsets(topic).items() if partitions is None or p in partitions}
        return read_history(self._bootstrap, topic, starts or {}, ends)

    def first_offsets(self, topic: str) -> Mapping[int, int]:
        """See `EventLog.first_offsets`."""
        return self._ask(lambda admin: _offsets(admin, topic, OffsetSpec.EARLIEST))

    def end_offsets(self, topic: str) -> Mapping[int, int]:
        """See `EventLog.end_offsets`."""
        return self._ask(lambda admin: _offsets(admin, topic, OffsetSpec.LATEST))

    def identity(self, topic: str) -> str:
        """See `EventLog.identity`: the topic's UUID."""
        return self._ask(lambda admin: _topic_id(admin, topic))

    def close(self) -> None:
        """See `EventLog.close`."""
        self._writer.close()

    def _ask(self, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=self._bootstrap, bootstrap_timeout_ms=3000, proxy_url=DIRECT
            )
        except KafkaError as error:
            raise NoBroker(self._bootstrap) from error
        try:
            return question(admin)
        except KafkaError as error:
            raise LogUnavailable(f"Kafka at {self._bootstrap} gave no answer: {error}") from error
        finally:
            admin.close()


def _offsets(admin: KafkaAdminClient, topic: str, which: OffsetSpec) -> dict[int, int]:
    partitions = _described(admin, topic)["partitions"]
    asked = {TopicPartition(topic, each["partition_index"]): which for each in partitions}
    found = admin.list_partition_offsets(asked)
    return {each.partition: int(answer.offset) for each, answer in found.items()}


def _topic_id(admin: KafkaAdminClient, topic: str) -> str:
    return str(_described(admin, topic)["topic_id"])


def _described(admin: KafkaAdminClient, topic: str) -> dict[str, Any]:  # the shape is kafka-python's
    described: dict[str, Any] = admin.describe_topics([topic])[0]
    if described["error_code"]:
        raise LogUnavailable(f"Kafka has no topic {topic}: make it with “liudan broker”")
    return described
