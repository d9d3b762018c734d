"""What a figure has become: the change from an earlier period, and whether it is more than chance.

Shares are compared by Newcombe's interval of a difference (1998, his method 10, made of Wilson's intervals),
counts by the interval of the ratio of two rates, given their sum (Wilson's interval of its share). Medians
and snapshots change without an interval.
"""

from math import hypot
from typing import NamedTuple

from projections.indicators.estimates import Interval, wilson
from projections.indicators.figures import Figure
from projections.indicators.indicator import Direction, Indicator, Unit


class Change(NamedTuple):
    """From an earlier figure to a later one."""

    before: float
    difference: float
    """Of shares in hundredths of 1 = 100 %, so 0.02 is 2 percentage points; else as a share of `before`."""
    interval: Interval | None
    """95 % of `difference`."""

    @property
    def is_clear(self) -> bool:
        """Whether it is more than chance."""
        if self.interval is None:
            return False
        return self.interval.low > 0 or (self.interval.high is not None and self.interval.high < 0)


def change(indicator: Indicator, now: Figure, before: Figure, days: tuple[float, float]) -> Change | None:
    """Compare two figures whose periods have so many `days`, now and before; None where one has no value."""
    if now.value is None or before.value is None:
        return None
    if indicator.unit is Unit.SHARE:
        interval = difference_interval(
            (now.numerator, now.counted.included), (before.numerator, before.counted.included)
        )
        return Change(before.value, now.value - before.value, interval)
    if before.value == 0:
        return None
    relative = now.value / before.value - 1
    if indicator.unit is Unit.COUNT and not indicator.snapshot:
        per_day = relative if days[0] == days[1] else (relative + 1) * days[1] / days[0] - 1
        ratio = ratio_interval(now.numerator, before.numerator, days)
        return Change(before.value, per_day, ratio and _less_one(ratio))
    return Change(before.value, relative, None)


def verdict(indicator: Indicator, change: Change | None) -> bool | None:
    """Whether it has become better; None where that cannot be said."""
    if change is None or not change.is_clear or indicator.direction is Direction.NEUTRAL:
        return None
    return (change.difference > 0) is (indicator.direction is Direction.HIGHER)


def difference_interval(now: tuple[int, int], before: tuple[int, int]) -> Interval | None:
    """Give the 95 % interval of the difference of two shares, each (hits, of); None of nothing."""
    later, earlier = wilson(*now), wilson(*before)
    if later is None or earlier is None or later.high is None or earlier.high is None:
        return None
    share, was = now[0] / now[1], before[0] / before[1]
    return Interval(
        share - was - hypot(share - later.low, earlier.high - was),
        share - was + hypot(later.high - share, was - earlier.low),
    )


def ratio_interval(now: int, before: int, days: tuple[float, float]) -> Interval | None:
    """Give the 95 % interval of the ratio of two rates, of counts over so many days; None of nothing."""
    share = wilson(now, now + before)
    if share is None or share.high is None:
        return None
    scale = days[1] / days[0]
    return Interval(_odds(share.low) * scale, _odds(share.high) * scale if before else None)


def _odds(share: float) -> float:
    return share / (1 - share)


def _less_one(ratio: Interval) -> Interval:
    return Interval(ratio.low - 1, None if ratio.high is None else ratio.high - 1)
