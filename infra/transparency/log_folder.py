"""Where a log's files lie: the tree for anybody to read, and what only its writer needs."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from domain.errors import Halted
from infra.transparency.merkle import HASH_BYTES
from infra.transparency.tiles import ENTRIES, Tile, pack_entries, unpack_entries

_TILES_KEPT = 1024
"""Full tiles of hashes that are kept in memory: 8 MiB."""


class LogFolder:
    """One log's folder, laid out as tlog-tiles lays out addresses, so that any web server can serve it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._full_tile = lru_cache(_TILES_KEPT)(self._read)

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint."""
        return self.folder / "checkpoint"

    @property
    def witnessed(self) -> Path:
        """The newest checkpoint that witnesses have signed, too."""
        return self.folder / "checkpoint.witnessed"

    @property
    def positions(self) -> Path:
        """Which leaf is which position in the event store, see `PositionRuns`."""
        return self.folder / "positions"

    @property
    def verifier_key(self) -> Path:
        """The public key, for those who have no other way to get it."""
        return self.folder / "verifier.key"

    @property
    def lock(self) -> Path:
        """Locked by whoever writes the log."""
        return self.folder / ".writer.lock"

    def path(self, tile: Tile) -> Path:
        """Give the file of a tile."""
        return self.folder / tile.path

    def read(self, tile: Tile) -> bytes:
        """Read a tile or bundle. A partial one may have been replaced by the full one, which begins with it.

        Raises Halted when it is missing or has another size than it must.
        """
        if tile == tile.whole:
            return self._read(tile) if tile.level == ENTRIES else self._full_tile(tile)
        with suppress(FileNotFoundError):
            return self._checked(tile, self.path(tile).read_bytes())
        return beginning(tile, self.read(tile.whole))

    def _read(self, tile: Tile) -> bytes:
        try:
            return self._checked(tile, self.path(tile).read_bytes())
        except FileNotFoundError:
            raise Halted(f"the transparency log lacks {self.path(tile)}: restore it from a backup") from None

    def _checked(self, tile: Tile, content: bytes) -> bytes:
        if tile.level != ENTRIES and len(content) != tile.width * HASH_BYTES:
            raise Halted(f"{self.path(tile)} is damaged: it has {len(content)} bytes")
        return content

    def forget_partial(self, full: Tile) -> None:
        """Remove the partial tiles of a place whose full tile is durable; clients take that one."""
        folder = Path(f"{self.path(full)}.p")
        if not folder.is_dir():  # as nearly always: cheaper than to be told so
            return
        with suppress(FileNotFoundError):
            for partial in list(folder.iterdir()):
                partial.unlink()
            folder.rmdir()


def beginning(tile: Tile, wider: bytes) -> bytes:
    """Cut what a partial tile has out of a wider one of the same place."""
    if tile.level != ENTRIES:
        return wider[: tile.width * HASH_BYTES]
    entries = list(unpack_entries(wider))
    return pack_entries(entries[: tile.width])
