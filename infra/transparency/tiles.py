"""Tiles: the pieces in which a log publishes its tree and its entries (C2SP tlog-tiles). Pure.

A tile holds up to 256 neighbouring hashes of one level; level n + 1 has the roots over the full tiles of
level n. A bundle holds the entries below one tile of level 0.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from domain.errors import Invalid
from infra.transparency.merkle import HASH_BYTES

WIDTH = 256
"""Hashes in a full tile."""
_WIDTH_BITS = 8
ENTRIES = -1
"""The level of entry bundles."""
MAX_ENTRY_BYTES = 0xFFFF
_MAX_LEVEL = 63

_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


class Tile(NamedTuple):
    """The name of a tile, or of an entry bundle."""

    level: int
    number: int
    width: int = WIDTH

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path; raises Invalid for anything but the one way in which a tile's path is written."""
        match = _PATH.fullmatch(path)
        if match is not None:
            level = ENTRIES if match[1] == "entries" else int(match[1])
            number = int(match[2].replace("/", "").replace("x", ""))
            tile = cls(level, number, int(match[3] or WIDTH))
            if tile.path == path and level <= _MAX_LEVEL and (match[3] is None or tile.width < WIDTH):
                return tile
        raise Invalid(f"{path!r} is not the path of a tile", rule="bad-tile", field="path")

    @property
    def path(self) -> str:
        """Where it lies below the log's address or folder."""
        kind = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{kind}/{_number_path(self.number)}{partial}"

    @property
    def end(self) -> int:
        """The size that a tree needs to have this tile."""
        return int((self.number * WIDTH + self.width) * WIDTH ** max(self.level, 0))

    @property
    def whole(self) -> "Tile":
        """The full tile of the same place."""
        return self._replace(width=WIDTH)


def _number_path(number: int) -> str:
    path = f"{number % 1000:03d}"
    while number >= 1000:
        number //= 1000
        path = f"x{number % 1000:03d}/{path}"
    return path


def unfinished(level: int, size: int) -> Tile | None:
    """Give the partial tile of a level in a tree of that size, None where there is none."""
    hashes = size >> (_WIDTH_BITS * max(level, 0))
    return Tile(level, hashes // WIDTH, hashes % WIDTH) if hashes % WIDTH else None


def levels(size: int) -> range:
    """Give the levels of a tree: those on which it has at least one hash."""
    return range(-(-size.bit_length() // _WIDTH_BITS))


def tile_with(level: int, index: int, size: int) -> tuple[Tile, int]:
    """Give the tile that holds a hash (or an entry) in a tree of that size, and its place in the tile."""
    number, place = divmod(index, WIDTH)
    partial = unfinished(level, size)
    if partial is not None and partial.number == number:
        return partial, place
    return Tile(level, number), place


def hash_at(tile: bytes, place: int, count: int = 1) -> bytes:
    """Cut hashes out of a tile."""
    return tile[place * HASH_BYTES : (place + count) * HASH_BYTES]


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """Write a bundle: each entry after its length (uint16, big-endian). Raises Invalid for one too long."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise Invalid(f"an entry of {len(entry)} bytes does not fit a log ({MAX_ENTRY_BYTES})")
        parts += (len(entry).to_bytes(2), entry)
    return b"".join(parts)


def unpack_entries(bundle: bytes) -> Iterator[bytes]:
    """Read a bundle; raises Invalid when it ends within an entry."""
    at = 0
    while at < len(bundle):
        start = at + 2
        at = start + int.from_bytes(bundle[at:start])
        if at > len(bundle):
            raise Invalid("an entry bundle is cut off")
        yield bundle[start:at]
