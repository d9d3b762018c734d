"""Signed notes and their keys (C2SP signed-note): text that anybody can check who has the verifier key."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.errors import Invalid

ED25519 = 1
COSIGNATURE = 4
"""The kinds of signature: by a log, and by a witness (C2SP tlog-cosignature, with a time)."""
_ID_BYTES, _KEY_BYTES, _TIME_BYTES = 4, 32, 8
_MOST_BYTES = 1 << 20
_MOST_SIGNATURES = 64
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\N{EM DASH} "


class BadNote(Invalid):
    """The text is not a signed note, or not signed by a key that is trusted."""

    default_rule = "bad-signature"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line. Only `VerifierKey.verify` says whether it is worth anything."""

    name: str
    key_id: bytes
    body: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line; raises BadNote."""
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        raw = decode64(encoded)
        if not line.startswith(_DASH) or not is_key_name(name) or len(raw) <= _ID_BYTES:
            raise BadNote(f"{line[:60]!r} is not a signature line")
        return cls(name, raw[:_ID_BYTES], raw[_ID_BYTES:])

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.body).decode()}"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text, which ends with a line's end, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Take a note apart; raises BadNote. Nothing has been verified by that."""
        text, blank, signatures = _decoded(raw).rpartition("\n\n")
        lines = signatures.removesuffix("\n").split("\n")
        if not blank or not text or not signatures.endswith("\n") or len(lines) > _MOST_SIGNATURES:
            raise BadNote("this is not a signed note")
        return cls(text + "\n", tuple(map(Signature.parse, lines)))

    def with_signatures(self, more: Iterable[Signature]) -> "SignedNote":
        """Add signatures that are not there yet."""
        known = dict.fromkeys((*self.signatures, *more))
        return SignedNote(self.text, tuple(known))

    def by(self, key: "VerifierKey") -> Signature | None:
        """Give the signature that a key has made; raises BadNote when it says so and did not."""
        for signature in self.signatures:
            if (signature.name, signature.key_id) == (key.name, key.key_id):
                key.verify(self.text, signature)
                return signature
        return None

    def __bytes__(self) -> bytes:
        return "".join([self.text, "\n", *(f"{line}\n" for line in self.signatures)]).encode()


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name of whom it belongs to, written `name+id+key`."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a verifier key; raises Invalid."""
        name, _, rest = line.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = decode64(encoded)
        kind = raw[0] if raw else 0
        if kind not in (ED25519, COSIGNATURE) or len(raw) != 1 + _KEY_BYTES or not is_key_name(name):
            raise Invalid(
                f"{line.strip()[:80]!r} is not an Ed25519 verifier key", rule="bad-key", field="key"
            )
        key = cls(name, kind, raw[1:])
        if key.key_id.hex() != key_id:
            raise Invalid(f"the verifier key of {name} was mistyped", rule="bad-key", field="key")
        return key

    @property
    def key_id(self) -> bytes:
        """The short name by which a signature says that it is this key's."""
        return _key_id(self.name, self.kind, self.public)

    def verify(self, text: str, signature: Signature) -> None:
        """Check a signature of a note's text; raises BadNote."""
        signed, body = text.encode(), signature.body
        if self.kind == COSIGNATURE:
            signed = cosigned_message(text, cosigned_at(signature))
            body = body[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(body, signed)
        except InvalidSignature:
            raise BadNote(f"the signature of {self.name} is wrong: the text is not what it signed") from None

    def __str__(self) -> str:
        key = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"


class Signer:
    """A private key and its name; written as Go's `sumdb/note` writes it, `PRIVATE+KEY+name+id+key`."""

    def __init__(self, name: str, seed: bytes, kind: int = ED25519) -> None:
        if not is_key_name(name):
            raise Invalid(f"{name!r} cannot name a key: no spaces, no plus sign", rule="bad-key-name")
        self._key, self._seed = Ed25519PrivateKey.from_private_bytes(seed), seed
        self.verifier = VerifierKey(name, kind, self._key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a private key; raises Invalid, which quotes nothing of it."""
        name, _, rest = line.strip().removeprefix(_PRIVATE).partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = decode64(encoded)
        if line.startswith(_PRIVATE) and len(raw) == 1 + _KEY_BYTES and raw[0] == ED25519 and name:
            signer = cls(name, raw[1:])
            if signer.verifier.key_id.hex() == key_id:
                return signer
        raise Invalid("this is not a private key of a log", rule="bad-key", field="key")

    def sign(self, text: str) -> SignedNote:
        """Sign a text that ends with a line's end."""
        body = self._key.sign(text.encode())
        return SignedNote(text, (Signature(self.verifier.name, self.verifier.key_id, body),))

    def cosign(self, text: str, seconds: int) -> Signature:
        """Sign a checkpoint as a witness that has seen it at a moment (POSIX seconds)."""
        body = seconds.to_bytes(_TIME_BYTES) + self._key.sign(cosigned_message(text, seconds))
        return Signature(self.verifier.name, self.verifier.key_id, body)

    def secret(self) -> str:
        """Write the private key."""
        key = base64.b64encode(bytes([self.verifier.kind]) + self._seed).decode()
        return f"{_PRIVATE}{self.verifier.name}+{self.verifier.key_id.hex()}+{key}"


def cosigned_message(text: str, seconds: int) -> bytes:
    """Give what a witness signs: the checkpoint's text, and when it saw it."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def cosigned_at(signature: Signature) -> int:
    """Give a cosignature's time in POSIX seconds."""
    return int.from_bytes(signature.body[:_TIME_BYTES])


def is_key_name(name: str) -> bool:
    """Whether something may name a key: not empty, no Unicode spaces, no plus, nothing unprintable."""
    return bool(name) and "+" not in name and not any(map(str.isspace, name)) and name.isprintable()


def decode64(text: str) -> bytes:
    """Read standard base64; nothing for what is not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadNote("a signed note is UTF-8") from None
    if len(raw) > _MOST_BYTES or any(char < " " and char != "\n" for char in text):
        raise BadNote("this is not a signed note")
    return text


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_ID_BYTES]
