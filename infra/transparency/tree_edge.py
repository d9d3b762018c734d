"""The right edge of a growing tree: all that is needed to go on with it. Pure."""

from collections.abc import Callable, Iterator, Sequence

from infra.transparency.merkle import HASH_BYTES, fold_right, leaf_hashes, perfect_root
from infra.transparency.tiles import ENTRIES, WIDTH, Tile, hash_at, levels, pack_entries, unfinished

_FULL_BYTES = WIDTH * HASH_BYTES
STRETCH = WIDTH * WIDTH
"""The leaves below one hash of level 2."""
_ABOVE_STRETCH = 2


class TreeEdge:
    """The unfinished tiles of every level and the unfinished entry bundle of a tree of `size` leaves."""

    def __init__(self, size: int = 0, read: Callable[[Tile], bytes] | None = None) -> None:
        """Begin a tree, or take one up again: `read` gives the content of its unfinished tiles."""

        def begun(level: int) -> bytearray:
            tile = unfinished(level, size)
            return bytearray(read(tile) if tile and read else b"")

        self.size = size
        self._tiles = [begun(level) for level in levels(size)]
        self._bundle = [bytes(begun(ENTRIES))]
        """In the pieces in which it came: full, it is joined once."""

    def extend(self, entries: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add leaves; yields every tile and bundle that is full now, a lower level before a higher one."""
        done = 0
        while done < len(entries):
            room = WIDTH - self.size % WIDTH
            some = entries[done : done + room]
            self._bundle.append(pack_entries(some))
            self.size += len(some)
            done += len(some)
            if self.size % WIDTH == 0:
                yield Tile(ENTRIES, self.size // WIDTH - 1), b"".join(self._bundle)
                self._bundle.clear()
            yield from self._push(0, leaf_hashes(some))

    def graft(self, root: bytes) -> Iterator[tuple[Tile, bytes]]:
        """Add STRETCH leaves at once whose own tiles are written; the tree ends where such a stretch does.

        Yields the tiles above them that are full now.
        """
        assert self.size % STRETCH == 0  # noqa: S101 - the caller's to know
        self.size += STRETCH
        while len(self._tiles) < _ABOVE_STRETCH:
            self._tiles.append(bytearray())
        yield from self._push(_ABOVE_STRETCH, root)

    def _push(self, level: int, hashes: bytes) -> Iterator[tuple[Tile, bytes]]:
        if level == len(self._tiles):
            self._tiles.append(bytearray())
        tile = self._tiles[level]
        tile += hashes
        if len(tile) == _FULL_BYTES:
            content = bytes(tile)
            tile.clear()
            yield Tile(level, (self.size >> 8 * (level + 1)) - 1), content
            yield from self._push(level + 1, perfect_root(content))

    def unfinished(self) -> Iterator[tuple[Tile, bytes]]:
        """Give the partial tiles and the partial bundle that a checkpoint of this size needs."""
        for level, content in ((ENTRIES, b"".join(self._bundle)), *enumerate(self._tiles)):
            tile = unfinished(level, self.size)
            if tile is not None:
                yield tile, bytes(content)

    def root(self) -> bytes:
        """Give the tree's root."""
        subtrees: list[bytes] = []
        for tile in reversed(self._tiles):
            hashes = bytes(tile)
            place, width = 0, len(hashes) // HASH_BYTES
            while place < width:
                count = 1 << ((width - place).bit_length() - 1)
                subtrees.append(perfect_root(hash_at(hashes, place, count)))
                place += count
        return fold_right(subtrees)
