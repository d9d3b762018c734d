"""The ClickHouse engine inside this process (chDB): one folder, one process, one handle a request.

A handle of its own gives every request a clean session and lets requests run in parallel. The engine must
be opened after the process has locked itself in, and is never used after a fork (it would hang).
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.clickhouse.catalogue import CATALOGUE, CATALOGUE_VIEWS, DATABASE
from infra.clickhouse.errors import CannotServe

Handle = Any  # chdb ships no types


@dataclass(slots=True)
class Progress:
    """What a statement has read and written so far; filled in while it runs."""

    counts: dict[str, int] = field(default_factory=dict)
    seen: Callable[[Mapping[str, int]], None] | None = None

    def take(self, counts: dict[str, int]) -> None:
        """Be told by the engine, on a thread of its own."""
        self.counts = counts
        if self.seen is not None:
            self.seen(counts)


@dataclass(frozen=True, slots=True)
class Work:
    """One statement with everything it is to run with."""

    sql: str
    output_format: str
    database: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    read_only: bool = False
    role: str = ""
    """The engine's own role to run under; empty for all there are."""
    data: bytes | None = None
    """The rows of an `INSERT … FORMAT …`, in `output_format`."""
    progress: Progress = field(default_factory=Progress)


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
        self._kept.query(f"DROP DATABASE IF EXISTS {CATALOGUE}")
        self._kept.query(f"CREATE DATABASE {CATALOGUE} ENGINE = Memory")
        for view in CATALOGUE_VIEWS:
            self._kept.query(view)

    def ask(
        self, sql: str, parameters: Mapping[str, str] | None = None, output_format: str = "TSVRaw"
    ) -> bytes:
        """Run a statement of our own and give its answer; parameters are escaped as in a TSV field."""
        handle = self._connect(self._path)
        try:
            return bytes(handle.query(sql, output_format, params=dict(parameters or {})).bytes())
        finally:
            handle.close()

    def parse(self, statement: str) -> str:
        """Give a JSON list: the syntax tree of one statement as JSON, and its tokens. Nothing is run."""
        sql = "SELECT parseQueryToJSON({statement:String}), tokenizeQuery({statement:String})"
        return self.ask(sql, {"statement": _quoted(statement)}, "JSONCompactEachRow").decode(errors="replace")

    def unparse(self, tree: str) -> str:
        """Give the text of a syntax tree in JSON."""
        return (
            self.ask("SELECT formatQueryFromJSON({tree:String})", {"tree": _quoted(tree)})
            .decode()
            .rstrip("\n")
        )

    def open_session(self) -> Handle:
        """Give a handle that keeps temporary tables and settings; the caller closes it."""
        handle = self._connect(self._path)
        handle.query(f"USE {DATABASE}")
        return handle

    def insert(self, work: Work, session: Handle | None = None) -> int:
        """Insert the rows of `work.data` as one block; return how many were written.

        Not by chDB 4.4's `send_insert`: it reports rows as written that the table refused (a constraint, too
        many parts, perhaps a full disk). A statement that reads the rows from a file in memory says so.
        """
        with self._configured(work, session) as handle, _in_memory(work.data or b"") as path:
            source = f"SELECT * FROM file('{path}', '{work.output_format}')"  # noqa: S608 - words both
            return int(handle.query(f"{work.sql} {source}", "Null").storage_rows_read())

    def run(self, work: Work, session: Handle | None = None) -> bytes:
        """Run a statement and give its whole answer."""
        with self._configured(work, session) as handle:
            result = handle.query(work.sql, work.output_format, params=dict(work.parameters))
            _finish(work.progress, result)
            return bytes(result.bytes() or b"")

    def stream(self, work: Work, session: Handle | None = None) -> Iterator[bytes]:
        """Run a query and give its answer block by block; an error may come after the first block."""
        with self._configured(work, session) as handle:
            result = handle.send_query(work.sql, work.output_format, params=dict(work.parameters))
            try:
                for block in result:
                    yield bytes(block.bytes())
            finally:
                result.close()

    def kill(self, name: str) -> None:
        """Ask the statements whose `log_comment` is this to end."""
        self.ask("KILL QUERY WHERE Settings['log_comment'] = {name:String} ASYNC", {"name": _quoted(name)})

    def close(self) -> None:
        """Shut the engine down."""
        self._kept.close()

    @contextmanager
    def _configured(self, work: Work, session: Handle | None) -> Iterator[Handle]:
        """Give a handle set up for this work: its own, or the session's, which is put back afterwards."""
        handle = session or self._connect(self._path)
        undo: list[str] = []
        try:
            if session is not None:
                undo = _as_it_is(handle, work)
            _set_up(handle, work)
            handle.set_progress_callback(work.progress.take)
            yield handle
        finally:
            if session is None:
                handle.close()
            else:
                handle.set_progress_callback(None)
                for statement in undo:
                    handle.query(statement)


_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """Give the path under which this process alone can read the data while the block runs."""
    handle = os.memfd_create("insert", os.MFD_CLOEXEC)
    with os.fdopen(handle, "wb", closefd=True) as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{handle}"


def _set_up(handle: Handle, work: Work) -> None:
    if work.database:
        handle.query(f"USE `{work.database.replace('`', '``')}`")
    if work.role:
        handle.query(f"SET ROLE {work.role}")
    if work.settings:
        handle.query(
            "SET " + ", ".join(f"{name} = '{_quoted(value)}'" for name, value in work.settings.items())
        )
    if work.read_only:
        handle.query("SET readonly = 1")  # last: nothing can be changed after it


def _as_it_is(handle: Handle, work: Work) -> list[str]:
    """Give the statements that put a session back to what it is before `work` sets it up."""
    undo = [f"SET {name} = DEFAULT" for name in work.settings]
    names = ", ".join(f"'{_quoted(name)}'" for name in work.settings)
    changed = f"SELECT name, value FROM system.settings WHERE changed AND name IN ({names})"  # noqa: S608
    for line in handle.query(changed, "TSV").bytes().decode().splitlines():
        name, _, value = line.partition("\t")
        undo.append(f"SET {name} = '{value}'")
    if work.database:
        undo.append(f"USE `{handle.query('SELECT currentDatabase()', 'TSVRaw').bytes().decode().strip()}`")
    return undo


def _quoted(value: str) -> str:
    return value.translate(_ESCAPES)


def _finish(progress: Progress, result: Any) -> None:  # chdb ships no types
    progress.counts = progress.counts | {
        "read_rows": int(result.storage_rows_read()),
        "read_bytes": int(result.storage_bytes_read()),
        "result_rows": int(result.rows_read()),
        "result_bytes": int(result.bytes_read()),
        "elapsed_ns": int(result.elapsed() * 1e9),
    }


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
