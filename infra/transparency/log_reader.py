"""Reads a transparency log and proves from it. It never writes; any number may read while one writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from domain.errors import Invalid, NotFound, Transient
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.log_folder import LogFolder, beginning
from infra.transparency.merkle import (
    Stretch,
    consistency_stretches,
    fold_right,
    inclusion_stretches,
    perfect_root,
    perfect_subtrees,
)
from infra.transparency.position_runs import PositionRuns
from infra.transparency.signed_note import SignedNote, VerifierKey
from infra.transparency.tiles import ENTRIES, WIDTH, Tile, hash_at, tile_with, unpack_entries

_TILE_HEIGHT = 8


class LogNotBegun(Transient):
    """No checkpoint has been published yet."""


class Head(NamedTuple):
    """A checkpoint, as the note that was signed and as what it says."""

    note: SignedNote
    checkpoint: Checkpoint


class LogReader:
    """One log, as far as its checkpoints reach."""

    def __init__(self, folder: LogFolder) -> None:
        self.folder = folder

    def verifier_key(self) -> VerifierKey:
        """Give the log's own statement of its key; raises LogNotBegun."""
        return VerifierKey.parse(_present(self.folder.verifier_key).decode())

    def head(self) -> Head:
        """Give the newest checkpoint, with witnesses' signatures where it has some; raises LogNotBegun."""
        newest = _head(_present(self.folder.checkpoint))
        witnessed = self.witnessed_head()
        return witnessed if witnessed and witnessed.checkpoint == newest.checkpoint else newest

    def witnessed_head(self) -> Head | None:
        """Give the newest checkpoint that witnesses have signed, None when there is none."""
        try:
            return _head(self.folder.witnessed.read_bytes())
        except FileNotFoundError:
            return None

    def head_over(self, leaf: int) -> Head | None:
        """Give the checkpoint to prove a leaf with: a witnessed one if it reaches there, else the newest."""
        witnessed = self.witnessed_head()
        head = witnessed if witnessed and witnessed.checkpoint.size > leaf else self.head()
        return head if head.checkpoint.size > leaf else None

    def tile(self, tile: Tile) -> bytes:
        """Give a tile or bundle that the newest checkpoint covers; raises NotFound for any other."""
        if tile.end > self.head().checkpoint.size:
            raise NotFound(f"the log does not have {tile.path} yet", rule="no-such-tile", field="path")
        return self.folder.read(tile)

    def as_it_was(self, tile: Tile) -> bytes:
        """Give a tile of a smaller tree than the newest, whether or not that one was ever published."""
        if tile == tile.whole:
            return self.folder.read(tile)
        wider, _ = tile_with(tile.level, tile.number * WIDTH, self._newest())
        return beginning(tile, self.folder.read(wider))

    def entries(self, start: int, size: int) -> list[bytes]:
        """Give the entries from leaf `start` to the end of its bundle in a tree of `size` leaves."""
        tile, place = tile_with(ENTRIES, start, size)
        if tile != tile.whole:
            tile, place = tile_with(ENTRIES, start, self._newest())
        end = size - start + place
        return list(unpack_entries(self.folder.read(tile)))[place:end]

    def entry(self, leaf: int, size: int) -> bytes:
        """Give one entry of the tree of `size` leaves."""
        _check_leaf(leaf, size)
        return self.entries(leaf, size)[0]

    def inclusion(self, leaf: int, size: int) -> list[bytes]:
        """Prove that a leaf is in the tree of `size` leaves, from its sibling upwards; raises Invalid."""
        _check_leaf(leaf, size)
        return self._hashes(inclusion_stretches(leaf, size))

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Prove that the tree of `first` leaves is the beginning of that of `second`; raises Invalid."""
        if not 0 <= first <= second:
            raise Invalid(f"a tree of {first} leaves is not the beginning of one of {second}", field="from")
        return self._hashes(consistency_stretches(first, second))

    def root(self, size: int) -> bytes:
        """Compute the root of the tree of `size` leaves."""
        return self._hashes([(0, size)])[0]

    def positions(self) -> PositionRuns:
        """Say which leaf is which position in the event store, as far as the newest checkpoint reaches."""
        return self.positions_of(self.head().checkpoint.size)

    def positions_of(self, size: int) -> PositionRuns:
        """As `positions`, for the tree of `size` leaves."""
        return PositionRuns(size, _present(self.folder.positions) if size else b"")

    def _newest(self) -> int:
        """The size whose tiles are there: a smaller tree's own partial tiles may never have been written."""
        return self.head().checkpoint.size

    def _hashes(self, stretches: Sequence[Stretch]) -> list[bytes]:
        newest = self._newest()
        return [
            fold_right([self._subtree(height, place, newest) for height, place in perfect_subtrees(*stretch)])
            for stretch in stretches
        ]

    def _subtree(self, height: int, place: int, newest: int) -> bytes:
        level, extra = divmod(height, _TILE_HEIGHT)
        tile, at = tile_with(level, place << extra, newest)
        return perfect_root(hash_at(self.folder.read(tile), at, 1 << extra))


def _head(raw: bytes) -> Head:
    note = SignedNote.parse(raw)
    return Head(note, Checkpoint.parse(note.text))


def _present(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise LogNotBegun(
            f"the transparency log in {path.parent} has not begun: start `liudan transparency`"
        ) from None


def _check_leaf(leaf: int, size: int) -> None:
    if not 0 <= leaf < size:
        raise Invalid(f"the log has no entry {leaf} among its {size}", rule="no-such-entry", field="index")
