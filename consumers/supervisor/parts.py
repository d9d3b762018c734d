"""Which parts an installation needs, and under which addresses: decided before the first one starts."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from consumers.supervisor.children import Part
from domain.errors import Invalid, Transient
from infra.bootstrap import Installation
from infra.broker.node_files import load_state
from infra.broker.provision import why_no_kafka
from infra.broker.topics import create_topics
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import TICKETS_TOPIC
from infra.home import Running
from infra.settings import EMBEDDED, LogKind, Settings

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Plan:
    """What will run."""

    log: LogKind
    running: Running
    parts: tuple[Part, ...]


def choose_log(settings: Settings, known: LogKind | None, asked: LogKind | None) -> LogKind:
    """Kafka where it can be had, else the event store's own log; a folder stays with what it began with."""
    if settings.kafka:
        given = LogKind.EMBEDDED if settings.kafka == EMBEDDED else LogKind.KAFKA
        if asked not in (None, given):
            raise Invalid(f"--log {asked} contradicts LIUDAN_KAFKA={settings.kafka}", field="log")
        return given
    wanted = asked or known
    if wanted is LogKind.EMBEDDED:
        return wanted
    missing = why_no_kafka()
    if missing is None:
        return LogKind.KAFKA
    if wanted is LogKind.KAFKA:
        raise Invalid(missing, field="log")
    return LogKind.EMBEDDED


def plan(parts: Installation, log: LogKind, host: str, port: int) -> Plan:
    """Lay out the parts; raises Invalid when a port is taken."""
    settings, home = parts.settings, parts.home
    own_broker = log is LogKind.KAFKA and not settings.kafka
    own_clickhouse = settings.clickhouse in ("", EMBEDDED)
    bootstrap = settings.kafka
    if own_broker:
        folder = home.folder / "kafka"
        folder.mkdir(exist_ok=True)
        bootstrap = load_state(folder, nodes=1, port=None).bootstrap
    api_port = port or free_port()
    require_free(host, api_port)
    clickhouse_port = free_port()
    running = Running(
        kafka=bootstrap if log is LogKind.KAFKA else EMBEDDED,
        clickhouse=f"http://{LOOPBACK}:{clickhouse_port}" if own_clickhouse else settings.clickhouse,
        api=f"http://{host}:{api_port}",
    )
    environment = {"LIUDAN_HOME": str(home.folder), "LIUDAN_KAFKA": running.kafka}
    wanted: list[Part] = []
    if own_broker:
        wanted.append(Part("broker", ["broker"], _topics_are_there(bootstrap), environment))
    if own_clickhouse:
        arguments = ["clickhouse", "--port", str(clickhouse_port)]
        wanted.append(Part("clickhouse", arguments, _answers(f"{running.clickhouse}/ping"), environment))
    if log is LogKind.KAFKA:
        if not own_broker:
            create_topics(bootstrap)
        wanted.append(Part("relay", ["relay"], _at_once, environment))
    projector = {**environment, "LIUDAN_MEMBER": "supervised"}  # one supervisor, one projector
    wanted.append(Part("project", ["project"], _at_once, projector))
    wanted.append(Part("watch", ["watch"], _at_once, environment))
    wanted.append(Part("transparency", ["transparency"], _at_once, environment))
    arguments = ["api", "--host", host, "--port", str(api_port)]
    wanted.append(Part("api", arguments, _answers(f"{running.api}/livez"), environment))
    return Plan(log, running, tuple(wanted))


def free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        found: int = probe.getsockname()[1]
        return found


def require_free(host: str, port: int) -> None:
    """Raise Invalid when somebody listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Invalid(
                f"port {port} on {host} cannot be used ({error.strerror}); choose another with --port",
                field="port",
            ) from error


def _at_once() -> bool:
    return True


def _answers(url: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own loopback URL
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return ready


def _topics_are_there(bootstrap: str) -> Callable[[], bool]:
    host, _, port = bootstrap.split(",", 1)[0].rpartition(":")

    def ready() -> bool:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return False
        log = KafkaEventLog(bootstrap)
        try:
            return bool(log.end_offsets(TICKETS_TOPIC))
        except Transient:
            return False
        finally:
            log.close()

    return ready
