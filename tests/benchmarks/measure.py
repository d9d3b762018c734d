"""What a measure is: our figure, the one it is held against in the same run, and the limit.

Both sides do the same work on the same machine within seconds of each other, in turns (A B A B …), because
the machines are shared and noisy; what counts is the median of the pairs' ratios.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from statistics import median
from typing import NamedTuple, Protocol

from domain.errors import LiudanError


class Direction(Enum):
    """Which way a limit points."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


class Limit(NamedTuple):
    """The limit on the ratio ours / theirs, or on our own figure where nothing is held against it."""

    direction: Direction
    value: float

    def met_by(self, figure: float) -> bool:
        """Tell whether a figure is within the limit."""
        return figure >= self.value if self.direction is Direction.AT_LEAST else figure <= self.value


class Unavailable(LiudanError):
    """The measure cannot be made here; says what is missing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a measure works: a scratch folder of its own, and how much it is to do."""

    folder: Path
    quick: bool = False
    profile: Path | None = None
    """The file for a cProfile of our side."""

    def pick(self, full: int, quick: int) -> int:
        """Choose a size."""
        return quick if self.quick else full


class Figure(NamedTuple):
    """One run of one side: the figure that is compared, and what else is worth telling."""

    value: float
    more: tuple[tuple[str, float], ...] = ()


Run = Callable[[], Figure]


class Sides(NamedTuple):
    """The two things to run in turns; each call does the whole work once and gives its figure."""

    ours: Run
    theirs: Run | None = None


class Measure(Protocol):
    """One row of the table; its docstring says what exactly is compared."""

    name: str
    unit: str
    against: str
    limit: Limit

    def open(self, place: Place) -> AbstractContextManager[Sides]:
        """Prepare (services, data, a warm-up of both sides); raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a measure."""

    name: str
    unit: str
    against: str
    limit: Limit
    ours: tuple[Figure, ...] = ()
    theirs: tuple[Figure, ...] = ()
    skipped: str = ""
    """Why there are no figures."""
    failed: bool = False
    """Whether that is a fault, not a part that is missing here."""

    @property
    def our_figure(self) -> float:
        """The median of our runs."""
        return median(figure.value for figure in self.ours)

    @property
    def their_figure(self) -> float | None:
        """The median of their runs."""
        return median(figure.value for figure in self.theirs) if self.theirs else None

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours / theirs, pair by pair."""
        pairs = zip(self.ours, self.theirs, strict=bool(self.theirs))
        return tuple(ours.value / theirs.value for ours, theirs in pairs)

    @property
    def compared(self) -> float:
        """What the limit is about: the median ratio, or our own figure where there is no other side."""
        return median(self.ratios) if self.theirs else self.our_figure

    @property
    def met(self) -> bool:
        """Whether the limit is kept."""
        return self.limit.met_by(self.compared)

    @property
    def more(self) -> dict[str, float]:
        """Medians of what else our runs tell."""
        names = [name for name, _ in self.ours[0].more] if self.ours else []
        return {name: median(dict(figure.more)[name] for figure in self.ours) for name in names}


def percentile(sample: Sequence[float], share: float) -> float:
    """Give the smallest value that at least `share` (0 to 1) of the sample does not exceed."""
    ordered = sorted(sample)
    rank = max(1, -(-len(ordered) * round(share * 10_000) // 10_000))
    return ordered[rank - 1]
