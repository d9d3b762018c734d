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

from consumers.supervisor.restarts import Restarts
from domain.errors import LiudanError
from infra.die_with_parent import Spawner
from infra.exit_codes import TRY_AGAIN

READY_SECONDS = 90.0
STOP_SECONDS = 15.0
"""How long all parts together have to end; then they are killed, which loses nothing."""
_LAST_SECONDS = 1.0
TRIES = 3
_LOOK_SECONDS = 0.1

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
    restarts: Restarts = field(default_factory=Restarts)

    def has_ended(self) -> bool:
        """Whether it was started and is not running any more."""
        return self.process is not None and self.process.poll() is not None

    def may_work_later(self) -> bool:
        """Whether it was killed, or has ended for want of something that may come."""
        code = self.process.poll() if self.process is not None else None
        return code is not None and (code < 0 or code == TRY_AGAIN)


class Children:
    """The supervisor's children, in the order in which they were started."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._spawner = Spawner()
        self._parts: list[Part] = []
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self, part: Part, pause: Callable[[float], None] = time.sleep) -> None:
        """Start a part and wait, with `pause(seconds)`, until it is ready.

        One that was killed meanwhile, or says that it may work later, has TRIES. Raises PartFailed.
        """
        until = time.monotonic() + READY_SECONDS
        self._parts.append(part)  # from now on it is stopped, too
        self._spawn(part)
        tries = 1
        while not part.ready():
            if part.has_ended():
                if tries == TRIES or not part.may_work_later():
                    raise PartFailed(f"{part.name} did not start: {self._last_words(part)}")
                self._spawn(part)
                tries += 1
            if time.monotonic() > until:
                raise PartFailed(f"{part.name} was not ready after {READY_SECONDS:.0f} s")
            pause(0.05)

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
        until = time.monotonic() + STOP_SECONDS
        for part in reversed(self._parts):
            self._end(part, until)
        self._spawner.close()

    def _spawn(self, part: Part) -> None:
        part.restarts.started()
        command = [sys.executable, "-P", "-m", "infra.cli", *part.arguments]
        settings = [f"{name}={value}" for name, value in part.environment.items()]
        part.process = self._spawner.start(["env", *settings, *command], self._log_file(part))

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            for part in filter(Part.has_ended, self._parts):
                if part.restarts.ended():
                    log.warning("part ended", part=part.name, code=part.process and part.process.returncode)
                elif part.restarts.is_due():
                    self._start_again(part)

    def _start_again(self, part: Part) -> None:
        try:
            self._spawn(part)
        except OSError as error:  # no memory or no room for a log; it counts as one more end
            log.warning("part cannot be started", part=part.name, reason=str(error))

    def _end(self, part: Part, until: float) -> None:
        process = part.process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(max(until - time.monotonic(), _LAST_SECONDS))
        except subprocess.TimeoutExpired:
            log.warning("part did not end", part=part.name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _log_file(self, part: Part) -> Path:
        return self._logs / f"{part.name}.log"

    def _last_words(self, part: Part) -> str:
        lines = self._log_file(part).read_text(errors="replace").strip().splitlines()
        said = lines[-1] if lines else "it printed nothing"
        return said.removeprefix("liudan: ")
