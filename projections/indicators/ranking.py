"""Who is better: only those with enough cases, by the end of the interval that speaks against them.

A unit with one case of one is not the best one: its share is 100 %, but it may as well be 21 % (Wilson). So
those are compared by what they reach at the least, and those with too few cases are named apart.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from domain.errors import Invalid
from projections.indicators.figures import Figure, Key
from projections.indicators.indicator import Direction, Indicator, Unit

MINIMUM_CASES = 30


class Ranking(NamedTuple):
    """Places from 1; equals share one. `too_few` have less than the minimum."""

    places: Mapping[Key, int]
    too_few: tuple[Key, ...]


def rank(indicator: Indicator, figures: Mapping[Key, Figure], minimum: int = MINIMUM_CASES) -> Ranking:
    """Rank groups by the lower end of the interval where more is better, else by the upper one.

    Raises Invalid for an indicator that is a count, or of which more is neither better nor worse.
    """
    if indicator.unit is Unit.COUNT or indicator.direction is Direction.NEUTRAL:
        raise Invalid(f"{indicator.key} is no measure to rank by", rule="not-ranked", field="rank")
    enough = {key: figure for key, figure in figures.items() if figure.counted.included >= minimum}
    worst = {key: _worst(indicator, figure) for key, figure in enough.items()}
    return Ranking(
        places={key: 1 + sum(other < mine for other in worst.values()) for key, mine in worst.items()},
        too_few=tuple(key for key in figures if key not in enough),
    )


def _worst(indicator: Indicator, figure: Figure) -> float:
    """The smaller the better."""
    if figure.interval is None:
        return inf
    if indicator.direction is Direction.HIGHER:
        return -figure.interval.low
    return inf if figure.interval.high is None else figure.interval.high
