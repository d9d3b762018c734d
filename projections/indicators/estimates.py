"""How sure a figure is: Wilson's interval of a share, and Kaplan–Meier quantiles of durations.

Kaplan and Meier (1958) let what is not finished count for as long as it has been seen: leaving it out, or
taking its age for its duration, would make a unit look quick that finishes only what is easy.
"""

from collections.abc import Iterable
from math import inf, log, sqrt
from typing import NamedTuple

Z = 1.959964
"""Two-sided 95 % of the normal distribution."""
NEARLY = 1e-9
"""Sums of logarithms that differ by less are the same: adding up in another order must change nothing."""
NINE_TENTHS_DONE = log(0.1)


class Interval(NamedTuple):
    """From `low` to `high`, 95 %; `high` None where it is open."""

    low: float
    high: float | None


class Quantiles(NamedTuple):
    """In seconds, None where too few are finished to say."""

    p50: int | None
    p90: int | None
    p50_low: int | None
    p50_high: int | None


NO_QUANTILES = Quantiles(None, None, None, None)


def wilson(hits: int, of: int) -> Interval | None:
    """Give the 95 % interval of a share (Wilson 1927); None of nothing."""
    if of == 0:
        return None
    share, spread = hits / of, Z * Z / of
    centre = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def quantiles(durations: Iterable[tuple[int, bool]]) -> Quantiles:
    """Estimate from (seconds, whether finished): the first duration by which so many are done.

    The interval of the median takes in the quantiles that are half a 95 % interval of a share of one half
    to either side of it.
    """
    ordered = sorted((seconds, not finished) for seconds, finished in durations)
    left, survived = len(ordered), 0.0
    if left == 0:
        return NO_QUANTILES
    wanted = thresholds(left)
    found: list[int | None] = [None] * len(wanted)
    for seconds, censored in ordered:
        if not censored:
            survived += log(1 - 1 / left) if left > 1 else -inf
        left -= 1
        for n, threshold in enumerate(wanted):
            if found[n] is None and survived <= threshold + NEARLY:
                found[n] = seconds
    return Quantiles(*found)


def thresholds(number: int) -> tuple[float, float, float, float]:
    """Give the logarithms of survival that p50, p90 and the ends of the median's interval stand for."""
    half = Z / 2 / sqrt(number)
    low, high = min(1.0, 0.5 + half), 0.5 - half
    return log(0.5), NINE_TENTHS_DONE, log(low), log(high) if high > 0 else -inf
