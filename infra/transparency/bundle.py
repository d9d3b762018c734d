"""A ticket's whole history in one file, to be checked by somebody who trusts nobody.

A ZIP archive with every event's exact bytes, a proof for each, one checkpoint, the operator's statement that
there are no more, the verifier key, and a page for people. Files in it are what others' tools understand.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple, Self

import orjson

from infra.transparency.checkpoint import Checkpoint
from infra.transparency.history_statement import HistoryStatement
from infra.transparency.receipt import NotProven, Receipt
from infra.transparency.signed_note import SignedNote, VerifierKey
from infra.transparency.tiles import MAX_ENTRY_BYTES

SUFFIX = ".history.zip"
_CHECKPOINT, _STATEMENT, _KEY, _PAGE = "checkpoint", "statement", "verifier.key", "timeline.html"
_FOR_ALL = (_PAGE, _CHECKPOINT, _STATEMENT, _KEY)
_OF_ONE = re.compile(r"(events|proofs)/([0-9]{6})\.(json|tlog-proof)", re.ASCII)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MOST_BYTES = 1 << 26


class BrokenBundle(NotProven):
    """The bundle is not the whole history that it says it is."""

    default_rule = "broken-bundle"


class Event(NamedTuple):
    """What a bundle needs to know of an event."""

    subject: str
    sequence: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read an event; raises BrokenBundle."""
        try:
            event = orjson.loads(raw)
            return cls(event["subject"], event["sequence"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise BrokenBundle("a file among the events is not an event") from None


class Bundle(NamedTuple):
    """The content of a bundle."""

    receipts: Sequence[Receipt]
    checkpoint: SignedNote
    statement: SignedNote
    key: VerifierKey
    page: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Take a bundle apart; raises BrokenBundle. Nothing has been verified by that."""
        files = _unpacked(raw)
        count = (len(files) - len(_FOR_ALL)) // 2
        expected = {
            *_FOR_ALL,
            *(_event(n) for n in range(1, count + 1)),
            *(_proof(n) for n in range(1, count + 1)),
        }
        if files.keys() != expected:
            odd = sorted(files.keys() ^ expected)
            raise BrokenBundle(f"the bundle lacks a file, or has one too many: {', '.join(odd[:3])}")
        return cls(
            [Receipt.parse(files[_proof(n)], files[_event(n)]) for n in range(1, count + 1)],
            SignedNote.parse(files[_CHECKPOINT]),
            SignedNote.parse(files[_STATEMENT]),
            VerifierKey.parse(files[_KEY].decode(errors="replace")),
            files[_PAGE],
        )

    def check(self, key: VerifierKey) -> HistoryStatement:
        """Check everything against the log's key; gives the operator's statement, which it all agrees with.

        Raises NotProven or BadNote for an event that was removed, swapped, edited, repeated or cut off.
        """
        checkpoint = Checkpoint.opened(self.checkpoint, key)
        statement = HistoryStatement.opened(self.statement, key)
        if statement.checkpoint != checkpoint:
            raise BrokenBundle("the statement is about another tree than the checkpoint's")
        if statement.events != len(self.receipts):
            raise BrokenBundle(
                f"{checkpoint.origin} has stated {statement.events} events of {statement.ticket}; "
                f"the bundle has {len(self.receipts)}"
            )
        if sha256(self.page).hexdigest() != statement.page:
            raise BrokenBundle("the page for people was changed")
        before = -1
        for version, receipt in enumerate(self.receipts, 1):
            _check_event(Event.parse(receipt.entry), statement.ticket, version)
            if receipt.check(key) != checkpoint or receipt.leaf <= before:
                raise BrokenBundle(f"version {version} is not where it belongs in the log")
            before = receipt.leaf
        return statement

    def __bytes__(self) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self._files():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def _files(self) -> list[tuple[str, bytes]]:
        notes = bytes(self.checkpoint), bytes(self.statement), f"{self.key}\n".encode()
        files = list(zip(_FOR_ALL, (self.page, *notes), strict=True))
        for version, receipt in enumerate(self.receipts, 1):
            files += [(_event(version), receipt.entry), (_proof(version), receipt.beside_entry())]
        return files


def _check_event(event: Event, ticket: str, version: int) -> None:
    if event.subject != ticket:
        raise BrokenBundle(f"version {version} is of {event.subject}, not of {ticket}")
    if event.sequence != version:
        raise BrokenBundle(f"in the place of version {version} there is version {event.sequence}")


def _event(version: int) -> str:
    return f"events/{version:06d}.json"


def _proof(version: int) -> str:
    return f"proofs/{version:06d}.tlog-proof"


def _unpacked(raw: bytes) -> dict[str, bytes]:
    """Read an archive's files; raises BrokenBundle, also for one that unpacks to more than makes sense."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            sizes = [member.file_size for member in members]
            if len(set(names)) != len(names):
                raise BrokenBundle("a file is in the bundle twice")
            if sum(sizes) > _MOST_BYTES or any(
                size > MAX_ENTRY_BYTES
                for name, size in zip(names, sizes, strict=True)
                if _OF_ONE.fullmatch(name)
            ):
                raise BrokenBundle("the bundle is larger than a ticket's history can be")
            return {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError) as error:
        raise BrokenBundle(f"this is not a bundle, or it is damaged: {error}") from None
