"""Receipts (C2SP tlog-proof): one small file that proves without us that an entry is in the log.

The file's `extra` line is the entry itself, byte for byte; its leaf is what the proof is about. Personal data
in the entry is sealed, and stays so.
"""

import base64
import re
from collections.abc import Sequence
from typing import NamedTuple, Self

from domain.errors import Invalid
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.merkle import HASH_BYTES, leaf_hash, root_by_inclusion
from infra.transparency.signed_note import SignedNote, VerifierKey, decode64

MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".tlog-proof"
_HEADER = "c2sp.org/tlog-proof@v1"
_PROOF = re.compile(
    rf"{re.escape(_HEADER)}(?:\nextra ([^\n]+))?\nindex (0|[1-9][0-9]{{0,18}})((?:\n[^\n]+)*)", re.ASCII
)
_MOST_BYTES = 1 << 21


class NotProven(Invalid):
    """The receipt does not prove what it says."""

    default_rule = "not-proven"


class Receipt(NamedTuple):
    """An entry, its place in the log, and the proof that leads to a signed checkpoint."""

    entry: bytes
    leaf: int
    proof: Sequence[bytes]
    note: SignedNote

    @classmethod
    def parse(cls, raw: bytes, beside: bytes | None = None) -> Self:
        """Take a receipt apart, or a proof that lies `beside` its entry. Nothing has been verified by that.

        Raises NotProven or BadNote for what is not a receipt, or is one for another entry.
        """
        proof, blank, note = raw[:_MOST_BYTES].partition(b"\n\n")
        match = _PROOF.fullmatch(proof.decode(errors="replace"))
        if match is None or not blank:
            raise NotProven("this is not a receipt")
        path = [decode64(line) for line in match[3].split()]
        entry = beside if match[1] is None else decode64(match[1])
        if any(len(each) != HASH_BYTES for each in path):
            raise NotProven("this receipt is damaged")
        if not entry or beside not in (None, entry):
            raise NotProven("this receipt is for another entry, or does not say for which")
        return cls(entry, int(match[2]), path, SignedNote.parse(note))

    def check(self, key: VerifierKey) -> Checkpoint:
        """Give the checkpoint that covers the entry; raises BadNote or NotProven."""
        checkpoint = Checkpoint.opened(self.note, key)
        root = root_by_inclusion(leaf_hash(self.entry), self.leaf, checkpoint.size, self.proof)
        if root != checkpoint.root:
            raise NotProven("the entry is not in the log that the checkpoint is of: one of them was changed")
        return checkpoint

    def __bytes__(self) -> bytes:
        return self._written([f"extra {_base64(self.entry)}"])

    def beside_entry(self) -> bytes:
        """Write the proof alone, for where the entry is another file."""
        return self._written([])

    def _written(self, extra: Sequence[str]) -> bytes:
        lines = [_HEADER, *extra, f"index {self.leaf}", *map(_base64, self.proof), "", ""]
        return "\n".join(lines).encode() + bytes(self.note)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
