"""The vault: one key per person, in a file apart from everything that is sealed with it.

Events are immutable and copied to many places, so a person is forgotten by destroying their key: what was
sealed stays where it is, verifiable and unreadable for ever. In the file the keys are wrapped (envelope
encryption) by a key-encryption key that lies elsewhere, see `infra.keys.key_ring`.
"""

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import NotFound, Poison, Refused
from infra.entropy import ENTROPY
from infra.event_store.group_commit import GroupCommit
from infra.event_store.port import StoreUnavailable
from infra.event_store.sqlite_file import connect, immediate, unavailable
from infra.keys import vault_file
from infra.keys.key_ring import KeyRing, WrapBroken
from infra.keys.vault_file import VaultKeks
from infra.settings import KEK_FILE

CACHED_KEYS = 10_000
NONCE_BYTES = 12
SEAL_TRUST_SECONDS = 1.0
"""How long sealing believes the last look at the file; every look lets go of the interpreter's lock."""


class KeyErased(Refused):
    """The person's key was destroyed: what was sealed with it cannot be read any more, nor more be sealed."""

    default_rule = "personal-data-erased"


class SealBroken(Poison):
    """The sealed bytes were altered, or belong to another person or another context."""


class _Work(NamedTuple):
    ensure: tuple[UUID, ...] = ()
    destroy: UUID | None = None
    returned: tuple[UUID, int] | None = None
    erased_up_to: int | None = None


class Vault:
    """Makes, uses and destroys the keys. Thread-safe; several processes may share the file.

    Everything that touches the file raises StoreUnavailable when it cannot be used.
    """

    def __init__(self, path: Path, ring: KeyRing | None = None) -> None:
        """Open the file; the KEKs lie in `keys/vault.kek` beside it unless `ring` says where."""
        self._path = path
        self._writing: sqlite3.Connection | None = None
        ring = ring or KeyRing(path.parent / KEK_FILE)
        vault_file.create(path, ring)
        self._reading_keks, self._writing_keks = VaultKeks(ring), VaultKeks(ring)
        self._reading = connect(path, read_only=True)
        secret = vault_file.secret_of(self._reading, self._reading_keks)
        self._keyed = blake2b(digest_size=32, key=secret)
        self._guard = threading.Lock()
        self._ciphers: OrderedDict[UUID, AESGCM] = OrderedDict()
        self._returns: OrderedDict[UUID, int] = OrderedDict()
        self._anybody_returned = False
        self._destroyed = -1
        self._looked_at = float("-inf")
        self._group: GroupCommit[_Work, None] = GroupCommit(
            "vault", self._commit, when_closed=lambda: StoreUnavailable(f"{path}: it was closed")
        )

    # Names that say nothing -------------------------------------------------------------------------

    def person_id(self, subject: str) -> UUID:
        """Give the person's id: the same for the subject, and meaningless without the vault.

        Only who comes back after their data were erased gets another, see `person_id_anew`.
        """
        first = self._id(b"person\0", subject)
        with self._guard:
            try:
                self._forget_what_others_destroyed(SEAL_TRUST_SECONDS)
                times = self._returns_of(first) if self._anybody_returned else 0
            except sqlite3.Error as error:
                raise unavailable(self._path, error) from error
        return self._id(b"person %d\0" % times, subject) if times else first

    def person_id_anew(self, subject: str) -> UUID:
        """Give an id to somebody whose data were erased and who comes back; nothing links it to the old one.

        Without an erasure it stays as it is. Blocks.
        """
        first = self._id(b"person\0", subject)
        with self._guard:
            self._looked_at = float("-inf")
        person = self.person_id(subject)
        with self._guard:
            row = vault_file.key_row(self._reading, person)
            times = self._returns_of(first)
        if row is None or row.wrapped is not None:
            return person
        self._group.submit(_Work(returned=(first, times + 1)))
        return self.person_id_anew(subject)

    def _id(self, kind: bytes, subject: str) -> UUID:
        return UUID(bytes=self._keyed_digest(kind + subject.encode())[:16], version=4)

    def _returns_of(self, first: UUID) -> int:
        if first not in self._returns:
            self._returns[first] = vault_file.times_returned(self._reading, first)
            if len(self._returns) > CACHED_KEYS:
                self._returns.popitem(last=False)
        return self._returns[first]

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

    def erased_up_to(self) -> int:
        """Give the event store's position up to which every erasure has been carried out here."""
        with self._guard:
            try:
                return vault_file.erasures(self._reading)
            except sqlite3.Error as error:
                raise unavailable(self._path, error) from error

    def set_erased_up_to(self, position: int) -> None:
        """Remember that position durably."""
        self._group.submit(_Work(erased_up_to=position))

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

    def seal_if_at_hand(self, person_id: UUID, plaintext: bytes, context: bytes) -> bytes | None:
        """As `seal`, but None when the person's key has to be looked up, or made first."""
        with self._guard:
            try:
                self._forget_what_others_destroyed(SEAL_TRUST_SECONDS)
            except sqlite3.Error as error:
                raise unavailable(self._path, error) from error
            cipher = self._ciphers.get(person_id)
        if cipher is None:
            return None
        nonce = ENTROPY.take(NONCE_BYTES)
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
        row = vault_file.key_row(self._reading, person_id)
        if row is None:
            return None
        try:
            key = self._reading_keks.unwrap(self._reading, person_id.bytes, row)
        except WrapBroken as error:
            raise SealBroken(f"the key of person {person_id} is damaged: {error}") from error
        if key is None:
            raise _erased(person_id)
        return self._keep(person_id, key)

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
        destroyed = vault_file.count_destroyed(self._reading)
        if destroyed != self._destroyed:
            self._ciphers.clear()
            self._returns.clear()
            self._anybody_returned = vault_file.anybody_returned(self._reading)
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
                destroyed_before = vault_file.count_destroyed(self._writing)
                keys = vault_file.ensure(
                    self._writing, {person for work in batch for person in work.ensure}, self._writing_keks
                )
                for person in destroy:
                    vault_file.destroy(self._writing, person)
                for work in batch:
                    if work.erased_up_to is not None:
                        vault_file.set_erasures(self._writing, work.erased_up_to)
                for first, times in filter(None, (work.returned for work in batch)):
                    vault_file.count_return(self._writing, first, times)
            if destroy:
                vault_file.scrub_log(self._writing)
        except StoreUnavailable as error:
            return [StoreUnavailable(str(error)) for _ in batch]
        except sqlite3.Error as error:
            return [unavailable(self._path, error) for _ in batch]
        self._keep_all(keys.usable, destroyed_before)
        return [next((_erased(p) for p in work.ensure if p in keys.erased), None) for work in batch]


def _erased(person: UUID) -> KeyErased:
    return KeyErased(f"the personal data of person {person} was erased")
