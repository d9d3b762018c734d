"""Keeps what was announced, in a gapless sequence, and how far each reader of it has come."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infra.read_store.open import ReadStore
from infra.read_store.projection import in_chunks
from infra.read_store.schema import SLA_ANNOUNCEMENTS, SLA_PROGRESS
from projections.sla_announcements import Announcement, Key, encode

_A, _P = SLA_ANNOUNCEMENTS.c, SLA_PROGRESS.c


class Announced(NamedTuple):
    """One row: what is published, and its place in the sequence."""

    sequence: int
    key: Key
    event: bytes


class Progress(NamedTuple):
    """How far a reader has come."""

    sequence: int = 0
    offsets: Mapping[int, int] = {}
    """Per partition, where the topic may hold announcements after that."""


class AnnouncementRows:
    """The announcements in the read store."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def after(self, sequence: int, limit: int) -> list[Announced]:
        """Give the next announcements, in order."""
        query = sa.select(_A.sequence, _A.number, _A.cycle, _A.clock, _A.run, _A.percent, _A.event)
        query = query.where(_A.sequence > sequence).order_by(_A.sequence).limit(limit)
        with self._store.reading() as connection:
            return [
                Announced(row[0], Key(*row[1:-1]), row.event.encode()) for row in connection.execute(query)
            ]

    def upto(self, sequence: int, keys: set[Key]) -> set[Key]:
        """Give those of some announcements that stand in the sequence up to a place."""
        with self._store.reading() as connection:
            return keys & announced(connection, {key.number for key in keys}, upto=sequence)

    def last(self) -> int:
        """Give the end of the sequence, 0 while it is empty."""
        with self._store.reading() as connection:
            return _last(connection)

    def counts(self) -> dict[str, int]:
        """Count the announcements by kind."""
        query = sa.select(_A.kind, sa.func.count()).group_by(_A.kind)
        with self._store.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def progress(self, name: str) -> Progress:
        """Give how far a reader has come."""
        with self._store.reading() as connection:
            row = connection.execute(sa.select(SLA_PROGRESS).where(_P.name == name)).one_or_none()
        if row is None:
            return Progress()
        return Progress(row.sequence, {int(each): at for each, at in orjson.loads(row.offsets).items()})

    def set_progress(self, name: str, progress: Progress) -> None:
        """Remember how far a reader has come."""
        offsets = orjson.dumps({str(each): at for each, at in progress.offsets.items()}).decode()
        values = {"sequence": progress.sequence, "offsets": offsets}
        with self._store.writing() as connection:
            changed = connection.execute(sa.update(SLA_PROGRESS).where(_P.name == name).values(values))
            if changed.rowcount == 0:
                connection.execute(sa.insert(SLA_PROGRESS).values(name=name, **values))


def announced(connection: Connection, numbers: Collection[str], *, upto: int | None = None) -> set[Key]:
    """Give what has been announced of some tickets."""
    query = sa.select(_A.number, _A.cycle, _A.clock, _A.run, _A.percent)
    if upto is not None:
        query = query.where(_A.sequence <= upto)
    return {
        Key(*row)
        for chunk in in_chunks(numbers)
        for row in connection.execute(query.where(_A.number.in_(chunk)))
    }


def announce(connection: Connection, announcements: Sequence[Announcement]) -> None:
    """Add to the sequence what is not in it."""
    rows = [
        {
            "sequence": sequence,
            **one.key._asdict(),
            "kind": one.key.kind.value,
            "at": one.at,
            "event": encode(one).decode(),
        }
        for sequence, one in enumerate(announcements, _last(connection) + 1)
    ]
    if rows:
        connection.execute(sa.insert(SLA_ANNOUNCEMENTS), rows)


def _last(connection: Connection) -> int:
    return connection.scalar(sa.select(sa.func.max(_A.sequence))) or 0
