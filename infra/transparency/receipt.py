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
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
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
    def parse(cls, raw: bytes) -> Self:
        """Take a receipt apart; raises Invalid. Nothing has been verified by that."""
        proof, blank, note = raw[:_MOST_BYTES].partition(b"\n\n")
        try:
            header, extra, index, *hashes = proof.decode().split("\n")
        except ValueError:  # too few lines, or not UTF-8
            raise NotProven("this is not a receipt") from None
        at = _INDEX.fullmatch(index)
        path = [decode64(line) for line in hashes]
        if header != _HEADER or not blank or at is None or any(len(each) != HASH_BYTES for each in path):
            raise NotProven("this is not a receipt")
        entry = decode64(extra.removeprefix("extra "))
        if not extra.startswith("extra ") or not entry:
            raise NotProven("this receipt does not say what it is a receipt for")
        return cls(entry, int(at[1]), path, SignedNote.parse(note))

    def check(self, key: VerifierKey) -> Checkpoint:
        """Give the checkpoint that covers the entry; raises BadNote or NotProven."""
        checkpoint = Checkpoint.opened(self.note, key)
        root = root_by_inclusion(leaf_hash(self.entry), self.leaf, checkpoint.size, self.proof)
        if root != checkpoint.root:
            raise NotProven("the entry is not in the log that the checkpoint is of: one of them was changed")
        return checkpoint

    def __bytes__(self) -> bytes:
        lines = [_HEADER, f"extra {_base64(self.entry)}", f"index {self.leaf}", *map(_base64, self.proof)]
        return "\n".join([*lines, "", ""]).encode() + bytes(self.note)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
