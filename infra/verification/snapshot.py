"""The log as it is when comparing begins; what comes after is not looked at."""

from collections.abc import Iterator
from typing import NamedTuple

from infra.transparency.checkpoint import Checkpoint
from infra.transparency.log_reader import LogReader
from infra.transparency.position_runs import PositionRuns
from infra.transparency.tiles import WIDTH


class Share(NamedTuple):
    """One of several parts of the leaves, as equal as whole bundles allow."""

    number: int = 0
    shares: int = 1

    def of(self, leaves: range) -> range:
        """Give the leaves of the share; they begin where a bundle does."""
        bundles = -(-len(leaves) // WIDTH)
        start, end = (bundles * n // self.shares * WIDTH for n in (self.number, self.number + 1))
        return leaves[start:end]


ALL = Share()


class Snapshot(NamedTuple):
    """One checkpoint, the leaves below it from `first` on, and which events these are."""

    log: LogReader
    checkpoint: Checkpoint
    runs: PositionRuns
    first: int = 0
    """The first leaf that is compared."""

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self.checkpoint.size

    @property
    def last_position(self) -> int:
        """The position in the event store of the last leaf, 0 for an empty log."""
        return self.runs.last_position

    @property
    def leaves(self) -> range:
        """The leaves that are compared."""
        return range(self.first, self.size)

    def bundles(self, share: Share = ALL) -> Iterator[tuple[int, list[bytes]]]:
        """Give the entries of a share that are compared, with the leaf that each stretch begins with."""
        leaves = share.of(self.leaves)
        at = leaves.start
        while at < leaves.stop:
            entries = self.log.entries(at, self.size)
            yield at, entries
            at += len(entries)

    def since(self, position: int) -> "Snapshot":
        """Leave out what lies at or before a position of the event store, down to a full bundle."""
        before = self.runs.leaves_upto(position)
        return self._replace(first=min(before, self.size) // WIDTH * WIDTH)
