"""`liudan api` as a real process on a real socket: it serves, it refuses to be exposed, it stops in order."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from domain.vocabulary import Role
from tests.services.door import PERSONAL, PLACE, identity

START_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(home: Path, port: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "infra.cli", "api", "--home", str(home), "--port", str(port), *more]


def environment(dev_identity: str) -> Mapping[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("LIUDAN_")}
    return {**known, "LIUDAN_DEV_IDENTITY": dev_identity}


@contextmanager
def running_api(home: Path, log: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    port = free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(command(home, port), stdout=out, stderr=out, env=environment("1"))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until_alive(client, process, log)
            yield client, process
    finally:
        process.kill()
        process.wait()


def wait_until_alive(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/livez").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the API did not start: {log.read_text()}")


def test_it_serves_and_stops_in_order_and_logs_nothing_personal(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "api.log"
    with running_api(home, log) as (client, process):
        placed = client.post("/v1/tickets", json=PLACE, headers=identity(Role.RESIDENT))
        assert placed.status_code == 201
        assert placed.headers["etag"] == '"1"'
        address = placed.headers["location"]
        assert client.get(address, headers=identity(Role.COUNTY)).json()["state"] == "placed"
        refused = client.post(
            "/v1/tickets", json={**PLACE, "region": "马小明"}, headers=identity(Role.RESIDENT)
        )
        assert refused.status_code == 422
        too_large = client.post("/v1/tickets", content=b" " * 3_000_000, headers=identity(Role.RESIDENT))
        assert too_large.status_code == 413
        assert client.get("/v1/nothing").headers["content-type"] == "application/problem+json"
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    written = log.read_text()
    for secret in PERSONAL.values():
        assert secret not in written
    assert "Traceback" not in written
    with running_api(home, log) as (client, _):
        assert client.get(address, headers=identity(Role.COUNTY)).json()["version"] == 1


def test_it_refuses_to_be_exposed_while_anybody_can_be_anybody(tmp_path: Path) -> None:
    ended = subprocess.run(
        command(tmp_path, free_port(), "--host", "0.0.0.0"),
        env=environment("1"), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "LIUDAN_DEV_IDENTITY" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            command(tmp_path, port),
            env=environment("0"), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert f"{port}" in ended.stderr
    assert "Traceback" not in ended.stderr
