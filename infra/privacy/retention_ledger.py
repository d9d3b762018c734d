"""What the retention rules have to know of every ticket: whose it is, where, what about, and when it ended.

A small file beside the vault, derived from the events and made anew from them when it is missing. It names
people by pseudonym only.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from eventsourcing.persistence import Notification

from domain.vocabulary import ENDED
from infra.event_store.port import StoreUnavailable
from infra.event_store.sqlite_file import connect, immediate, unavailable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS matters (
    number TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    place TEXT NOT NULL,
    category TEXT NOT NULL,
    imported INTEGER NOT NULL,
    sealed INTEGER NOT NULL,
    erased INTEGER NOT NULL,
    ended_at TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS matters_person ON matters (person);
CREATE INDEX IF NOT EXISTS matters_ended ON matters (ended_at, number)
    WHERE ended_at IS NOT NULL AND NOT erased AND (sealed OR NOT imported);
CREATE TABLE IF NOT EXISTS progress (position INTEGER NOT NULL, ran_at TEXT);
INSERT INTO progress SELECT 0, NULL WHERE NOT EXISTS (SELECT 1 FROM progress);
"""
_FIRST = ("liudan.ticket.order-placed.v1", "liudan.ticket.ticket-imported.v1")
_ERASED = "liudan.ticket.personal-data-erased.v1"
_UPDATE = """UPDATE matters SET place = ?, category = ?, sealed = sealed OR ?, erased = erased OR ?,
    ended_at = CASE WHEN ? THEN coalesce(ended_at, ?) ELSE NULL END WHERE number = ?"""
# Written as the index's own condition, or it is not used.
_ENDED = """SELECT number, person, place, category, ended_at FROM matters
    WHERE ended_at IS NOT NULL AND NOT erased AND (sealed OR NOT imported) AND ended_at <= ?
    AND (ended_at, number) > (?, ?) ORDER BY ended_at, number LIMIT ?"""


class Matter(NamedTuple):
    """One ticket as the retention rules see it."""

    number: str
    person: str
    place: str
    category: str
    ended_at: datetime | None
    erased: bool


class RetentionLedger:
    """The file. Used by one thread at a time; raises StoreUnavailable when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreUnavailable(f"{path}: it cannot be opened ({error.strerror})") from error
        self._connection = connect(path)
        self._connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")

    def position(self) -> int:
        """Give the event store's position up to which every event is in here."""
        position: int = self._one("SELECT position FROM progress")
        return position

    def ran_at(self) -> datetime | None:
        """Tell when the rules were last carried out to their end."""
        text: str | None = self._one("SELECT ran_at FROM progress")
        return datetime.fromisoformat(text) if text else None

    def set_ran_at(self, moment: datetime) -> None:
        """Remember when the rules were carried out."""
        with self._writing():
            self._connection.execute("UPDATE progress SET ran_at = ?", (_stamp(moment),))

    def start_anew(self) -> None:
        """Forget everything: the events are not those that it was made from."""
        with self._writing():
            self._connection.execute("DELETE FROM matters")
            self._connection.execute("UPDATE progress SET position = 0, ran_at = NULL")

    def take_in(self, page: list[Notification], end: int) -> None:
        """Take in a page of events, and remember that all up to `end` were looked at."""
        with self._writing():
            for item in page:
                _take_in(self._connection, item.topic, orjson.loads(item.state))
            self._connection.execute("UPDATE progress SET position = ?", (end,))

    def ended_before(self, moment: datetime, limit: int = 1000) -> Iterator[Matter]:
        """Give what ended by a moment and still holds personal data, the oldest first."""
        place: tuple[str, str] = ("", "")
        while rows := self._rows(_ENDED, _stamp(moment), *place, limit):
            yield from (_matter(*row) for row in rows)
            place = (rows[-1][4], rows[-1][0])

    def of_person(self, person: str) -> list[Matter]:
        """Give all matters of a person."""
        rows = self._rows(
            "SELECT number, person, place, category, ended_at, erased FROM matters WHERE person = ? "
            "ORDER BY number",
            person,
        )
        return [_matter(*row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _rows(self, statement: str, *values: object) -> list[Any]:
        try:
            with closing(self._connection.execute(statement, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error

    def _one(self, statement: str) -> Any:
        return self._rows(statement)[0][0]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with immediate(self._connection):
                yield
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error


def _take_in(connection: sqlite3.Connection, topic: str, event: dict[str, Any]) -> None:
    data = event["data"]
    summary = data["ticket"]
    number, place = event["subject"], summary["grid"] or summary["region"]
    sealed, erased = data.get("sealed") is not None, topic == _ERASED
    ended = summary["state"] in ENDED
    ended_at = _stamp(datetime.fromisoformat(summary["closed_at"] or event["recordedtime"]))
    if topic not in _FIRST:
        connection.execute(_UPDATE, (place, summary["category"], sealed, erased, ended, ended_at, number))
    elif data.get("person"):
        row = (number, data["person"], place, summary["category"], topic == _FIRST[1], sealed, erased)
        connection.execute(
            "INSERT INTO matters VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*row, ended_at if ended else None),
        )


def _matter(
    number: str, person: str, place: str, category: str, ended_at: str | None, erased: object = False
) -> Matter:
    moment = datetime.fromisoformat(ended_at) if ended_at else None
    return Matter(number, person, place, category, moment, bool(erased))


def _stamp(moment: datetime) -> str:
    """Write a moment so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
