"""A data folder's own broker, ready with its topics: what `liudan broker` and `liudan up` start."""

from pathlib import Path

from infra.broker.broker import Cluster
from infra.broker.provision import DEFAULT_LIBS
from infra.broker.topics import create_topics


def run_broker(home: Path, *, port: int | None = None, nodes: int = 1, libs: Path = DEFAULT_LIBS) -> Cluster:
    """Start the broker over `HOME/kafka`, wait until it is ready and make the topics.

    It is given back running; the caller stops it. Raises Invalid, BrokerError or LogUnavailable with one
    sentence that says what to do.
    """
    cluster = Cluster(home / "kafka", nodes=nodes, port=port, libs=libs)
    cluster.__enter__()
    try:
        create_topics(cluster.bootstrap)
    except BaseException:
        cluster.stop()
        raise
    return cluster
