"""Hears PostgreSQL's notifications, so that followers of the store wake when something was committed."""

import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from infra.event_store.port import StoreUnavailable
from infra.event_store.postgres_schema import CHANNEL

_STOP_CHECK_SECONDS = 0.2
_RECONNECT_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Listener:
    """One thread with one LISTEN connection, for any number of waiting threads; starts with the first wait.

    A notification is a hint, never the truth: one may be lost with the connection, so whoever waits also
    looks from time to time. After a reconnect everybody is woken to look.
    """

    def __init__(self, connect: Callable[[], Connection[TupleRow]]) -> None:
        self._connect = connect
        self._heard = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.count = 0
        """How often there was something to hear. Take it before looking, hand it to `wait` after."""

    def wait(self, count: int, timeout_seconds: float) -> None:
        """Block until something was heard since `count` was taken, at most for the time given."""
        with self._heard:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="postgres-listener", daemon=True)
                self._thread.start()
            self._heard.wait_for(lambda: self.count != count, timeout_seconds)

    def close(self) -> None:
        """Stop listening and wake everybody."""
        self._stopping.set()
        self._wake()
        if self._thread is not None:
            self._thread.join()

    def _wake(self) -> None:
        with self._heard:
            self.count += 1
            self._heard.notify_all()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (psycopg.Error, StoreUnavailable) as error:
                _log.warning("listening interrupted", reason=" ".join(str(error).split()))
                self._stopping.wait(_RECONNECT_SECONDS)

    def _listen(self) -> None:
        connection = self._connect()
        try:
            connection.execute(SQL("LISTEN {}").format(Identifier(CHANNEL)))
            self._wake()
            while not self._stopping.is_set():
                for _ in connection.notifies(timeout=_STOP_CHECK_SECONDS, stop_after=1):
                    self._wake()
        finally:
            with suppress(psycopg.Error):
                connection.close()
