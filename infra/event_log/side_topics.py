"""The small topics of an installation without Kafka, in one SQLite file that any process may write."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from infra.event_log.port import Headers, LogRecord, LogUnavailable

BUSY_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 0.02

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    position INTEGER,
    headers BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS records_by_topic ON records (topic, number);
CREATE TRIGGER IF NOT EXISTS records_stay BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER IF NOT EXISTS records_remain BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
"""


class SideTopics:
    """Append-only topics of one partition each; an offset is the record's number in the file. Thread-safe."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def append(self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers) -> None:
        """Write records in one transaction, durable when this returns. Raises LogUnavailable."""
        kept = orjson.dumps([(name, value.hex()) for name, value in headers])
        rows = [(topic, key, value, position, kept) for key, value, position in records]
        with self._use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany(
                    "INSERT INTO records (topic, key, value, position, headers) VALUES (?, ?, ?, ?, ?)", rows
                )
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def read(self, topic: str, start: int, limit: int) -> list[LogRecord]:
        """Give up to `limit` records of a topic from an offset on."""
        with self._use() as connection:
            rows = connection.execute(
                "SELECT number, key, value, position, headers FROM records "
                "WHERE topic = ? AND number >= ? ORDER BY number LIMIT ?",
                (topic, start, limit),
            ).fetchall()
        return [LogRecord(0, number, key, value, at, _headers(kept)) for number, key, value, at, kept in rows]

    def end(self, topic: str) -> int:
        """Give the offset after the newest record of a topic, 0 for none."""
        with self._use() as connection:
            newest = connection.execute(
                "SELECT max(number) FROM records WHERE topic = ?", (topic,)
            ).fetchone()
        return 0 if newest[0] is None else int(newest[0]) + 1

    def wait(self, topic: str, start: int, timeout_seconds: float) -> bool:
        """Wait until the topic has a record at `start` or later (True) or the time is over (False)."""
        until = time.monotonic() + timeout_seconds
        while self.end(topic) <= start:
            if (left := until - time.monotonic()) <= 0:
                return False
            time.sleep(min(left, _LOOK_EVERY_SECONDS))
        return True

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                yield self._connection
            except sqlite3.OperationalError as error:
                raise LogUnavailable(
                    f"{self._file} cannot be used ({error}): check that the disk has room and the folder can "
                    "be written."
                ) from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _headers(kept: bytes) -> Headers:
    return [(name, bytes.fromhex(value)) for name, value in orjson.loads(kept)]
