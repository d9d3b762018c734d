"""The ClickHouse engine inside this process (chDB): one folder, one process, one handle a request.

A handle of its own gives every request a clean session and lets requests run in parallel. The engine must
be opened after the process has locked itself in, and is never used after a fork (it would hang).
"""

import fcntl
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.clickhouse.analyst_guard import DATABASE
from infra.clickhouse.errors import CannotServe


@dataclass(frozen=True, slots=True)
class Work:
    """One statement with everything it is to run with."""

    sql: str
    output_format: str
    database: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    read_only: bool = False
    data: bytes | None = None
    """The rows of an `INSERT … FORMAT …`, in `output_format`."""


class Engine:
    """Opens the data folder and keeps it open; the caller has claimed it. `close` before the process ends."""

    def __init__(self, data: Path) -> None:
        self._path = str(data)
        self._connect = _load_engine()
        self._kept = self._connect(self._path)
        # The default database of the embedded engine resolves table names as files; one in memory does not.
        self._kept.query("DROP DATABASE IF EXISTS default")
        self._kept.query("CREATE DATABASE default ENGINE = Memory")
        self._kept.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")

    def ask(self, sql: str, parameters: Mapping[str, str] | None = None) -> str:
        """Run a statement of our own and give its raw text."""
        handle = self._connect(self._path)
        try:
            answer: bytes = handle.query(sql, "TSVRaw", params=dict(parameters or {})).bytes()
            return answer.decode()
        finally:
            handle.close()

    def parse(self, statement: str) -> str:
        """Give the syntax tree of one statement as JSON, without running it."""
        escaped = statement.translate(_ESCAPES)
        return self.ask("SELECT parseQueryToJSON({statement:String})", {"statement": escaped})

    def insert(self, work: Work) -> int:
        """Insert the rows of `work.data` as one block; return how many were written.

        Not by chDB 4.4's `send_insert`: it reports rows as written that the table refused (a constraint, too
        many parts, perhaps a full disk). A statement that reads the rows from a file in memory says so.
        """
        handle = self._session(work)
        try:
            with _in_memory(work.data or b"") as path:
                source = f"SELECT * FROM file('{path}', '{work.output_format}')"  # noqa: S608 - words both
                return int(handle.query(f"{work.sql} {source}", "Null").storage_rows_read())
        finally:
            handle.close()

    def run(self, work: Work) -> bytes:
        """Run a statement and give its whole answer."""
        handle = self._session(work)
        try:
            result = handle.query(work.sql, work.output_format, params=dict(work.parameters))
            return bytes(result.bytes() or b"")
        finally:
            handle.close()

    def stream(self, work: Work) -> Generator[bytes, None, None]:
        """Run a query and give its answer block by block; an error may come after the first block."""
        handle = self._session(work)
        try:
            result = handle.send_query(work.sql, work.output_format, params=dict(work.parameters))
            try:
                for block in result:
                    yield bytes(block.bytes())
            finally:
                result.close()
        finally:
            handle.close()

    def close(self) -> None:
        """Shut the engine down."""
        self._kept.close()

    def _session(self, work: Work) -> Any:  # chdb ships no types
        handle = self._connect(self._path)
        try:
            handle.query(f"USE `{work.database.replace('`', '``')}`")
            for name, value in work.settings.items():
                handle.query(f"SET {name} = '{value.translate(_ESCAPES)}'")
            if work.read_only:
                handle.query("SET readonly = 1")  # last: nothing can be changed after it
        except BaseException:
            handle.close()
            raise
        return handle


_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """Give the path under which this process alone can read the data while the block runs."""
    handle = os.memfd_create("insert", os.MFD_CLOEXEC)
    with os.fdopen(handle, "wb", closefd=True) as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{handle}"


def _load_engine() -> Any:  # chdb ships no types
    try:
        import chdb
    except ModuleNotFoundError as error:
        raise CannotServe(
            "the embedded ClickHouse engine is not installed: install liudan with its extra `embedded`, "
            "or set LIUDAN_CLICKHOUSE to the URL of a ClickHouse server"
        ) from error
    return chdb.connect


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Have the folder for this process alone; the claim ends with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise CannotServe(
            f"another process serves {folder}: stop it, or give this one a folder of its own"
        ) from error
    finally:
        os.close(handle)
