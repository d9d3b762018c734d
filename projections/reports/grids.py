"""The worst grids, and those that have improved most: only with enough cases, and beyond chance first.

The worst are those whose share is at best the lowest (the upper end of Wilson's interval); the best improved
those whose improvement is at least the largest (the lower end of Newcombe's interval of the difference).
"""

from collections.abc import Mapping
from typing import NamedTuple

from projections.indicators.figures import Figure, Key
from projections.indicators.indicator import Indicator
from projections.reports.change import Change, change

MINIMUM_CASES = 10
"""In each of the periods. Fewer say nothing."""
SHOWN = 5


class Grid(NamedTuple):
    """A grid with its figure, and what that has become since the period before."""

    code: str
    figure: Figure
    change: Change | None


def worst(figures: Mapping[Key, Figure], minimum: int = MINIMUM_CASES) -> list[Grid]:
    """Give the five that are surely the worst, of a share of which more is better."""
    enough = [
        (figure.interval.high or 0, key[0], figure)
        for key, figure in figures.items()
        if key[0] and figure.interval and figure.counted.included >= minimum
    ]
    return [Grid(code, figure, None) for _, code, figure in sorted(enough, key=lambda one: one[:2])[:SHOWN]]


def best_improved(
    indicator: Indicator,
    now: Mapping[Key, Figure],
    before: Mapping[Key, Figure],
    minimum: int = MINIMUM_CASES,
) -> list[Grid]:
    """Give the five that have surely improved most; none whose share has not risen."""
    improved = []
    for key, figure in now.items():
        was = before.get(key)
        if not key[0] or was is None or min(figure.counted.included, was.counted.included) < minimum:
            continue
        change_ = change(indicator, figure, was, (1, 1))
        if change_ and change_.interval and change_.difference > 0:
            improved.append((-change_.interval.low, key[0], Grid(key[0], figure, change_)))
    return [grid for *_, grid in sorted(improved, key=lambda one: one[:2])[:SHOWN]]


def compared(figures: Mapping[Key, Figure], minimum: int = MINIMUM_CASES) -> int:
    """How many grids have enough cases."""
    return sum(key[0] != "" and figure.counted.included >= minimum for key, figure in figures.items())
