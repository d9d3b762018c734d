"""Key-encryption keys (KEK): what wraps the keys of people, in a file of their own, or given from outside.

Whoever holds the vault without a KEK holds nothing, and the other way round; so the two are kept, mounted and
backed up apart.
"""

import base64
import binascii
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Invalid, Poison
from infra.entropy import ENTROPY
from infra.event_store.port import StoreUnavailable

KEY_BYTES = 32
NONCE_BYTES = 12
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16
GIVEN, FILE = "LIUDAN_VAULT_KEK", "LIUDAN_VAULT_KEK_FILE"


class WrapBroken(Poison):
    """A wrapped key was altered, or put in another one's place."""


@dataclass(frozen=True)
class Kek:
    """One key-encryption key. Its name follows from its bytes and does not tell them."""

    key: bytes

    @cached_property
    def name(self) -> str:
        """16 hexadecimal digits."""
        return blake2b(self.key, digest_size=8, person=b"liudan-kek").hexdigest()

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.key)

    def wrap(self, key: bytes, owner: bytes) -> bytes:
        """Encrypt a key for its owner (AES-256-GCM, NIST SP 800-38D; at most 2³² keys under one KEK)."""
        nonce = ENTROPY.take(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, owner)

    def unwrap(self, wrapped: bytes, owner: bytes) -> bytes:
        """Decrypt; raises WrapBroken when it is not what was wrapped for this owner."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], owner)
        except (InvalidTag, ValueError) as error:
            raise WrapBroken(f"a key in the vault is not what was wrapped with KEK {self.name}") from error


class KeyRing:
    """All KEKs that are at hand, oldest first; the newest wraps what is new.

    A file has one a line, in Base64, and is read again when a name is asked for that was not in it: so every
    process finds what `liudan vault rotate` has added. What the environment gives stays as it is.
    """

    def __init__(self, file: Path, given: Sequence[bytes] = ()) -> None:
        self.file = file
        self.given = bool(given)
        self._keks = {kek.name: kek for kek in map(Kek, given)}

    @classmethod
    def of(cls, file: Path, given: str = "") -> "KeyRing":
        """Take the KEKs that a setting gives, else the file's; raises Invalid for what is not a key."""
        return cls(file, [_parse(part, GIVEN) for part in given.split(",")] if given else ())

    @property
    def place(self) -> str:
        """Where the KEKs come from, for people."""
        return GIVEN if self.given else str(self.file)

    def all(self) -> list[Kek]:
        """Give all KEKs, oldest first; raises StoreUnavailable."""
        if not self.given:
            self._keks = {kek.name: kek for kek in self._read()}
        return list(self._keks.values())

    def get(self, name: str) -> Kek:
        """Give a KEK by name; raises StoreUnavailable, saying where it is missing."""
        if name not in self._keks:
            self.all()
        try:
            return self._keks[name]
        except KeyError:
            raise StoreUnavailable(
                f"the vault needs the key-encryption key {name}, which is not in {self.place}; put it back"
            ) from None

    def newest(self) -> Kek:
        """Give the newest KEK; the first is made now. Raises StoreUnavailable."""
        return (self.all() or [self.add()])[-1]

    def add(self) -> Kek:
        """Make another KEK, durably; raises Invalid when the KEKs are given from outside."""
        if self.given:
            raise Invalid(f"{GIVEN} holds no newer key; add one at its end, after a comma", field=GIVEN)
        with self._changing() as keks:
            if not self._keks and keks:  # another process was faster with the first
                return keks[-1]
            kek = Kek(os.urandom(KEY_BYTES))
            self._write([*keks, kek])
        return kek

    def remove(self, name: str) -> None:
        """Forget a KEK for good; raises Invalid when the KEKs are given from outside."""
        if self.given:
            raise Invalid(f"take the key out of {GIVEN}, and start every process again", field=GIVEN)
        with self._changing() as keks:
            self._write([kek for kek in keks if kek.name != name])

    def _read(self) -> list[Kek]:
        try:
            lines = self.file.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise StoreUnavailable(
                f"{self.file}: the key-encryption keys cannot be read ({error})"
            ) from error
        return [Kek(_parse(line, str(self.file))) for line in lines]

    @contextmanager
    def _changing(self) -> Iterator[list[Kek]]:
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.file.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield self._read()
                self._keks = {kek.name: kek for kek in self._read()}
        except OSError as error:
            raise StoreUnavailable(
                f"{self.file}: the key-encryption keys cannot be written ({error.strerror})"
            ) from error

    def _write(self, keks: Sequence[Kek]) -> None:
        """Replace the file, durably; nobody but the owner may ever read it, not even for a moment."""
        draft = self.file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.writelines(base64.b64encode(kek.key) + b"\n" for kek in keks)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self.file)
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _parse(text: str, place: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise Invalid(f"{place}: a key-encryption key is {KEY_BYTES} bytes in Base64", field=place)
    return key
