"""Checkpoints (C2SP tlog-checkpoint): which tree a log has, in three lines and a signature."""

import base64
import re
from typing import NamedTuple, Self

from infra.transparency.merkle import HASH_BYTES
from infra.transparency.signed_note import BadNote, SignedNote, VerifierKey, decode64

_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n((?:[^\n]+\n)*)")


class Checkpoint(NamedTuple):
    """A tree: whose, how many leaves, and its root hash."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a note's text; raises BadNote."""
        match = _TEXT.fullmatch(text)
        root = decode64(match[3]) if match else b""
        if match is None or len(root) != HASH_BYTES:
            raise BadNote("this is not a checkpoint of a log")
        return cls(match[1], int(match[2]), root)

    @classmethod
    def opened(cls, note: SignedNote, key: VerifierKey) -> Self:
        """Read the checkpoint of a note that the key's log has signed; raises BadNote."""
        checkpoint = cls.parse(note.text)
        if checkpoint.origin != key.name or note.by(key) is None:
            raise BadNote(f"the checkpoint of {checkpoint.origin} is not signed by {key.name}")
        return checkpoint

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
