"""One installation run by `liudan up` as a process of its own, to be looked at and to be treated badly."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import orjson

from infra.bootstrap import Installation
from infra.settings import EMBEDDED, LogKind, Settings
from tests.e2e.process_tree import await_end, below, kill
from tests.services.clickhouse import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 180.0
END_SECONDS = 40.0
ORPHAN_SECONDS = 10.0
"""How long children may outlive a supervisor that was killed."""
CLI = [sys.executable, "-P", "-m", "infra.cli"]


def environment(**more: str) -> dict[str, str]:
    """Give an environment in which nothing of ours is set but what a test says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIUDAN_")}
    return {**clean, "LIUDAN_DEV_IDENTITY": "1", **more}


def liudan(*arguments: str, seconds: float = 120.0, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*CLI, *arguments], cwd=ROOT, env=environment(**more), capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


class Up:
    """`liudan up` on one home and one port, started as often as one likes."""

    def __init__(
        self,
        home: Path,
        log: LogKind,
        *more: str,
        stores: Mapping[str, str] | None = None,
        as_json: bool = True,
    ) -> None:
        self.home, self.log, self.port = home, log, free_port()
        self.stores = dict(stores or {})
        self._more: Sequence[str] = ("--json", *more) if as_json else more
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start it and wait until the API answers."""
        self.begin()
        until = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.is_running(), self._said.read_text()
            assert time.monotonic() < until, self._said.read_text()
            time.sleep(0.1)
        return self

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        self.home.mkdir(parents=True, exist_ok=True)
        arguments = ["up", "--home", str(self.home), "--port", str(self.port), "--log", self.log]
        with self._said.open("ab") as said, self._printed.open("wb") as printed:
            self._process = subprocess.Popen(
                [*CLI, *arguments, *self._more],
                cwd=ROOT, env=environment(**self.stores), stdout=printed, stderr=said,
            )  # fmt: skip

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def result(self) -> dict[str, object]:
        """Wait until everything has caught up, and give the figures it prints then."""
        until = time.monotonic() + START_SECONDS
        while not (text := self._printed.read_bytes()).endswith(b"\n"):
            assert time.monotonic() < until, self._said.read_text()
            time.sleep(0.1)
        figures: dict[str, object] = orjson.loads(text.splitlines()[-1])
        return figures

    def printed(self) -> str:
        """What it has printed until now."""
        return self._printed.read_text()

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/livez", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """Kill the supervisor as a power cut would; its children end with it."""
        children = below(self.pid)
        kill(self.pid)
        assert self._process is not None
        self._process.wait()
        await_end(children, ORPHAN_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; gives the exit code when it and all its children have."""
        assert self._process is not None
        children = below(self.pid)
        self._process.send_signal(number)
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still running: {below(self.pid)}; it said {self._said.read_text()}"
            ) from None
        await_end(children, END_SECONDS)
        return code

    def parts(self) -> Installation:
        """Open its parts in this process, as every other command does."""
        stores = {name.removeprefix("LIUDAN_").lower(): value for name, value in self.stores.items()}
        kafka = EMBEDDED if self.log is LogKind.EMBEDDED else ""
        return Installation(Settings.model_validate({"home": self.home, "kafka": kafka, **stores}))

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self._end()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self.is_running():
            self.kill()

    @property
    def _printed(self) -> Path:
        return self.home / "printed.txt"

    @property
    def _said(self) -> Path:
        return self.home / "up.txt"
