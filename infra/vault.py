"""The vault: one key per person, in a file apart from everything that is sealed with it.

Events are immutable and copied to many places, so a person is forgotten by destroying their key: what was
sealed stays where it is, verifiable and unreadable for ever.
"""

import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import NotFound, Poison, Refused
from infra.entropy import ENTROPY
from infra.event_store.group_commit import GroupCommit
from infra.event_store.port import StoreUnavailable
from infra.event_store.sqlite_file import connect, immediate, insert_rows, unavailable

CACHED_KEYS = 10_000
NONCE_BYTES = 12
SEAL_TRUST_SECONDS = 1.0
"""How long sealing believes the last look at the file; every look lets go of the interpreter's lock."""
_MAX_CHUNK = 256

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (person_id BLOB PRIMARY KEY, key BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destroyed (keys INTEGER NOT NULL);
INSERT INTO destroyed SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM destroyed);
"""
# A destroyed key leaves a row without a key, so that it is never silently made anew. `destroyed` counts
# them: it tells every process whether its cache may still be served from.

_log = structlog.get_logger(__name__)


class KeyErased(Refused):
    """The person's key was destroyed: what was sealed with it cannot be read any more, nor more be sealed."""

    default_rule = "personal-data-erased"


class SealBroken(Poison):
    """The sealed bytes were altered, or belong to another person or another context."""


class _Work(NamedTuple):
    ensure: tuple[UUID, ...] = ()
    destroy: UUID | None = None


class Vault:
    """Makes, uses and destroys the keys. Thread-safe; several processes may share the file.

    Everything that touches the file raises StoreUnavailable when it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing: sqlite3.Connection | None = None
        _create(path)
        self._reading = connect(path, read_only=True)
        self._keyed = blake2b(digest_size=32, key=_secret(self._reading))
        self._guard = threading.Lock()
        self._ciphers: OrderedDict[UUID, AESGCM] = OrderedDict()
        self._destroyed = -1
        self._looked_at = float("-inf")
        self._group: GroupCommit[_Work, None] = GroupCommit(
            "vault", self._commit, when_closed=lambda: StoreUnavailable(f"{path}: it was closed")
        )

    # Names that say nothing -------------------------------------------------------------------------

    def person_id(self, subject: str) -> UUID:
        """Give the person's id: always the same for the subject, and meaningless without the vault."""
        return UUID(bytes=self._keyed_digest(b"person\0" + subject.encode())[:16], version=4)

    def fingerprint(self, payload: bytes) -> bytes:
        """Give a keyed digest (32 bytes) that can be compared but says nothing about the payload."""
        return self._keyed_digest(b"fingerprint\0" + payload)

    def _keyed_digest(self, message: bytes) -> bytes:
        """Keyed BLAKE2b (RFC 7693); unlike HMAC it does not give the interpreter's lock away each time."""
        digest = self._keyed.copy()
        digest.update(message)
        return digest.digest()

    # Keys -------------------------------------------------------------------------------------------

    def ensure(self, persons: Iterable[UUID]) -> None:
        """Make a durable key for everybody who has none. Raises KeyErased if one of them was destroyed."""
        if missing := self._not_at_hand(persons):
            self._group.submit(_Work(ensure=missing))

    async def ensure_async(self, person_id: UUID) -> None:
        """As `ensure`, for one person and the event loop."""
        if missing := self._not_at_hand((person_id,)):
            await self._group.submit_async(_Work(ensure=missing))

    def destroy(self, person_id: UUID) -> None:
        """Destroy the person's key durably, for every process. Doing it again changes nothing."""
        self._group.submit(_Work(destroy=person_id))
        with self._guard:
            self._ciphers.pop(person_id, None)

    # Sealing ----------------------------------------------------------------------------------------

    def seal(self, person_id: UUID, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt for the person; opens only with the same context (AES-256-GCM, NIST SP 800-38D).

        The result is nonce, ciphertext and tag. Raises KeyErased, NotFound for a person without a key. That
        another process destroyed the key is noticed within SEAL_TRUST_SECONDS; what was sealed in between
        cannot be opened by anybody, like everything that was sealed before.
        """
        nonce = ENTROPY.take(NONCE_BYTES)
        cipher = self._cipher(person_id, trust_seconds=SEAL_TRUST_SECONDS)
        return nonce + cipher.encrypt(nonce, plaintext, context)

    def open(self, person_id: UUID, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises KeyErased, NotFound for a person without a key, SealBroken for altered bytes."""
        cipher = self._cipher(person_id)
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"what was sealed for person {person_id} is not what was sealed") from error

    def close(self) -> None:
        """Finish what is queued and close the file."""
        self._group.close()
        with self._guard:
            self._ciphers.clear()
            self._reading.close()
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    # The cache --------------------------------------------------------------------------------------

    def _cipher(self, person_id: UUID, trust_seconds: float = 0.0) -> AESGCM:
        with self._guard:
            try:
                self._forget_what_others_destroyed(trust_seconds)
                if cipher := self._ciphers.get(person_id):
                    self._ciphers.move_to_end(person_id)
                    return cipher
                cipher = self._load(person_id)
            except sqlite3.Error as error:
                raise unavailable(self._path, error) from error
        if cipher is None:
            raise NotFound(f"person {person_id} has no key")
        return cipher

    def _load(self, person_id: UUID) -> AESGCM | None:
        """Take a key from the file into the cache; None when there is none yet."""
        row = _key_row(self._reading, person_id)
        if row is None:
            return None
        if row[0] is None:
            raise _erased(person_id)
        return self._keep(person_id, row[0])

    def _keep(self, person_id: UUID, key: bytes) -> AESGCM:
        cipher = self._ciphers[person_id] = AESGCM(key)
        if len(self._ciphers) > CACHED_KEYS:
            self._ciphers.popitem(last=False)
        return cipher

    def _forget_what_others_destroyed(self, trust_seconds: float) -> None:
        """Empty the cache if a key was destroyed since the last look, unless that was just now."""
        now = time.monotonic()
        if now - self._looked_at < trust_seconds:
            return
        self._looked_at = now
        destroyed = _count_destroyed(self._reading)
        if destroyed != self._destroyed:
            self._ciphers.clear()
        self._destroyed = destroyed

    def _not_at_hand(self, persons: Iterable[UUID]) -> tuple[UUID, ...]:
        """Give those whose key is not in the cache; the writer looks them up, many in one statement."""
        persons = tuple(persons)
        with self._guard:
            if self._ciphers.keys().isdisjoint(persons):
                return persons
            try:
                self._forget_what_others_destroyed(SEAL_TRUST_SECONDS)
            except sqlite3.Error as error:
                raise unavailable(self._path, error) from error
            return tuple(p for p in persons if p not in self._ciphers)

    def _keep_all(self, keys: Mapping[UUID, bytes], destroyed_before: int) -> None:
        """Take into the cache what a transaction has found or made, unless a key was destroyed since."""
        with self._guard:
            if self._destroyed <= destroyed_before:
                for person, key in keys.items():
                    self._keep(person, key)

    # The writer thread ------------------------------------------------------------------------------

    def _commit(self, batch: Sequence[_Work]) -> list[Exception | None]:
        try:
            if self._writing is None:
                self._writing = connect(self._path)
                self._writing.execute("PRAGMA secure_delete=ON")
            destroy = [work.destroy for work in batch if work.destroy]
            with immediate(self._writing):
                destroyed_before = _count_destroyed(self._writing)
                keys = _ensure(self._writing, {person for work in batch for person in work.ensure})
                for person in destroy:
                    _destroy(self._writing, person)
            if destroy:
                _scrub_log(self._writing)
        except StoreUnavailable as error:
            return [StoreUnavailable(str(error)) for _ in batch]
        except sqlite3.Error as error:
            return [unavailable(self._path, error) for _ in batch]
        self._keep_all({person: key for person, key in keys.items() if key}, destroyed_before)
        erased = {person for person, key in keys.items() if key is None}
        return [next((_erased(p) for p in work.ensure if p in erased), None) for work in batch]


def _ensure(connection: sqlite3.Connection, persons: Collection[UUID]) -> dict[UUID, bytes | None]:
    """Give everybody's key, made now for those who had none; None for a key that was destroyed."""
    keys: dict[UUID, bytes | None] = {}
    for chunk in _chunks(persons):
        marks = ",".join("?" * len(chunk))
        rows = connection.execute(
            f"SELECT person_id, key FROM keys WHERE person_id IN ({marks})",  # noqa: S608 - only placeholders
            [person.bytes for person in chunk],
        )
        keys.update((UUID(bytes=person), key) for person, key in rows)
    new = {person: AESGCM.generate_key(256) for person in persons if person not in keys}
    insert_rows(connection, "keys", [(person.bytes, key) for person, key in new.items()])
    return keys | new


def _chunks(persons: Iterable[UUID]) -> Iterator[list[UUID]]:
    """Cut into lists whose length is a power of two, so that few statements are prepared."""
    left = list(persons)
    while left:
        size = min(1 << len(left).bit_length() - 1, _MAX_CHUNK)
        yield left[:size]
        left = left[size:]


def _count_destroyed(connection: sqlite3.Connection) -> int:
    counted: int = connection.execute("SELECT keys FROM destroyed").fetchone()[0]
    return counted


def _key_row(connection: sqlite3.Connection, person: UUID) -> tuple[bytes | None] | None:
    """Give the person's row, whose key is None once it was destroyed; None for an unknown person."""
    row: tuple[bytes | None] | None = connection.execute(
        "SELECT key FROM keys WHERE person_id = ?", (person.bytes,)
    ).fetchone()
    return row


def _destroy(connection: sqlite3.Connection, person: UUID) -> None:
    # Deleted first: secure_delete overwrites what is deleted, but not what an update shortens in place.
    row = _key_row(connection, person)
    connection.execute("DELETE FROM keys WHERE person_id = ?", (person.bytes,))
    connection.execute("INSERT INTO keys VALUES (?, NULL)", (person.bytes,))
    if row is None or row[0] is not None:
        connection.execute("UPDATE destroyed SET keys = keys + 1")


def _scrub_log(connection: sqlite3.Connection) -> None:
    """Empty the write-ahead log, where older versions of the page still hold the key."""
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        _log.warning("vault log not emptied", reason="another process is reading; the next one empties it")


def _erased(person: UUID) -> KeyErased:
    return KeyErased(f"the personal data of person {person} was erased")


def _create(path: Path) -> None:
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
            connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
            connection.execute(
                "INSERT INTO secrets VALUES ('names', ?) ON CONFLICT DO NOTHING", (os.urandom(32),)
            )
        except sqlite3.Error as error:
            raise unavailable(path, error) from error


def _secret(connection: sqlite3.Connection) -> bytes:
    secret: bytes = connection.execute("SELECT value FROM secrets WHERE name = 'names'").fetchone()[0]
    return secret
