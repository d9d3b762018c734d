"""A real Apache Kafka broker on the loopback interface, as a child process: one node, or three."""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from domain.errors import Invalid, LiudanError, Transient
from infra.broker.node_files import HOST, ClusterState, is_port_free, load_state, write_configuration
from infra.broker.provision import DEFAULT_LIBS, find_java, provision
from infra.die_with_parent import Spawner

READY_SECONDS = 60.0
STOP_SECONDS = 20.0

# Measured: 165 MiB resident and ready in 1.6 s, enough for tens of thousands of events a second.
_JVM = [
    "-Xms64m",
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxMetaspaceSize=128m",
    "-XX:MaxDirectMemorySize=64m",
    "-XX:ReservedCodeCacheSize=48m",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
]

_STARTED = b"Kafka Server started"

log = structlog.get_logger()


class BrokerError(Transient):
    """The broker did not start or has ended; says why, in its own words."""


class Node:
    """One Kafka process with its folder."""

    def __init__(self, folder: Path, port: int, java: list[str]) -> None:
        self.folder = folder
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self._java = java
        self._seen = 0

    @property
    def output(self) -> Path:
        """The file with what the process prints."""
        return self.folder / "broker.log"

    def format(self, cluster_id: str) -> None:
        """Prepare the data folder, once."""
        if (self.folder / "data" / "meta.properties").is_file():
            return
        properties = str(self.folder / "server.properties")
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id, "-c", properties]
        done = subprocess.run([*self._command(), *tool], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(f"Kafka could not prepare {self.folder}: {_last_line(done.stderr)}")

    def start(self, spawner: Spawner) -> None:
        """Start the process; it is not ready yet."""
        self._seen = self.output.stat().st_size if self.output.exists() else 0
        command = [*self._command(), "kafka.Kafka", str(self.folder / "server.properties")]
        self.process = spawner.start(command, self.output)

    def is_ready(self) -> bool:
        """Tell whether the broker answers and has joined its cluster; raises BrokerError if it has ended."""
        if self.process is None or self.process.poll() is not None:
            raise BrokerError(f"Kafka ended while starting: {_last_line(self._said())} (see {self.output})")
        return _answers(self.port) and _STARTED in self._said().encode()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process if it is there."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, timeout_seconds: float) -> None:
        """Wait for the process to end; kill it when the time is over."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _command(self) -> list[str]:
        return [
            *self._java[:1],
            *_JVM,
            f"-Dlog4j2.configurationFile={self.folder}/log4j2.yaml",
            *self._java[1:],
        ]

    def _said(self) -> str:
        with self.output.open("rb") as file:
            file.seek(self._seen)
            return file.read().decode(errors="replace")


class Cluster:
    """One or three nodes over a data folder. It keeps its id, its ports and its data from start to start.

    The processes end with this one, however that ends.
    """

    def __init__(
        self, folder: Path, *, nodes: int = 1, port: int | None = None, libs: Path = DEFAULT_LIBS
    ) -> None:
        self.folder = folder.absolute()
        self.nodes: list[Node] = []
        self._size = nodes
        self._port = port
        self._libs = libs
        self._spawner: Spawner | None = None
        self._lock: int | None = None
        self._state: ClusterState | None = None

    @property
    def bootstrap(self) -> str:
        """The addresses for clients, once started."""
        if self._state is None:
            raise LiudanError("The broker was not started.")
        return self._state.bootstrap

    def start(self) -> None:
        """Provision, format and start every node; `wait_ready` tells when they answer.

        Raises Invalid when Java or Maven is missing, a port is taken or the folder is in use.
        """
        java = find_java()
        libs = provision(self._libs)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._start([java, "-cp", f"{libs.absolute()}/*"])
        except BaseException:
            self.stop()
            raise

    def wait_ready(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait until every node answers; raises BrokerError when one does not."""
        until = time.monotonic() + timeout_seconds
        for number in range(1, self._size + 1):
            self.wait_node(number, until - time.monotonic())
        log.info("broker ready", bootstrap=self.bootstrap, nodes=self._size)

    def wait_node(self, number: int, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait until one node (1, 2, 3) answers."""
        until = time.monotonic() + timeout_seconds
        node = self.nodes[number - 1]
        while not node.is_ready():
            if time.monotonic() > until:
                raise BrokerError(f"Kafka was not ready after {timeout_seconds:.0f} s (see {node.output}).")
            time.sleep(0.02)

    def kill(self, number: int = 1) -> None:
        """End one node (1, 2, 3) as a power cut would."""
        self.nodes[number - 1].signal(signal.SIGKILL)
        self.nodes[number - 1].wait(STOP_SECONDS)

    def restart(self, number: int = 1) -> None:
        """Start a node that was killed again, on its old data and port."""
        if self._spawner is None:
            raise LiudanError("The broker was not started.")
        self.nodes[number - 1].start(self._spawner)

    def stop(self) -> None:
        """Stop every node in order and give the folder free."""
        for node in self.nodes:
            node.signal(signal.SIGTERM)
        for node in self.nodes:
            node.wait(STOP_SECONDS)
        if self._spawner is not None:
            self._spawner.close()
            self._spawner = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def is_running(self) -> bool:
        """Tell whether every node's process is alive."""
        return bool(self.nodes) and all(
            node.process is not None and node.process.poll() is None for node in self.nodes
        )

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, java: list[str]) -> None:
        state = load_state(self.folder, nodes=self._size, port=self._port)
        self._state = state
        _require_free_ports(state)
        self._spawner = Spawner()
        self.nodes = []
        for index, ports in enumerate(state.nodes):
            node = Node(self.folder / f"node-{index + 1}", ports.client, java)
            write_configuration(node.folder, state, index)
            node.format(state.cluster_id)
            node.start(self._spawner)
            self.nodes.append(node)

    def _take_lock(self) -> None:
        self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            raise Invalid(f"Another broker is running on {self.folder}: stop it first.") from None


def _require_free_ports(state: ClusterState) -> None:
    for node in state.nodes:
        for port in node:
            if not is_port_free(port):
                raise Invalid(
                    f"Port {port} on {HOST} is in use by another program: stop that, or choose another port.",
                    rule="port-in-use",
                    field="port",
                )


def _answers(port: int) -> bool:
    """Ask for the API versions (request 18, version 0), which a broker answers before anything else."""
    try:
        with socket.create_connection((HOST, port), 1) as connection:
            connection.settimeout(5)
            connection.sendall(struct.pack(">ihhih", 10, 18, 0, 7, -1))
            return bool(connection.recv(4))
    except OSError:
        return False


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
