"""What a log's operator states about one ticket: it has so many events in this tree, and no more.

Merkle proofs show that events are in a log, not that there are no others. So the operator signs the number.
Who later finds another event of the ticket among the entries of that tree holds two contradicting signatures.
"""

import re
from typing import NamedTuple, Self

from infra.transparency.checkpoint import Checkpoint
from infra.transparency.signed_note import BadNote, SignedNote, VerifierKey

_HEADER = "liudan ticket history v1"
_TEXT = re.compile(
    rf"{_HEADER}\nticket ([^\n ]+)\nevents ([1-9][0-9]*)\npage ([0-9a-f]{{64}})\n\n(.+\n)", re.DOTALL
)


class HistoryStatement(NamedTuple):
    """A ticket's number, how many events it has, and in which tree. No checkpoint can be read as one."""

    ticket: str
    events: int
    page: str
    """SHA-256 of the page for people that goes with it, in hexadecimal."""
    checkpoint: Checkpoint

    @classmethod
    def opened(cls, note: SignedNote, key: VerifierKey) -> Self:
        """Read a statement that the key's log has signed; raises BadNote."""
        match = _TEXT.fullmatch(note.text)
        if match is None or note.by(key) is None:
            raise BadNote(f"this is not a statement about a ticket's history that {key.name} has signed")
        return cls(match[1], int(match[2]), match[3], Checkpoint.parse(match[4]))

    @property
    def text(self) -> str:
        """What is signed."""
        lines = (_HEADER, f"ticket {self.ticket}", f"events {self.events}", f"page {self.page}", "")
        return "\n".join(lines) + f"\n{self.checkpoint.text}"
