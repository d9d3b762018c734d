"""The files of a broker node: what the cluster remembers between starts, and Kafka's own configuration."""

import base64
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from domain.errors import Invalid

HOST = "127.0.0.1"

_LOG4J = """\
Configuration:
  status: WARN
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "%d{ISO8601} %p %c{1} %m%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: STDOUT
    Logger:
      - name: kafka.server.KafkaRaftServer
        level: INFO
"""


class NodePorts(NamedTuple):
    """The two ports of a node: for clients, and for the other nodes' controllers."""

    client: int
    controller: int


class ClusterState(NamedTuple):
    """What has to stay the same from start to start."""

    cluster_id: str
    nodes: Sequence[NodePorts]

    @property
    def bootstrap(self) -> str:
        """The addresses for clients."""
        return ",".join(f"{HOST}:{node.client}" for node in self.nodes)


def load_state(folder: Path, *, nodes: int, port: int | None) -> ClusterState:
    """Read `cluster.json` in the data folder, or write a new one with free ports.

    `port` moves the first node's client port. Raises Invalid when the folder holds a cluster of another size.
    """
    file = folder / "cluster.json"
    state = _parse(file) if file.is_file() else _new_state(nodes)
    if len(state.nodes) != nodes:
        raise Invalid(
            f"{folder} holds a broker of {len(state.nodes)} node(s), not {nodes}: use another folder.",
            field="nodes",
        )
    if port is not None:
        state = state._replace(nodes=[state.nodes[0]._replace(client=port), *state.nodes[1:]])
    _write_atomically(file, json.dumps({"cluster_id": state.cluster_id, "nodes": state.nodes}, indent=2))
    return state


def write_configuration(folder: Path, state: ClusterState, index: int) -> Path:
    """Write `server.properties` and the logging configuration of one node; give the former's path."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = _server_settings(folder, state, index)
    file = folder / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    (folder / "log4j2.yaml").write_text(_LOG4J)
    return file


def free_ports(count: int) -> list[int]:
    """Give ports of the loopback interface that nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def is_port_free(port: int) -> bool:
    """Tell whether a server could listen on the port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _server_settings(folder: Path, state: ClusterState, index: int) -> dict[str, str | int]:
    node = state.nodes[index]
    size = len(state.nodes)
    copies, in_sync = (3, 2) if size >= 3 else (1, 1)
    voters = ",".join(f"{k}@{HOST}:{each.controller}" for k, each in enumerate(state.nodes, start=1))
    return {
        "process.roles": "broker,controller",
        "node.id": index + 1,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{HOST}:{node.client},CONTROLLER://{HOST}:{node.controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.client}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        # A broker that was killed is let in again only when its old session is over (Kafka's default: 9 s).
        "broker.session.timeout.ms": 4000,
        "broker.heartbeat.interval.ms": 500,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "num.recovery.threads.per.data.dir": 1,
        "background.threads": 2,
        "log.cleaner.dedupe.buffer.size": 16777216,
    }


def _parse(file: Path) -> ClusterState:
    try:
        kept = json.loads(file.read_text())
        return ClusterState(str(kept["cluster_id"]), [NodePorts(int(a), int(b)) for a, b in kept["nodes"]])
    except (ValueError, KeyError, TypeError):
        raise Invalid(f"{file} is damaged: restore it, or remove the folder to start over.") from None


def _new_state(nodes: int) -> ClusterState:
    ports = free_ports(2 * nodes)
    return ClusterState(
        _new_cluster_id(), [NodePorts(*pair) for pair in zip(ports[::2], ports[1::2], strict=True)]
    )


def _new_cluster_id() -> str:
    """Kafka's own form of a UUID; one that begins with a dash would look like an option."""
    while (name := base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return name


def _write_atomically(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)
