"""Compares the transparency log with its own signed root, and the event store with the log, in one walk."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from domain.numbers import TicketNumber
from infra.event_store.port import EventRow, EventStore
from infra.progress import Progress
from infra.transparency.merkle import HASH_BYTES
from infra.transparency.tiles import ENTRIES, Tile
from infra.transparency.tree_edge import TreeEdge
from infra.verification.entry_view import Attributes
from infra.verification.snapshot import Snapshot
from infra.verification.verdict import Difference, Differs, Part

_PAGE = 1024
_TICKETS_REMEMBERED = 10_000
_POSITION: Final = 0
_BYTES: Final = 4


def verify_log(snapshot: Snapshot, progress: Progress) -> int:
    """Hash every entry again up to the signed root; gives how many. Raises Differs, Halted."""
    read = snapshot.log.as_it_was
    edge = TreeEdge(snapshot.first, read)
    for _, entries in snapshot.bundles():
        for tile, content in edge.extend(entries):
            _check_tile(snapshot, tile, content, read(tile))
        progress.advance(len(entries))
    for tile, content in edge.unfinished():
        _check_tile(snapshot, tile, content, read(tile))
    if edge.root() != snapshot.checkpoint.root:
        place = f"checkpoint of {snapshot.size} entries"
        raise Differs(Difference(Part.LOG, "the entries do not lead to the root hash that was signed", place))
    return len(snapshot.leaves)


def _check_tile(snapshot: Snapshot, tile: Tile, computed: bytes, found: bytes) -> None:
    if tile.level == ENTRIES or computed == found:
        return
    starts = range(0, len(computed), HASH_BYTES)
    at = next(
        n for n, start in enumerate(starts) if computed[start:][:HASH_BYTES] != found[start:][:HASH_BYTES]
    )
    if tile.level:
        raise Differs(Difference(Part.LOG, f"its hash {at} is not that of the tile below it", tile.path))
    leaf = tile.number * 256 + at
    entry = snapshot.log.entry(leaf, snapshot.size)
    what = "the entry is not the one whose hash was put into the tree"
    raise Differs(Difference.about(entry, Part.LOG, what, f"entry {leaf}"))


def verify_store(snapshot: Snapshot, store: EventStore, progress: Progress) -> int:
    """Compare every stored event with its entry, byte for byte; gives how many. Raises Differs, Transient."""
    stored = _Stored(store, snapshot.runs.position_of(snapshot.first - 1) if snapshot.first else 0)
    for leaf, entries in snapshot.bundles():
        rows = stored.take(len(entries))
        positions = [snapshot.runs.position_of(each) for each in range(leaf, leaf + len(entries))]
        if (
            [row[_BYTES] for row in rows] != entries
            or [row[_POSITION] for row in rows] != positions
            or not all(map(_says_the_same, rows))
        ):
            raise Differs(_first_difference(leaf, entries, positions, rows))
        progress.advance(len(entries))
    return len(snapshot.leaves)


class _Stored:
    """The store's events in order, in the pieces that are asked for."""

    def __init__(self, store: EventStore, after: int) -> None:
        self._pages = self._read(store, after)
        self._left: list[EventRow] = []

    def take(self, count: int) -> list[EventRow]:
        while len(self._left) < count:
            page = next(self._pages, None)
            if page is None:
                break
            self._left += page
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    @staticmethod
    def _read(store: EventStore, after: int) -> Iterator[list[EventRow]]:
        while page := store.rows(after, _PAGE):
            yield page
            after = page[-1][_POSITION]


def _says_the_same(row: EventRow) -> bool:
    """Whether the columns by which an event is found say what its bytes say."""
    _, stream_id, version, topic, state = row
    said = Attributes.of(state)
    return (
        said.version == version
        and said.type == topic
        and said.ticket is not None
        and _stream_id(said.ticket) == stream_id
    )


@lru_cache(_TICKETS_REMEMBERED)
def _stream_id(ticket: str) -> bytes:
    return TicketNumber(ticket).stream_id.bytes


def _first_difference(
    leaf: int, entries: Sequence[bytes], positions: Sequence[int], rows: Sequence[EventRow]
) -> Difference:
    for at, (entry, position) in enumerate(zip(entries, positions, strict=True)):
        row = rows[at] if at < len(rows) else None
        what = _fault(entry, position, row)
        if what is not None:
            place = f"position {min(position, row[_POSITION]) if row else position} (entry {leaf + at})"
            return Difference.about(entry, Part.STORE, what, place)
    raise AssertionError("no difference")  # the caller has found one


def _fault(entry: bytes, position: int, row: EventRow | None) -> str | None:
    if row is None:
        return "the event and all after it are missing: they were deleted, or an old backup was restored"
    if row[_POSITION] > position:
        return "the event is missing: it was deleted"
    if row[_POSITION] < position:
        return "there is an event before it that the log does not have: it was inserted later"
    if row[_BYTES] != entry:
        return "its bytes were changed"
    if not _says_the_same(row):
        return "its columns do not say what its bytes say: they were changed"
    return None
