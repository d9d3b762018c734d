"""Connections to PostgreSQL, with errors that say what to do."""

from collections.abc import Sequence
from typing import LiteralString, cast

import psycopg
from eventsourcing.postgres import PostgresDatastore
from psycopg import Connection, errors
from psycopg.rows import TupleRow, tuple_row
from sqlalchemy.engine import URL

from infra.event_store.port import StoreUnavailable
from infra.event_store.postgres_schema import IS_THERE, SCHEMA_LOCK_KEY, STATEMENTS

CONNECT_TIMEOUT_SECONDS = 5
LOCK_TIMEOUT_SECONDS = 10
READ_CONNECTIONS = 8

# A peer that vanished without a word is noticed within half a minute instead of a quarter of an hour.
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "keepalives_idle": 10,
    "tcp_user_timeout": 30_000,
    "application_name": "liudan",
}

_SENTENCES: dict[type[psycopg.Error], str] = {
    errors.DiskFull: "its disk is full; free some space there and try again",
    errors.LockNotAvailable: f"another writer held the lock for {LOCK_TIMEOUT_SECONDS} s; see which one in "
    "pg_locks and try again",
    errors.ReadOnlySqlTransaction: "it is read-only (a standby?); name the primary",
    errors.InsufficientPrivilege: "this user lacks a right; grant it",
    errors.TooManyConnections: "it has no connection left; raise max_connections or run fewer processes",
    errors.UndefinedTable: "the event store's schema is gone; restart liudan with the right to create it",
    errors.UndefinedFunction: "the event store's schema is gone; restart liudan with the right to create it",
}


class Datastore(PostgresDatastore):
    """The library's datastore (its pool serves the reads), made from a SQLAlchemy URL.

    What the URL leaves out comes from libpq's own defaults (PGPASSWORD, ~/.pgpass, …). Not fork-safe.
    """

    def __init__(self, url: URL) -> None:
        super().__init__("", "", "", "", "", connect_timeout=CONNECT_TIMEOUT_SECONDS)
        self._name = url.set(query={}).render_as_string(hide_password=True)
        self._parameters = _DEFAULTS | _libpq_parameters(url)
        pool_parameters = cast("dict[str, object]", self.pool.kwargs)
        for key in ("dbname", "host", "port", "user", "password"):
            del pool_parameters[key]
        pool_parameters.update(self._parameters)
        self.pool.resize(1, READ_CONNECTIONS)
        # By default the pool backs off for minutes; here the next reader tries again.
        self.pool.reconnect_timeout = CONNECT_TIMEOUT_SECONDS

    def connect(self) -> Connection[TupleRow]:
        """Open a connection outside the pool, in autocommit mode. Raises StoreUnavailable."""
        try:
            return Connection.connect(**self._parameters, autocommit=True)  # type: ignore[arg-type] # libpq's own
        except psycopg.Error as error:
            raise self.unavailable(error) from error

    def execute(self, statement: LiteralString, *values: object) -> list[TupleRow]:
        """Run one statement that may safely run twice, and give its rows. Raises StoreUnavailable.

        It is tried a second time, because connections that idled through a restart of the server are dead.
        """
        try:
            try:
                return self._execute(statement, values)
            except psycopg.OperationalError:
                self.pool.check()
                return self._execute(statement, values)
        except psycopg.Error as error:
            raise self.unavailable(error) from error

    def _execute(self, statement: LiteralString, values: Sequence[object]) -> list[TupleRow]:
        self.pool.open()
        with self.pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(statement, values, prepare=True, binary=True)
            return cursor.fetchall() if cursor.description else []

    def create_schema(self) -> None:
        """Create the schema unless it is there. Raises StoreUnavailable."""
        connection = self.connect()
        try:
            with connection, connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK_KEY,))
                row = connection.execute(IS_THERE).fetchone()
                for statement in () if row and row[0] else STATEMENTS:
                    connection.execute(statement)
        except psycopg.Error as error:
            raise self.unavailable(error) from error

    def unavailable(self, error: psycopg.Error) -> StoreUnavailable:
        """Say in one sentence what is wrong with the database and what to do about it."""
        for kind, sentence in _SENTENCES.items():
            if isinstance(error, kind):
                return StoreUnavailable(f"{self._name}: {sentence}")
        reason = " ".join(str(error).split())
        if isinstance(error, psycopg.OperationalError):
            return StoreUnavailable(
                f"{self._name}: no connection ({reason}); check that the server runs and what "
                "LIUDAN_EVENT_STORE names"
            )
        return StoreUnavailable(f"{self._name}: PostgreSQL says “{reason}”")


def _libpq_parameters(url: URL) -> dict[str, str | int]:
    named = {
        "dbname": url.database,
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
    }
    options = {key: value if isinstance(value, str) else ",".join(value) for key, value in url.query.items()}
    return options | {key: value for key, value in named.items() if value is not None}
