"""Follows the event store and keeps the transparency log: every event's bytes, in order of position.

One process at a time keeps it. Before it goes on it makes sure that store and log still belong together, and
stops with a sentence when they do not: a log that went on would contradict what it has signed.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from consumers.backoff import Backoff
from consumers.progress import Condition, Progress
from consumers.transparency.cosign import Cosigner
from domain.errors import Halted, Transient
from infra.event_store.port import EventStore
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_reader import LogReader
from infra.transparency.log_writer import LogWriter
from infra.transparency.rebuild import OpenStore, stretches
from infra.transparency.set_back import check_not_set_back, log_bookmark
from infra.transparency.signed_note import Signer
from infra.transparency.tree_edge import STRETCH
from infra.transparency.trust_policy import TrustPolicy

LOCK = "transparency"
PARTITION = 0
_WORTH_PROCESSES = 3 * STRETCH

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeeperSettings:
    """How often the log is published."""

    batch: int = 4096
    """Events read at a time."""
    publish_seconds: float = 0.5
    """The time between two checkpoints; half of what is promised, the other half is for the disk."""
    idle_seconds: float = 0.5
    standby_seconds: float = 1.0
    """How often a process that does not keep the log tries to."""


class LogKeeper:
    """Keeps one log; any number may run, one at a time is active. `run` until `stop`."""

    def __init__(
        self,
        store: EventStore,
        folder: LogFolder,
        signer: Signer,
        *,
        cosigner: Cosigner | None = None,
        open_store: OpenStore | None = None,
        settings: KeeperSettings | None = None,
        stop: threading.Event | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress = Progress()
        self.stop = stop or threading.Event()
        self._store, self._folder, self._signer = store, folder, signer
        self._cosigner = cosigner or Cosigner(LogReader(folder), TrustPolicy())
        self._open_store = open_store
        self._settings = settings or KeeperSettings()
        self._backoff = backoff or Backoff(longest_seconds=5.0)
        self._clock = clock
        self._bookmark = log_bookmark(signer.verifier.name)
        self._published_at = float("-inf")

    def run(self) -> None:
        """Keep the log until stopped; raises Halted when store and log do not belong together any more."""
        while not self.stop.is_set():
            try:
                with self._store.lock(LOCK) as active:
                    if active:
                        self._keep()
                    else:
                        self.stop.wait(self._settings.standby_seconds)
            except (Transient, OSError) as error:
                self._wait_out(error)
            except Halted as error:
                self.progress.enter(Condition.HALTED, str(error))
                raise
        self.progress.enter(Condition.STOPPED)

    def catch_up(self) -> Checkpoint:
        """Bring the log up to where the store is now; raises Transient when another process keeps it."""
        with self._store.lock(LOCK) as active, LogWriter(self._folder, self._signer) as writer:
            if not active:
                raise Transient("another process keeps the transparency log")
            self._check(writer)
            self._graft(writer)
            while leaves := self._store.leaves(writer.position, self._settings.batch):
                writer.append(leaves)
            self._publish(writer)
            return writer.checkpoint

    def _keep(self) -> None:
        with LogWriter(self._folder, self._signer) as writer:
            self._check(writer)
            self._publish(writer)
            self._graft(writer)
            self.progress.place({PARTITION: writer.position})
            log.info("transparency log is kept", size=writer.size, position=writer.position)
            with self._cosigner.at_work():
                while not self.stop.is_set():
                    self._turn(writer)

    def _graft(self, writer: LogWriter) -> None:
        """Build what is far behind in several processes, with a checkpoint after every stretch."""
        if self._open_store is None or self._is_short(writer):
            return
        while missing := -writer.size % STRETCH:
            writer.append(self._store.leaves(writer.position, min(self._settings.batch, missing)))
        number, processes = writer.size // STRETCH, os.cpu_count() or 1
        for stretch in stretches(
            self._folder.folder, number, writer.position, self._store, self._open_store, processes
        ):
            writer.graft(stretch)
            self._publish(writer)
            if self.stop.is_set():
                return

    def _is_short(self, writer: LogWriter) -> bool:
        """Whether what is missing is not worth several processes."""
        return self._store.position_behind(writer.position, _WORTH_PROCESSES) is None

    def _turn(self, writer: LogWriter) -> None:
        leaves = self._store.leaves(writer.position, self._settings.batch)
        writer.append(leaves)
        due_in = self._published_at + self._settings.publish_seconds - self._clock()
        if writer.size > writer.checkpoint.size:
            if due_in <= 0:
                self._publish(writer)
                self.progress.advance(len(leaves), 0, {PARTITION: writer.position})
            elif not leaves:
                self.stop.wait(due_in)
        elif not leaves:
            self._store.wait(writer.position, self._settings.idle_seconds)

    def _publish(self, writer: LogWriter) -> None:
        writer.publish()
        self._store.set_bookmark(self._bookmark, writer.position)
        self._published_at = self._clock()
        self._backoff.reset()

    def _check(self, writer: LogWriter) -> None:
        """Raise Halted unless the store begins with what the log has, and the log was not set back."""
        size, position = writer.size, writer.position
        reader = LogReader(self._folder)
        check_not_set_back(reader, writer.checkpoint, position, self._store)
        if (last := self._store.last_position()) < position:
            raise Halted(
                f"the event store ends at position {last}, before the log's checkpoint ({size} leaves, up to "
                f"position {position}): events were lost, or an old backup was restored"
            )
        stored = self._store.leaves(position - 1, 1) if size else []
        if size and stored != [(position, reader.entry(size - 1, size))]:
            raise Halted(
                f"the event store has another event at position {position} than the log has as its leaf "
                f"{size - 1}: they do not belong together, or one was changed; see `liudan audit verify`"
            )

    def _wait_out(self, error: Exception) -> None:
        delay = self._backoff.next_seconds()
        self.progress.enter(Condition.WAITING, str(error))
        log.warning("transparency log waits", reason=str(error), retry_in_seconds=round(delay, 2))
        self.stop.wait(delay)
