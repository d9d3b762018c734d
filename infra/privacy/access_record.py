"""The access record: who has read, or tried to read, what is sealed. Written before anybody is answered.

A file of its own, append-only by trigger. Each entry is chained to the one before by SHA-256, so that nothing
can be changed or taken out of the middle unnoticed. What is cut off at the end shows against any head that
was seen before: `liudan vault status` and every answer to an unsealing tell it.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.errors import LiudanError
from domain.unsealing import Purpose, SealedField
from domain.vocabulary import Role
from infra.event_store.group_commit import GroupCommit
from infra.event_store.port import StoreUnavailable
from infra.event_store.sqlite_file import Readers, connect, immediate, insert_rows, unavailable
from projections.page import Page, checked_limit, read_cursor, write_cursor

_ORDER = "accesses"
_EMPTY = bytes(32)
_STEP = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accesses (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    number TEXT NOT NULL,
    actor TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at TEXT NOT NULL,
    entry BLOB NOT NULL,
    chain BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS accesses_number ON accesses (number, sequence);
CREATE INDEX IF NOT EXISTS accesses_actor ON accesses (actor, sequence);
""" + "".join(
    f"CREATE TRIGGER IF NOT EXISTS accesses_refuse_{verb.lower()} BEFORE {verb} ON accesses "
    "BEGIN SELECT RAISE(ABORT, 'the access record is append-only'); END;\n"
    for verb in ("UPDATE", "DELETE")
)


class Outcome(StrEnum):
    """What came of an attempt to read."""

    GRANTED = "granted"
    REFUSED = "refused"
    """The table of `domain.unsealing` does not allow it, or there is no such ticket."""
    ERASED = "erased"
    """There was nothing to read any more."""
    FAILED = "failed"
    """What is sealed is damaged."""


class Access(BaseModel):
    """One attempt to read what is sealed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    actor: str
    """An officer's id; a resident's pseudonym."""
    role: Role
    unit: str | None
    number: str
    fields: tuple[SealedField, ...]
    purpose: Purpose
    why: str | None
    outcome: Outcome
    rule: str | None = None
    """The rule that refused it."""


class Recorded(NamedTuple):
    """An entry with its place in the record."""

    sequence: int
    access: Access


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the record: how many entries there are, and the hash over all of them."""

    entries: int
    chain: str


class AccessQuery(NamedTuple):
    """Which entries; what is left out does not narrow."""

    number: str | None = None
    actor: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


class RecordBroken(LiudanError):
    """The access record is not what was written; says from which entry on."""


class AccessRecord:
    """The record in a SQLite file. Thread-safe; several processes may share it.

    Everything that touches the file raises StoreUnavailable when it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing: sqlite3.Connection | None = None
        _create(path)
        self._readers = Readers(path)
        self._group: GroupCommit[Access, Head] = GroupCommit(
            "access-record", self._commit, when_closed=lambda: StoreUnavailable(f"{path}: it was closed")
        )

    async def add(self, access: Access) -> Head:
        """Write an entry durably, and give the end of the record with it."""
        return await self._group.submit_async(access)

    def find(self, wanted: AccessQuery, *, limit: int = 50, cursor: str | None = None) -> Page[Recorded]:
        """Give a page of entries, the newest first; raises Invalid for a cursor or a limit."""
        below = read_cursor(cursor, _ORDER, 1)[0] if cursor else None
        conditions, values = _where(wanted, below)
        statement = (
            f"SELECT sequence, entry FROM accesses WHERE {' AND '.join(conditions)} "  # noqa: S608 - constants
            "ORDER BY sequence DESC LIMIT ?"
        )
        with self._readers.connection() as connection:
            rows = connection.execute(statement, (*values, checked_limit(limit) + 1)).fetchall()
        found = tuple(
            Recorded(sequence, Access.model_validate_json(entry)) for sequence, entry in rows[:limit]
        )
        return Page(found, write_cursor(_ORDER, [found[-1].sequence]) if len(rows) > limit else None)

    def head(self) -> Head:
        """Give the end of the record."""
        with self._readers.connection() as connection:
            return _head(connection)

    def verify(self, seen: Head | None = None) -> Head:
        """Compute the chain anew; raises RecordBroken where it, or a head that was seen, does not fit."""
        chain, entries, met = _EMPTY, 0, seen is None or seen.entries == 0
        for sequence, row in self._rows():
            entries += 1
            if sequence != entries or (chain := _link(chain, row.entry)) != row.chain or not row.fits:
                raise RecordBroken(f"the access record is not what was written from entry {entries} on")
            if seen is not None and entries == seen.entries:
                met = chain.hex() == seen.chain
        if not met:
            raise RecordBroken(f"the access record does not go on from the head that was seen: {seen}")
        return Head(entries, chain.hex())

    def close(self) -> None:
        """Finish what is queued and close the file."""
        self._group.close()
        self._readers.close()
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def _rows(self) -> Iterator[tuple[int, "_Row"]]:
        after = 0
        while True:
            with self._readers.connection() as connection:
                rows = connection.execute(
                    "SELECT sequence, number, actor, outcome, at, entry, chain FROM accesses "
                    "WHERE sequence > ? ORDER BY sequence LIMIT ?",
                    (after, _STEP),
                ).fetchall()
            for sequence, *row in rows:
                yield sequence, _Row(*row)
            if len(rows) < _STEP:
                return
            after = rows[-1][0]

    def _commit(self, batch: Sequence[Access]) -> list[Head | Exception]:
        try:
            if self._writing is None:
                self._writing = connect(self._path)
            with immediate(self._writing):
                return [*_append(self._writing, batch)]
        except StoreUnavailable as error:
            return [StoreUnavailable(str(error)) for _ in batch]
        except sqlite3.Error as error:
            return [unavailable(self._path, error) for _ in batch]


class _Row(NamedTuple):
    number: str
    actor: str
    outcome: str
    at: str
    entry: bytes
    chain: bytes

    @property
    def fits(self) -> bool:
        """Whether the columns that are searched say what the entry says."""
        entry = orjson.loads(self.entry)
        return all(entry[name] == getattr(self, name) for name in ("number", "actor", "outcome", "at"))


def _append(connection: sqlite3.Connection, batch: Sequence[Access]) -> list[Head]:
    head = _head(connection)
    link = bytes.fromhex(head.chain)
    rows: list[tuple[bytes | str | int, ...]] = []
    heads: list[Head] = []
    for access in batch:
        plain = access.model_dump(mode="json") | {"at": _stamp(access.at)}
        entry = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
        link = _link(link, entry)
        rows.append((plain["number"], plain["actor"], plain["outcome"], plain["at"], entry, link))
        heads.append(Head(head.entries + len(rows), link.hex()))
    insert_rows(connection, "accesses (number, actor, outcome, at, entry, chain)", rows)
    return heads


def _link(before: bytes, entry: bytes) -> bytes:
    return hashlib.sha256(b"%b%b" % (before, entry)).digest()


def _head(connection: sqlite3.Connection) -> Head:
    row = connection.execute("SELECT sequence, chain FROM accesses ORDER BY sequence DESC LIMIT 1").fetchone()
    return Head(row[0], row[1].hex()) if row else Head(0, _EMPTY.hex())


def _where(wanted: AccessQuery, below: object) -> tuple[list[str], list[object]]:
    given = {
        "number = ?": wanted.number,
        "actor = ?": wanted.actor,
        "outcome = ?": wanted.outcome,
        "at >= ?": wanted.since and _stamp(wanted.since),
        "at < ?": wanted.until and _stamp(wanted.until),
        "sequence < ?": below,
    }
    chosen = {condition: value for condition, value in given.items() if value is not None}
    return [*chosen, "TRUE"], list(chosen.values())


def _stamp(moment: datetime) -> str:
    """Write a moment so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _create(path: Path) -> None:
    """Create file and schema, for the owner alone."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"{path}: the access record cannot be opened ({error.strerror}); check its folder and rights"
        ) from error
    connection = connect(path)
    try:
        connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
    except sqlite3.Error as error:
        raise unavailable(path, error) from error
    finally:
        connection.close()
