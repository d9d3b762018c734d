"""The embedded ClickHouse endpoint as a real process, for tests."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from infra.clickhouse.accounts import ANALYST, WRITER, read_password
from infra.clickhouse.connect import connect
from infra.clickhouse.migrate import migrate
from infra.clickhouse.migration_files import migrations
from infra.clickhouse.schema import MIGRATIONS_TABLE, REGION_NAMES_TABLE

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
_CREATED = re.compile(r"CREATE TABLE IF NOT EXISTS (liudan\.\w+)")


def require_clickhouse() -> None:
    """Skip the test by name when chDB is not installed; fail it where services are required."""
    if find_spec("chdb") is not None:
        return
    reason = "chDB is not installed (extra `embedded`)"
    if os.environ.get("LIUDAN_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Endpoint:
    """One endpoint process on a folder; can be killed and started again on the same port."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command_line(self, *more: str) -> list[str]:
        return [sys.executable, "-m", "infra.clickhouse.endpoint", "--path", str(self.folder),
                "--port", str(self.port), *more]  # fmt: skip

    def start(self) -> "Endpoint":
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(self.command_line(), cwd=ROOT, stdout=log, stderr=log)
        give_up_at = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < give_up_at, self.log()
            time.sleep(0.02)
        return self

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().read() == b"Ok.\n"
        except OSError:
            return False
        finally:
            connection.close()

    def log(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.log").read_text()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def password(self, user: str) -> str:
        return read_password(self.folder, user)

    def client(self, user: str = WRITER) -> Client:
        return connect(self.url, user, self.password(user))


@pytest.fixture(scope="session")
def shared_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    require_clickhouse()
    endpoint = Endpoint(tmp_path_factory.mktemp("clickhouse") / "home").start()
    yield endpoint
    assert endpoint.stop() == 0, endpoint.log()


@pytest.fixture
def own_endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    """An endpoint of the test's own, to be treated badly."""
    require_clickhouse()
    endpoint = Endpoint(tmp_path / "clickhouse").start()
    yield endpoint
    if endpoint.process is not None and endpoint.process.poll() is None:
        endpoint.stop()
    shutil.rmtree(endpoint.folder)


@pytest.fixture
def endpoint(shared_endpoint: Endpoint) -> Endpoint:
    """The shared endpoint with the product's tables, empty."""
    client = shared_endpoint.client()
    migrate(client)
    emptied = {name for file in migrations() for name in _CREATED.findall(file.text)}
    kept = {MIGRATIONS_TABLE, REGION_NAMES_TABLE}
    tables = (
        "SELECT concat('liudan.', name) FROM system.tables WHERE database = 'liudan' AND engine != 'View'"
    )
    for (name,) in client.query(tables).result_rows:
        if name not in kept:
            client.command(f"{'TRUNCATE' if name in emptied else 'DROP'} TABLE {name}")
    client.close()
    return shared_endpoint


@pytest.fixture
def writer(endpoint: Endpoint) -> Iterator[Client]:
    client = endpoint.client(WRITER)
    yield client
    client.close()


@pytest.fixture(scope="session")
def analyst(shared_endpoint: Endpoint) -> Iterator[Client]:
    """One client for all: an analyst has no state that a test could leave behind."""
    client = shared_endpoint.client(ANALYST)
    yield client
    client.close()
