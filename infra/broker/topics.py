"""The topics of the contract, made once."""

from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from infra.event_log.kafka_errors import NoBroker
from infra.event_log.kafka_socket import DIRECT
from infra.event_log.port import DEAD_LETTERS_TOPIC, SLA_TOPIC, TICKETS_TOPIC, LogUnavailable


class Topic(NamedTuple):
    """A topic and its number of partitions, which never changes: a ticket's partition depends on it."""

    name: str
    partitions: int


TOPICS = (Topic(TICKETS_TOPIC, 12), Topic(SLA_TOPIC, 12), Topic(DEAD_LETTERS_TOPIC, 1))


def create_topics(bootstrap: str) -> list[str]:
    """Make the topics that are missing and give their names; what is there is left alone.

    Records are kept for ever. Three or more brokers: three copies, two of which must have a record
    before it counts. Raises LogUnavailable.
    """
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap,
            request_timeout_ms=20_000,
            bootstrap_timeout_ms=10_000,
            proxy_url=DIRECT,
        )
    except KafkaError as error:
        raise NoBroker(bootstrap) from error
    try:
        copies = 3 if len(admin.describe_cluster()["brokers"]) >= 3 else 1
        missing = [topic for topic in TOPICS if topic.name not in set(admin.list_topics())]
        return [topic.name for topic in missing if _create(admin, topic, copies)]
    except KafkaError as error:
        raise LogUnavailable(f"Kafka at {bootstrap} could not make the topics: {error}") from error
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, topic: Topic, copies: int) -> bool:
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "min.insync.replicas": str(min(2, copies)),
    }
    wanted = {"num_partitions": topic.partitions, "replication_factor": copies, "configs": settings}
    try:
        admin.create_topics({topic.name: wanted}, wait_for_metadata=True)
    except TopicAlreadyExistsError:  # somebody else was quicker
        return False
    return True
