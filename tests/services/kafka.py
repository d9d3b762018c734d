"""A real Kafka broker for tests: one for the session, with empty topics for each test."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.errors import UnknownTopicOrPartitionError

from infra.broker.broker import Cluster
from infra.broker.provision import why_no_kafka
from infra.broker.topics import TOPICS, create_topics


def require_kafka() -> None:
    """Skip the test by name when there is no Java or Maven; fail it where services are required."""
    if (reason := why_no_kafka()) is None:
        return
    if os.environ.get("LIUDAN_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a running single-node broker."""
    require_kafka()
    with Cluster(tmp_path_factory.mktemp("broker")) as cluster:
        yield cluster


@pytest.fixture
def kafka(broker: Cluster) -> str:
    """Give the broker's address; the topics of the contract are there and empty."""
    if not broker.is_running():  # the test before has killed it
        broker.restart()
        broker.wait_ready()
    empty_topics(broker.bootstrap)
    return broker.bootstrap


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Cluster]:
    """Give a broker of the test's own, with the topics, to be treated badly."""
    require_kafka()
    with Cluster(tmp_path / "kafka") as cluster:
        create_topics(cluster.bootstrap)
        yield cluster


def empty_topics(bootstrap: str) -> None:
    """Make the topics anew."""
    names = {topic.name for topic in TOPICS}
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        if there := names & set(admin.list_topics()):
            admin.delete_topics(sorted(there))
        while names & set(admin.list_topics()):
            time.sleep(0.02)
    except UnknownTopicOrPartitionError:
        pass
    finally:
        admin.close()
    create_topics(bootstrap)
