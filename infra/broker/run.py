"""A data folder's own broker, ready with its topics: what `liudan broker` and `liudan up` start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.broker.broker import Cluster
from infra.broker.provision import DEFAULT_LIBS
from infra.broker.topics import create_topics


@contextmanager
def run_broker(
    home: Path, *, port: int | None = None, nodes: int = 1, libs: Path = DEFAULT_LIBS
) -> Iterator[Cluster]:
    """Run the broker over `HOME/kafka`: ready and with its topics inside, stopped afterwards.

    Raises Invalid, BrokerError or LogUnavailable with one sentence that says what to do.
    """
    with Cluster(home / "kafka", nodes=nodes, port=port, libs=libs) as cluster:
        create_topics(cluster.bootstrap)
        yield cluster
