"""The broker process: its data folder, its ports, its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import Invalid
from infra.broker.broker import Cluster
from infra.broker.node_files import free_ports
from infra.broker.provision import find_java, provision, why_no_kafka
from infra.broker.run import run_broker
from infra.broker.topics import TOPICS, create_topics
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import TICKETS_TOPIC
from tests.services.kafka import broker, require_kafka

__all__ = ["broker"]

ROOT = Path(__file__).parents[2]


@pytest.mark.kafka
def test_keeps_identity_ports_and_data_from_start_to_start(tmp_path: Path) -> None:
    require_kafka()
    seen = []
    for _ in range(2):
        with run_broker(tmp_path) as cluster, closing(KafkaEventLog(cluster.bootstrap)) as log:
            log.publish(TICKETS_TOPIC, [("t", b"e", None)])
            seen.append((cluster.bootstrap, log.identity(TICKETS_TOPIC)))
            stored = sum(log.end_offsets(TICKETS_TOPIC).values())
    assert seen[0] == seen[1]
    assert stored == 2


@pytest.mark.kafka
def test_makes_the_topics_of_the_contract_once(broker: Cluster) -> None:
    create_topics(broker.bootstrap)
    assert create_topics(broker.bootstrap) == []
    with closing(KafkaEventLog(broker.bootstrap)) as log:
        assert {topic.name: len(log.end_offsets(topic.name)) for topic in TOPICS} == {
            "liudan.tickets.v1": 12,
            "liudan.sla.v1": 12,
            "liudan.dead-letters.v1": 1,
        }


@pytest.mark.kafka
def test_says_that_a_port_is_in_use(tmp_path: Path) -> None:
    require_kafka()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Invalid, match=f"Port {port} on 127.0.0.1 is in use"):
            Cluster(tmp_path, port=port).start()
    with Cluster(tmp_path, port=free_ports(1)[0]):
        pass


@pytest.mark.kafka
def test_refuses_a_folder_that_another_broker_uses(tmp_path: Path) -> None:
    require_kafka()
    with (
        Cluster(tmp_path),
        pytest.raises(Invalid, match="Another broker is running on"),
    ):
        Cluster(tmp_path).start()


@pytest.mark.kafka
def test_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    require_kafka()
    program = (
        "import sys, threading, time; from pathlib import Path; from infra.broker.broker import Cluster\n"
        "cluster = Cluster(Path(sys.argv[1]))\n"
        "starter = threading.Thread(target=cluster.start); starter.start(); starter.join()\n"
        "cluster.wait_ready(); print(cluster.nodes[0].process.pid, flush=True); time.sleep(100)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert parent.stdout is not None
        lines = iter(parent.stdout.readline, "")
        child = int(next(line for line in lines if line.strip().isdigit()))
        assert Path(f"/proc/{child}").exists()
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        if parent.stdout is not None:
            parent.stdout.close()
    until = time.monotonic() + 10
    while _is_alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _is_alive(child)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_says_what_to_install_when_java_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    reason = why_no_kafka()
    assert reason is not None
    assert "Java 17" in reason
    assert "LIUDAN_KAFKA=embedded" in reason
    with pytest.raises(Invalid, match="install it"):
        find_java()


def test_a_java_that_is_too_old_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin-that-is-not-there")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Invalid, match="Java 17 or newer"):
        find_java()


def test_says_what_to_install_when_maven_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Invalid, match="mvn was not found"):
        provision(tmp_path / "libs")
    assert not (tmp_path / "libs").exists()
