"""Change the key-encryption key: every key is wrapped anew while everything runs; no event is touched.

It can be killed at any moment. The new KEK is durable in the ring before the vault names it, and from then on
everybody wraps what is new with it; what is still under an older one is moved by the next run.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import structlog

from domain.errors import Invalid, Refused
from infra.event_store.sqlite_file import connect, immediate, unavailable
from infra.keys.key_ring import KeyRing, WrapBroken
from infra.keys.vault_file import VaultKeks, Wrapped, current_kek, erasures, scrub_log

BATCH = 1000

_COUNTS = """SELECT keks.id, keks.name, count(data_keys.person_id) FROM keks
    LEFT JOIN data_keys ON data_keys.kek = keks.id GROUP BY keks.id ORDER BY keks.id"""
_SECRETS = "SELECT count(*) FROM data_secrets WHERE kek = ?"

_log = structlog.get_logger(__name__)

Told = Callable[[int], object]


class KekStanding(NamedTuple):
    """One KEK that the vault knows."""

    name: str
    current: bool
    keys: int
    """How many keys it wraps, with the vault's own secret."""
    at_hand: bool


class VaultStanding(NamedTuple):
    """What `liudan vault status` says."""

    file: str
    keks_from: str
    people: int
    erased: int
    erasures_applied_up_to: int
    """The event store's position up to which every erasure has been carried out here."""
    keks: tuple[KekStanding, ...]


def standing(path: Path, ring: KeyRing) -> VaultStanding:
    """Look at a vault; raises StoreUnavailable."""
    with _opened(path) as connection:
        people, erased = connection.execute(
            "SELECT count(wrapped), count(*) - count(wrapped) FROM data_keys"
        ).fetchone()
        position = erasures(connection)
        return VaultStanding(str(path), ring.place, people, erased, position, tuple(_keks(connection, ring)))


def rotate(path: Path, ring: KeyRing, tell: Told = lambda _: None) -> str:
    """Wrap every key with a new KEK, or finish a rotation that was cut off; give the KEK's name.

    `tell` is called with the number of keys after each batch. Raises Invalid when the KEKs come from outside
    and there is no newer one among them, StoreUnavailable.
    """
    with _opened(path) as connection:
        keks = VaultKeks(ring)
        if not _left(connection):
            _begin(connection, ring)
        kek_id, kek = current_kek(connection, keks)
        _move_secrets(connection, keks)
        after = b""
        while batch := _next_batch(connection, after, kek_id):
            began = time.monotonic()
            after = batch[-1]
            tell(_move(connection, keks, batch))
            time.sleep(time.monotonic() - began)  # SQLite has no queue of writers: let the others in
        scrub_log(connection)
        return kek.name


def retire(path: Path, ring: KeyRing) -> list[str]:
    """Forget every older KEK for good; raises Refused while it still wraps something.

    Backups of the vault that were made under it can then no longer be read by anybody.
    """
    with _opened(path) as connection:
        if _left(connection):
            raise Refused("older keys still wrap something; finish with `liudan vault rotate` first")
        older = [kek.name for kek in _keks(connection, ring) if kek.at_hand and not kek.current]
    for name in older:
        ring.remove(name)
    return older


def keys_to_move(path: Path) -> int:
    """Count the keys that a rotation will have to wrap; raises StoreUnavailable."""
    with _opened(path) as connection:
        counted: int = connection.execute("SELECT count(wrapped) FROM data_keys").fetchone()[0]
        return _left(connection) or counted


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(path)) as connection:
        try:
            connection.execute("PRAGMA secure_delete=ON")
            yield connection
        except sqlite3.Error as error:
            raise unavailable(path, error) from error


def _keks(connection: sqlite3.Connection, ring: KeyRing) -> Iterator[KekStanding]:
    at_hand = {kek.name for kek in ring.all()}
    rows = connection.execute(_COUNTS).fetchall()
    for kek_id, name, keys in rows:
        secrets = connection.execute(_SECRETS, (kek_id,)).fetchone()[0]
        yield KekStanding(name, kek_id == rows[-1][0], keys + secrets, name in at_hand)


def _left(connection: sqlite3.Connection) -> int:
    """Count what is not under the current KEK."""
    newest = "(SELECT max(id) FROM keks)"
    tables = ("data_keys", "data_secrets")
    counts = (
        connection.execute(f"SELECT count(*) FROM {table} WHERE kek <> {newest}").fetchone()[0]  # noqa: S608
        for table in tables
    )
    return sum(counts)


def _begin(connection: sqlite3.Connection, ring: KeyRing) -> None:
    """Name the next KEK: one that nobody uses yet (a run that was cut off here has left it), or a new one."""
    used = {row[0] for row in connection.execute("SELECT name FROM keks")}
    newest = ring.newest()
    if newest.name in used:
        newest = ring.add()
    try:
        with immediate(connection):
            connection.execute("INSERT INTO keks (name) VALUES (?)", (newest.name,))
    except sqlite3.IntegrityError as error:
        raise Invalid("another rotation has begun at the same time; let it end") from error


def _move_secrets(connection: sqlite3.Connection, keks: VaultKeks) -> None:
    with immediate(connection):
        kek_id, kek = current_kek(connection, keks)
        for name, *row in connection.execute("SELECT name, kek, wrapped FROM data_secrets").fetchall():
            secret = keks.unwrap(connection, name.encode(), Wrapped(*row))
            wrapped = kek.wrap(secret or b"", name.encode())
            connection.execute(
                "UPDATE data_secrets SET kek = ?, wrapped = ? WHERE name = ?", (kek_id, wrapped, name)
            )


def _next_batch(connection: sqlite3.Connection, after: bytes, kek_id: int) -> list[bytes]:
    rows = connection.execute(
        "SELECT person_id FROM data_keys WHERE person_id > ? AND kek <> ? ORDER BY person_id LIMIT ?",
        (after, kek_id, BATCH),
    )
    return [row[0] for row in rows]


def _move(connection: sqlite3.Connection, keks: VaultKeks, persons: list[bytes]) -> int:
    moved = 0
    with immediate(connection):
        kek_id, kek = current_kek(connection, keks)
        for person in persons:
            row = Wrapped(
                *connection.execute(
                    "SELECT kek, wrapped FROM data_keys WHERE person_id = ?", (person,)
                ).fetchone()
            )
            try:
                key = keks.unwrap(connection, person, row)
            except WrapBroken as error:
                _log.error("damaged key", person=str(UUID(bytes=person)), reason=str(error))
                continue
            if key is not None:
                connection.execute(
                    "UPDATE data_keys SET kek = ?, wrapped = ? WHERE person_id = ?",
                    (kek_id, kek.wrap(key, person), person),
                )
                moved += 1
    return moved
