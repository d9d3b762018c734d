"""From a URL in the settings to a read store that is ready to use."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from domain.errors import Invalid
from infra.read_store.errors import SETTING, display_name, translated
from infra.read_store.migrate import migrate

BUSY_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 5
_WRITES = "liudan_writes"
_DURABLY = "liudan_durably"
_EXAMPLE = "use sqlite:////path/to/read.db or postgresql://user@host:5432/database"


class ReadStore:
    """The database of the SQL read models. Safe to share between threads; open it after forking."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**{_WRITES: True})
        self._name = display_name(engine.url)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent look at the tables. Raises ReadStoreUnavailable."""
        with translated(self._name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, all or nothing. Raises ReadStoreUnavailable, or Poison for an unfit value."""
        with translated(self._name), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def writing_durably(self) -> Iterator[Connection]:
        """As `writing`, and what was committed also survives a power cut: for what no log could repeat."""
        durably = self._writing.execution_options(**{_DURABLY: True})
        with translated(self._name), durably.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def open_read_store(url: str) -> ReadStore:
    """Open the read store that a SQLAlchemy URL names, and bring its schema up to date.

    Raises Invalid for a URL of an unknown kind and ReadStoreUnavailable, saying what to do, when the
    database cannot be used.
    """
    parsed = _parse(url)
    engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgres(parsed)
    store = ReadStore(engine)
    try:
        with store.writing() as connection:
            migrate(connection)
    except BaseException:
        store.close()
        raise
    return store


def _parse(url: str) -> sa.URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Invalid(f"{SETTING} is not a database URL; {_EXAMPLE}", field=SETTING) from error
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"):
        raise Invalid(f"{SETTING} names a store of kind “{parsed.drivername}”; {_EXAMPLE}", field=SETTING)
    return parsed


def _sqlite(url: sa.URL) -> Engine:
    if not url.database or url.database == ":memory:" or url.query:
        raise Invalid(f"{SETTING} must name a file, like sqlite:////path/to/read.db", field=SETTING)
    folder = Path(url.database).absolute().parent
    if not folder.is_dir():
        raise Invalid(f"{SETTING}: the folder {folder} does not exist; create it", field=SETTING)
    engine = sa.create_engine(url.set(drivername="sqlite+pysqlite"), connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _tune_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _tune_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    for pragma in ("journal_mode=WAL", "cache_size=-65536", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: a reader that wants to become one would be refused, not queued.

    A power cut may take the last commits, rows and positions alike; they are read from the log again.
    """
    options = connection.get_execution_options()
    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get(_DURABLY) else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES) else "BEGIN")


def _postgres(url: sa.URL) -> Engine:
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": "-c timezone=UTC -c synchronous_commit=off",  # as above: rows and positions alike
        },
        pool_pre_ping=True,
    )
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _begin_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get(_DURABLY):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
