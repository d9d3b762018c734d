"""A clock's pending announcements as one column of its timer: JSON, the facts that several share once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter

import orjson

from infra.read_store.column_types import to_microseconds
from projections.sla_announcements import Announcement, Facts, Key

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ClockKey = tuple[str, int, str, int]
"""Number, cycle, clock and run."""


def pack(announcements: Sequence[Announcement]) -> str:
    """Write announcements of one clock."""
    groups = [
        [
            [to_microseconds(facts.due_at), *facts[1:]],
            [[one.key.percent, to_microseconds(one.at), to_microseconds(one.known_at)] for one in shared],
        ]
        for facts, shared in groupby(announcements, attrgetter("facts"))
    ]
    return orjson.dumps(groups).decode()


def unpack(clock: ClockKey, packed: str) -> list[Announcement]:
    """Read them back."""
    found = []
    for stated, shared in orjson.loads(packed):
        facts = Facts(_datetime(stated[0]), *stated[1:])
        for percent, at, known_at in shared:
            found.append(Announcement(Key(*clock, percent), _datetime(at), _datetime(known_at), facts))
    return found


def _datetime(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
