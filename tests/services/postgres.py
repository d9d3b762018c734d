"""A real PostgreSQL for tests and benchmarks: its own data folder, a free port on 127.0.0.1, fsync on.

Debian's packages are used (`apt-get install postgresql-15`); the server refuses to run as root, so as root
it is started for the user `postgres` that the package makes.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

BIN = Path("/usr/lib/postgresql/15/bin")
READY_SECONDS = 30.0


class PostgresMissing(RuntimeError):
    """PostgreSQL 15 is not installed here."""


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server and give the URL of its database `postgres`; stops it and removes its data at the end."""
    if not (BIN / "postgres").exists():
        raise PostgresMissing(f"PostgreSQL 15 is missing ({BIN}); apt-get install postgresql-15")
    folder = Path(tempfile.mkdtemp(prefix="liudan-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        _run(
            BIN / "initdb",
            "-D",
            str(folder / "data"),
            "-U",
            "liudan",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        )
        with _server(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """Make an empty database on the server, give its URL and drop it at the end."""
    name = f"liudan_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server_url.rpartition("/")[0] + f"/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    port = _free_port()
    user, group = _account()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(BIN / "postgres"), "-D", str(folder / "data"), "-k", "", "-h", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=log,
            user=user,
            group=group,
        )
    try:
        url = f"postgresql://liudan@127.0.0.1:{port}/postgres"
        _wait_until_ready(url, process, folder / "log")
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # SIGTERM would wait for the clients to leave
        process.wait(timeout=READY_SECONDS)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return


def _account() -> tuple[int | None, int | None]:
    """Give user and group to run PostgreSQL as; None stays with the caller's."""
    if os.geteuid() != 0:
        return None, None
    account = pwd.getpwnam("postgres")
    return account.pw_uid, account.pw_gid


def _run(*command: str | Path) -> None:
    user, group = _account()
    subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, cwd="/", user=user, group=group
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
