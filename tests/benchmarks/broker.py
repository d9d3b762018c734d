"""A real Kafka broker for a measure, and topics to fill."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kafka import KafkaAdminClient

from infra.broker.provision import why_no_kafka
from infra.broker.run import run_broker
from infra.event_log.kafka_socket import DIRECT
from tests.benchmarks.measure import Unavailable

PARTITIONS = 12


@contextmanager
def real_broker(folder: Path, extra_topics: Sequence[str] = ()) -> Iterator[str]:
    """Run a single node with the product's topics and further ones like them. Raises Unavailable."""
    if missing := why_no_kafka():
        raise Unavailable(missing)
    with run_broker(folder) as cluster:
        admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap, proxy_url=DIRECT)
        try:
            wanted = {name: {"num_partitions": PARTITIONS, "replication_factor": 1} for name in extra_topics}
            if wanted:
                admin.create_topics(wanted, wait_for_metadata=True)
        finally:
            admin.close()
        yield cluster.bootstrap
