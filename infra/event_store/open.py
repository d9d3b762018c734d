"""From a URL in the settings to an event store that is ready to use."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from domain.errors import Invalid
from infra.event_store.port import EventStore, StoreUnavailable
from infra.event_store.postgres import PostgresEventStore
from infra.event_store.postgres_connect import Datastore
from infra.event_store.sqlite import SqliteEventStore

SETTING = "LIUDAN_EVENT_STORE"

_SQLITE = ("sqlite", "sqlite+pysqlite")
_POSTGRES = ("postgresql", "postgresql+psycopg")


def open_event_store(url: str) -> EventStore:
    """Open the store that a SQLAlchemy URL names, and create its schema when that is missing.

    Open it after forking. Raises Invalid for a URL of an unknown kind and StoreUnavailable, saying what
    to do, when the database cannot be used.
    """
    parsed = _parse(url)
    if parsed.drivername in _SQLITE:
        return open_sqlite(_file(parsed))
    if parsed.drivername in _POSTGRES:
        return open_postgres(parsed)
    raise Invalid(
        f"{SETTING} names a store of kind “{parsed.drivername}”; "
        "use sqlite:////path/to/events.db or postgresql://user@host:5432/database",
        field=SETTING,
    )


def open_sqlite(path: Path) -> SqliteEventStore:
    """Open the store in a SQLite file, whose folder must exist. Raises StoreUnavailable."""
    if not path.parent.is_dir():
        raise StoreUnavailable(f"{path}: the folder {path.parent} does not exist; create it or name another")
    store = SqliteEventStore.at(path)
    store.create_table()
    return store


def open_postgres(url: URL) -> PostgresEventStore:
    """Open the store in a PostgreSQL database. Raises StoreUnavailable."""
    datastore = Datastore(url)
    datastore.create_schema()
    return PostgresEventStore(datastore)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Invalid(
            f"{SETTING} is not a database URL; "
            "use sqlite:////path/to/events.db or postgresql://user@host:5432/database",
            field=SETTING,
        ) from error


def _file(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.query:
        raise Invalid(
            f"{SETTING} must name a file, like sqlite:////path/to/events.db, without options", field=SETTING
        )
    return Path(url.database)
