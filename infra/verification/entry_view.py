"""What must be known of an event's bytes to compare it, without reading all of it."""

import re
from typing import NamedTuple

from infra.event_log.subject import subject_of

_SEQUENCE = re.compile(rb'"sequence":([0-9]+),')
_TYPE = re.compile(rb'"type":"([^"\\]*)"')
_ATTRIBUTES = re.compile(
    rb'\{"specversion":"1\.0","id":"[^"\\]*","source":"[^"\\]*","type":"([^"\\]*)","subject":"([^"\\]*)",'
    rb'"time":"[^"\\]*","datacontenttype":"application/json","recordedtime":"[^"\\]*","sequence":([0-9]+),'
)


class Attributes(NamedTuple):
    """The attributes by which an event is found; None where the bytes do not say them."""

    type: str | None
    ticket: str | None
    version: int | None

    @classmethod
    def of(cls, entry: bytes) -> "Attributes":
        """Read them: quickly from bytes as we write them, carefully from any others."""
        match = _ATTRIBUTES.match(entry)
        if match is not None:
            return cls(match[1].decode(), match[2].decode(), int(match[3]))
        end = _end_of_attributes(entry)
        kind, sequence = _TYPE.search(entry, 0, end), _SEQUENCE.search(entry, 0, end)
        return cls(
            kind[1].decode() if kind else None,
            subject_of(entry) or None,
            int(sequence[1]) if sequence else None,
        )


def begins_a_ticket(entry: bytes) -> bool:
    """Tell whether the event is its ticket's first."""
    return b'"sequence":1,' in entry and Attributes.of(entry).version == 1


def _end_of_attributes(entry: bytes) -> int:
    """Where the first inner object begins: before that, every key is the event's own."""
    inner = entry.find(b"{", 1)
    return len(entry) if inner < 0 else inner
