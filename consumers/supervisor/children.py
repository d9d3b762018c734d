"""The processes of one installation: started, watched, started again when they end, stopped in order.

They end with the supervisor, however that ends (see `infra.die_with_parent`).
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from domain.errors import LiudanError
from infra.die_with_parent import Spawner

READY_SECONDS = 90.0
STOP_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 10.0

log = structlog.get_logger(__name__)


class PartFailed(LiudanError):
    """A part ended while it was starting; says what it printed last."""


@dataclass
class Part:
    """One child process: the arguments of its `liudan` command, and how to know that it is ready."""

    name: str
    arguments: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0


class Children:
    """The supervisor's children, in the order in which they were started."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._spawner = Spawner()
        self._parts: list[Part] = []
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self, part: Part) -> None:
        """Start a part and wait until it is ready; raises PartFailed when it ends before that."""
        self._spawn(part)
        until = time.monotonic() + READY_SECONDS
        while not part.ready():
            if part.process is None or part.process.poll() is not None:
                raise PartFailed(f"{part.name} did not start: {self._last_words(part)}")
            if time.monotonic() > until:
                raise PartFailed(f"{part.name} was not ready after {READY_SECONDS:.0f} s")
            time.sleep(0.05)
        self._parts.append(part)

    def watch(self) -> None:
        """From now on, start again whatever ends."""
        self._watcher.start()

    def pids(self) -> dict[str, int]:
        """Give the process id of every part."""
        return {part.name: part.process.pid for part in self._parts if part.process is not None}

    def stop(self) -> None:
        """Stop everything, the last one started first."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for part in reversed(self._parts):
            self._end(part)
        self._spawner.close()

    def _spawn(self, part: Part) -> None:
        part.starts += 1
        command = [sys.executable, "-P", "-m", "infra.cli", *part.arguments]
        settings = [f"{name}={value}" for name, value in part.environment.items()]
        part.process = self._spawner.start(["env", *settings, *command], self._log_file(part))

    def _watch(self) -> None:
        pauses: dict[str, float] = {}
        due: dict[str, float] = {}
        while not self._stopping.wait(0.2):
            for part in self._parts:
                if part.process is None or part.process.poll() is None:
                    continue
                if part.name not in due:
                    pauses[part.name] = min(pauses.get(part.name, 0.1) * 2, _LONGEST_PAUSE_SECONDS)
                    due[part.name] = time.monotonic() + pauses[part.name]
                    log.warning("part ended", part=part.name, code=part.process.returncode)
                elif time.monotonic() >= due.pop(part.name):
                    self._spawn(part)

    def _end(self, part: Part) -> None:
        process = part.process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _log_file(self, part: Part) -> Path:
        return self._logs / f"{part.name}.log"

    def _last_words(self, part: Part) -> str:
        lines = self._log_file(part).read_text(errors="replace").strip().splitlines()
        said = lines[-1] if lines else "it printed nothing"
        return said.removeprefix("liudan: ")
