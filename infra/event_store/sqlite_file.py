"""A SQLite file as this product uses it: durable, shared by processes, with errors that say what to do."""

import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path

from infra.event_store.port import StoreUnavailable

BUSY_TIMEOUT_SECONDS = 10.0

# Rows per INSERT statement. sqlite3 lets go of the GIL once per statement and has to wait for it again
# beside a busy event loop, so executemany (once per row) is out; few sizes keep few statements prepared.
_CHUNKS = (256, 64, 16, 4, 1)

_SENTENCES = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_BUSY: f"it was locked by another process for {BUSY_TIMEOUT_SECONDS:.0f} s; "
    "see which one holds it and try again",
    sqlite3.SQLITE_READONLY: "this user may not write it; grant the right to write the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; make sure that its folder exists and may be written",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite database; name another file",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a backup",
    sqlite3.SQLITE_IOERR: "the disk reports an error, so it is not known whether the last write was stored; "
    "check the disk, then repeat the command with the same id",
}


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the file in WAL mode with an fsync per commit; the connection may cross threads.

    Raises StoreUnavailable when that is not possible.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise unavailable(path, error) from error
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA query_only={int(read_only)}")
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(path, error) from error
    return connection


def unavailable(path: Path, error: sqlite3.Error) -> StoreUnavailable:
    """Say in one sentence what is wrong with the file and what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    return StoreUnavailable(f"{path}: {_SENTENCES.get(code, f'SQLite says “{error}”')}")


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a transaction that takes the write lock at once: a later upgrade may fail without waiting."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@cache
def _insert_statement(into: str, width: int, rows: int) -> str:
    row = f"({','.join('?' * width)})"
    return f"INSERT INTO {into} VALUES {','.join([row] * rows)}"  # noqa: S608 - constants of this package


def insert_rows(
    connection: sqlite3.Connection, into: str, rows: Sequence[tuple[bytes | str | int, ...]]
) -> int:
    """Insert rows in order, few statements for many rows; return the last rowid (0 for no rows)."""
    done, last = 0, 0
    for size in _CHUNKS:
        while len(rows) - done >= size:
            values = list(chain.from_iterable(rows[done : done + size]))
            cursor = connection.execute(_insert_statement(into, len(rows[done]), size), values)
            last = cursor.lastrowid or 0
            done += size
    return last


class Readers:
    """Connections for reading, one for every thread that reads at the same moment, kept for the next."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection. Raises StoreUnavailable, also for what SQLite raises inside the block."""
        if self._closed:
            raise StoreUnavailable(f"{self._path}: it was closed")
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect(self._path, read_only=True)
        try:
            yield connection
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error
        finally:
            self._idle.append(connection)
            if self._closed:
                self.close()

    def close(self) -> None:
        """Close every connection; one that is lent out is closed when it comes back."""
        self._closed = True
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # another thread was closing as well
                return
