"""The vault's SQLite file: wrapped keys by person, and which key-encryption key wraps each.

A destroyed key leaves a row without a key, so that it is never silently made anew. `destroyed` rises with
each: it tells every process whether its cache may still be served from. The KEK that was added last wraps
what is new; it is looked up in the writing transaction, so that no process goes on with an older one.
"""

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import structlog

from infra.entropy import ENTROPY
from infra.event_store.port import StoreUnavailable
from infra.event_store.sqlite_file import connect, immediate, insert_rows, unavailable
from infra.keys.key_ring import KEY_BYTES, Kek, KeyRing, WrapBroken

_MAX_CHUNK = 256
_NAMES = "names"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keks (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS data_keys (person_id BLOB PRIMARY KEY, kek INTEGER, wrapped BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS data_secrets (name TEXT PRIMARY KEY, kek INTEGER NOT NULL, wrapped BLOB NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destroyed (keys INTEGER NOT NULL);
INSERT INTO destroyed SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM destroyed);
CREATE TABLE IF NOT EXISTS returned (first_id BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erasures (position INTEGER NOT NULL);
INSERT INTO erasures SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM erasures);
"""

_log = structlog.get_logger(__name__)


class Wrapped(NamedTuple):
    """A key as it is stored: under which KEK (its id here), and the bytes; both None once it is destroyed."""

    kek: int | None
    wrapped: bytes | None


class VaultKeks:
    """The KEKs by their id in the vault. Rows are only ever added, so what is known stays true."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._by_id: dict[int, Kek] = {}

    def get(self, connection: sqlite3.Connection, kek_id: int) -> Kek:
        """Give a KEK; raises StoreUnavailable when it is not at hand."""
        if kek_id not in self._by_id:
            row = connection.execute("SELECT name FROM keks WHERE id = ?", (kek_id,)).fetchone()
            self._by_id[kek_id] = self.ring.get(row[0])
        return self._by_id[kek_id]

    def unwrap(self, connection: sqlite3.Connection, owner: bytes, row: Wrapped) -> bytes | None:
        """Give the key in a row, None when it was destroyed; raises WrapBroken, StoreUnavailable."""
        if row.kek is None or row.wrapped is None:
            return None
        return self.get(connection, row.kek).unwrap(row.wrapped, owner)


def create(path: Path, ring: KeyRing) -> None:
    """Create file and schema; nobody but the owner may ever read it, not even for a moment."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
    except OSError as error:
        raise StoreUnavailable(
            f"{path}: the vault cannot be opened ({error.strerror}); check its folder and rights"
        ) from error
    with closing(connect(path)) as connection:
        try:
            connection.executescript(f"PRAGMA secure_delete=ON;BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
            if _is_new(connection) or _is_of_old_form(connection):
                _found(connection, ring)
        except sqlite3.Error as error:
            raise unavailable(path, error) from error


def _is_new(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM data_secrets").fetchone() is None


def _is_of_old_form(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'keys'").fetchone()
    return found is not None


def _found(connection: sqlite3.Connection, ring: KeyRing) -> None:
    """Name the first KEK and make the secret; wrap what an older liudan has left unwrapped."""
    newest = ring.newest()
    with immediate(connection):
        connection.execute("INSERT INTO keks (name) VALUES (?) ON CONFLICT DO NOTHING", (newest.name,))
        kek_id, kek = current_kek(connection, VaultKeks(ring))
        secret = os.urandom(32)
        old = _is_of_old_form(connection)
        if old:
            secret = connection.execute("SELECT value FROM secrets WHERE name = ?", (_NAMES,)).fetchone()[0]
            _wrap_old_keys(connection, kek_id, kek)
        connection.execute(
            "INSERT INTO data_secrets VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (_NAMES, kek_id, kek.wrap(secret, _NAMES.encode())),
        )
    if old:
        scrub_log(connection)


def _wrap_old_keys(connection: sqlite3.Connection, kek_id: int, kek: Kek) -> None:
    for person, key in connection.execute("SELECT person_id, key FROM keys").fetchall():
        row = (kek_id, kek.wrap(key, person)) if key else (None, None)
        connection.execute("INSERT INTO data_keys VALUES (?, ?, ?)", (person, *row))
    connection.execute("DROP TABLE keys")
    connection.execute("DROP TABLE secrets")


def secret_of(connection: sqlite3.Connection, keks: VaultKeks) -> bytes:
    """Give the secret behind pseudonyms and fingerprints."""
    row = Wrapped(
        *connection.execute("SELECT kek, wrapped FROM data_secrets WHERE name = ?", (_NAMES,)).fetchone()
    )
    secret = keks.unwrap(connection, _NAMES.encode(), row)
    assert secret is not None  # noqa: S101 - its columns are NOT NULL
    return secret


def current_kek(connection: sqlite3.Connection, keks: VaultKeks) -> tuple[int, Kek]:
    """Give the KEK that wraps what is new, and its id here."""
    kek_id: int = connection.execute("SELECT max(id) FROM keks").fetchone()[0]
    return kek_id, keks.get(connection, kek_id)


class Keys(NamedTuple):
    """What is known of some persons. Whose key is damaged is in neither."""

    usable: dict[UUID, bytes]
    erased: set[UUID]


def ensure(connection: sqlite3.Connection, persons: Collection[UUID], keks: VaultKeks) -> Keys:
    """Give everybody's key, made now for those who had none."""
    rows: dict[UUID, Wrapped] = {}
    for chunk in _chunks(persons):
        marks = ",".join("?" * len(chunk))
        found = connection.execute(
            f"SELECT person_id, kek, wrapped FROM data_keys WHERE person_id IN ({marks})",  # noqa: S608 - only placeholders
            [person.bytes for person in chunk],
        )
        rows.update((UUID(bytes=person), Wrapped(*row)) for person, *row in found)
    new = {person: ENTROPY.take(KEY_BYTES) for person in persons if person not in rows}
    if new:
        kek_id, kek = current_kek(connection, keks)
        wrapped = [(person.bytes, kek_id, kek.wrap(key, person.bytes)) for person, key in new.items()]
        insert_rows(connection, "data_keys", wrapped)
    erased = {person for person, row in rows.items() if row.wrapped is None}
    return Keys(new | _usable(connection, rows, keks), erased)


def _usable(
    connection: sqlite3.Connection, rows: Mapping[UUID, Wrapped], keks: VaultKeks
) -> dict[UUID, bytes]:
    """Unwrap; a damaged key must not keep others from theirs, and is reported where it is used."""
    keys = {}
    for person, row in rows.items():
        with suppress(WrapBroken):
            if key := keks.unwrap(connection, person.bytes, row):
                keys[person] = key
    return keys


def _chunks(persons: Iterable[UUID]) -> Iterator[list[UUID]]:
    """Cut into lists whose length is a power of two, so that few statements are prepared."""
    left = list(persons)
    while left:
        size = min(1 << len(left).bit_length() - 1, _MAX_CHUNK)
        yield left[:size]
        left = left[size:]


def count_destroyed(connection: sqlite3.Connection) -> int:
    """Give a number that has risen if a key was destroyed, or somebody has come back, since it was asked."""
    counted: int = connection.execute("SELECT keys FROM destroyed").fetchone()[0]
    return counted


def key_row(connection: sqlite3.Connection, person: UUID) -> Wrapped | None:
    """Give the person's row; None for an unknown person."""
    row = connection.execute(
        "SELECT kek, wrapped FROM data_keys WHERE person_id = ?", (person.bytes,)
    ).fetchone()
    return Wrapped(*row) if row else None


def destroy(connection: sqlite3.Connection, person: UUID) -> None:
    """Destroy a person's key. The connection has to have `secure_delete` on."""
    # Deleted first: secure_delete overwrites what is deleted, but not what an update shortens in place.
    row = key_row(connection, person)
    connection.execute("DELETE FROM data_keys WHERE person_id = ?", (person.bytes,))
    connection.execute("INSERT INTO data_keys VALUES (?, NULL, NULL)", (person.bytes,))
    if row is None or row.wrapped is not None:
        connection.execute("UPDATE destroyed SET keys = keys + 1")


def times_returned(connection: sqlite3.Connection, first_id: UUID) -> int:
    """Tell how often somebody came back after their data had been erased."""
    row = connection.execute("SELECT times FROM returned WHERE first_id = ?", (first_id.bytes,)).fetchone()
    return row[0] if row else 0


def anybody_returned(connection: sqlite3.Connection) -> bool:
    """Whether anybody has come back at all."""
    return connection.execute("SELECT 1 FROM returned LIMIT 1").fetchone() is not None


def count_return(connection: sqlite3.Connection, first_id: UUID, times: int) -> None:
    """Note that somebody has come back for the `times`th time; every cache is stale then, too."""
    connection.execute(
        "INSERT INTO returned VALUES (?, ?) ON CONFLICT (first_id) DO UPDATE SET times = excluded.times "
        "WHERE times < excluded.times",
        (first_id.bytes, times),
    )
    connection.execute("UPDATE destroyed SET keys = keys + 1")


def erasures(connection: sqlite3.Connection) -> int:
    """Give the event store's position up to which every erasure has been carried out."""
    position: int = connection.execute("SELECT position FROM erasures").fetchone()[0]
    return position


def set_erasures(connection: sqlite3.Connection, position: int) -> None:
    """Remember that position."""
    connection.execute("UPDATE erasures SET position = ?", (position,))


def scrub_log(connection: sqlite3.Connection) -> None:
    """Empty the write-ahead log, where older versions of the page still hold the key."""
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        _log.warning("vault log not emptied", reason="another process is reading; the next one empties it")
