"""Which leaf is which event: positions in the event store rise but may have holes, leaves have none.

A file beside the tiles keeps, for every run of positions without a hole, its first leaf and its first
position. It could be made anew from the store at any time.
"""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from struct import Struct

_RUN = Struct(">QQ")


class PositionRuns:
    """The runs of a tree of `size` leaves."""

    def __init__(self, size: int = 0, content: bytes = b"") -> None:
        """Take up what is in a file; runs that begin behind the tree's end were never published."""
        whole = content[: len(content) // _RUN.size * _RUN.size]
        runs = [run for run in _RUN.iter_unpack(whole) if run[0] < size]
        self._leaves: list[int] = [leaf for leaf, _ in runs]
        self._positions: list[int] = [position for _, position in runs]
        self.size = size
        self._saved = len(runs)
        self._is_saved = len(content) == len(runs) * _RUN.size

    @property
    def knows_all(self) -> bool:
        """Whether the file began at the first leaf, so that it can tell of every one."""
        return self.size == 0 or self._leaves[:1] == [0]

    @property
    def last_position(self) -> int:
        """The position of the last leaf, 0 for an empty tree."""
        return self.position_of(self.size - 1) if self.size else 0

    def position_of(self, leaf: int) -> int:
        """Give the position of a leaf of the tree."""
        run = bisect_right(self._leaves, leaf) - 1
        return self._positions[run] + leaf - self._leaves[run]

    def leaf_of(self, position: int) -> int | None:
        """Give the leaf of a position that the store holds, None when the tree does not reach there."""
        run = bisect_right(self._positions, position) - 1
        if run < 0:
            return None
        leaf = self._leaves[run] + position - self._positions[run]
        end = self._leaves[run + 1] if run + 1 < len(self._leaves) else self.size
        return leaf if leaf < end else None

    def leaves_upto(self, position: int) -> int:
        """Count the leaves at or before a position."""
        run = bisect_right(self._positions, position) - 1
        if run < 0:
            return 0
        end = self._leaves[run + 1] if run + 1 < len(self._leaves) else self.size
        return min(self._leaves[run] + position - self._positions[run] + 1, end)

    def extend(self, positions: Sequence[int]) -> None:
        """Add the positions of the next leaves."""
        if not positions:
            return
        expected = self.last_position + 1 if self.size else None
        if positions[0] == expected and positions[-1] - positions[0] == len(positions) - 1:
            self.size += len(positions)
            return
        for position in positions:
            if position != expected:
                self._leaves.append(self.size)
                self._positions.append(position)
            self.size += 1
            expected = position + 1

    def ranges(self) -> list[range]:
        """Give the positions of all leaves, run by run."""
        ends = [*self._leaves[1:], self.size]
        runs = zip(self._leaves, ends, self._positions, strict=True)
        return [range(position, position + end - leaf) for leaf, end, position in runs]

    def save(self, path: Path) -> bool:
        """Bring the file up to date; tells whether it was not. Raises OSError."""
        if self._is_saved and self._saved == len(self._leaves):
            return False
        with path.open("r+b" if path.exists() else "wb") as file:
            file.seek(self._saved * _RUN.size)
            file.truncate()
            new = zip(self._leaves[self._saved :], self._positions[self._saved :], strict=True)
            file.write(b"".join(_RUN.pack(*run) for run in new))
        self._saved, self._is_saved = len(self._leaves), True
        return True
