"""What must be known of an event's bytes to compare it, without reading all of it."""

import re

from infra.event_log.subject import subject_of

_SEQUENCE = re.compile(rb'"sequence":([0-9]+),')
_TYPE = re.compile(rb'"type":"([^"\\]*)"')


def ticket_of(entry: bytes) -> str | None:
    """Give the ticket's number, None for bytes that are no event."""
    return subject_of(entry) or None


def version_of(entry: bytes) -> int | None:
    """Give the event's version in its ticket, None for bytes that are no event."""
    match = _SEQUENCE.search(entry, 0, _end_of_attributes(entry))
    return int(match[1]) if match else None


def type_of(entry: bytes) -> str | None:
    """Give the event's type, None for bytes that are no event."""
    match = _TYPE.search(entry, 0, _end_of_attributes(entry))
    return match[1].decode() if match else None


def _end_of_attributes(entry: bytes) -> int:
    """Where the first inner object begins: before that, every key is the event's own."""
    inner = entry.find(b"{", 1)
    return len(entry) if inner < 0 else inner
