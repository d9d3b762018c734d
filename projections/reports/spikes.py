"""Which counts rise beyond chance: an exact test of a period's count against those of earlier periods.

The expected count follows from the rate of the baseline, earlier periods of the same length, by their days.
What is counted varies more from month to month than pure chance (Poisson) would make it; how much more is
estimated from all series together (Pearson's statistic over its degrees of freedom, at least 1). With that
dispersion the count is negative binomial around its expectation, whose own uncertainty is in it, and the
test is the exact probability of at least so many. Without overdispersion it is the conditional test of two
Poisson rates of Przyborowski and Wilenski (1940). As many series are tested at once, Benjamini and Hochberg
(1995) keep the expected share of false alarms among those reported below 5 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, lgamma, log, log1p
from typing import Generic, NamedTuple, TypeVar

FALSE_ALARMS = 0.05
"""The share of false alarms among those reported that is accepted."""
MINIMUM_COUNT = 5
"""Fewer cases are not reported, however rare they were before."""
MINIMUM_BASELINE = 3
"""With fewer earlier periods nothing is tested."""
_NEGLIGIBLE = 1e-17

Key = TypeVar("Key")


class Sample(NamedTuple):
    """So many cases in so many days."""

    cases: int
    days: float


@dataclass(frozen=True, slots=True)
class Series(Generic[Key]):
    """What is tested: a count now, and those before."""

    key: Key
    now: Sample
    baseline: Sequence[Sample]

    @property
    def rate(self) -> float:
        """Expected cases a day; one case more than were seen, so that nothing is impossible."""
        return (sum(one.cases for one in self.baseline) + 1) / self.baseline_days

    @property
    def baseline_days(self) -> float:
        """Days of the baseline."""
        return fsum(one.days for one in self.baseline)


class Spike(NamedTuple, Generic[Key]):
    """A count that has been tested."""

    key: Key
    cases: int
    expected: float
    p: float
    """The probability of at least so many when nothing has changed."""
    q: float
    """The smallest share of false alarms at which it would be reported."""

    @property
    def ratio(self) -> float:
        """How many times as many as expected."""
        return self.cases / self.expected


def spikes(series: Sequence[Series[Key]]) -> list[Spike[Key]]:
    """Give those that rise beyond chance, the most certain first; see the module for the method."""
    tested = [one for one in series if len(one.baseline) >= MINIMUM_BASELINE]
    spread = dispersion(tested)
    chances = [p_value(one, spread) for one in tested]
    found = [
        Spike(one.key, one.now.cases, one.rate * one.now.days, p, q)
        for one, p, q in zip(tested, chances, false_discovery_rates(chances), strict=True)
    ]
    rising = [spike for spike in found if spike.q <= FALSE_ALARMS and spike.cases >= MINIMUM_COUNT]
    return sorted(rising, key=lambda spike: (spike.p, -spike.cases, str(spike.key)))


def dispersion(series: Sequence[Series[Key]]) -> float:
    """How many times the variance of counts exceeds that of pure chance, over all baselines; at least 1."""
    statistic, freedom = 0.0, 0
    for one in filter(lambda one: one.baseline, series):
        mean = sum(sample.cases for sample in one.baseline) / one.baseline_days
        if mean > 0:
            expected = [(sample.cases, mean * sample.days) for sample in one.baseline]
            statistic += fsum((count - wanted) ** 2 / wanted for count, wanted in expected)
            freedom += len(expected) - 1
    return max(1.0, statistic / freedom) if freedom else 1.0


def p_value(series: Series[Key], spread: float) -> float:
    """Give the probability of at least the count that is seen now, when nothing has changed."""
    expected = series.rate * series.now.days
    # variance over mean: the spread of a count, and of the rate that is expected of it
    excess = spread * (1 + series.now.days / series.baseline_days)
    return at_least(series.now.cases, mean=expected, variance_ratio=excess)


def at_least(count: int, *, mean: float, variance_ratio: float) -> float:
    """Give P(X >= count) of a negative binomial X by its mean and the ratio of variance to mean, above 1.

    Summed term by term away from the smaller tail, so that it is exact to the last digits of a float.
    """
    if count <= 0:
        return 1.0
    size, share = mean / (variance_ratio - 1), 1 / variance_ratio

    def term(k: int) -> float:
        return exp(lgamma(k + size) - lgamma(size) - lgamma(k + 1) + size * log(share) + k * log1p(-share))

    if count <= mean:
        return max(0.0, 1 - fsum(map(term, range(count))))
    first = tail = term(count)
    k = count
    while first > tail * _NEGLIGIBLE:
        first *= (k + size) / (k + 1) * (1 - share)
        tail += first
        k += 1
    return min(1.0, tail)


def false_discovery_rates(chances: Sequence[float]) -> list[float]:
    """Adjust p-values of many tests by Benjamini and Hochberg (1995)."""
    order = sorted(range(len(chances)), key=lambda n: chances[n], reverse=True)
    adjusted: dict[int, float] = {}
    smallest = 1.0
    for rank, n in zip(range(len(order), 0, -1), order, strict=True):
        smallest = min(smallest, chances[n] * len(chances) / rank)
        adjusted[n] = smallest
    return [adjusted[n] for n in range(len(chances))]


def series_of(
    now: Mapping[Key, int], days: float, earlier: Sequence[tuple[Mapping[Key, int], float]]
) -> list[Series[Key]]:
    """Put counts by key together; a key that is missing in a period counted nothing there."""
    keys = {*now, *(key for counts, _ in earlier for key in counts)}
    return [
        Series(
            key,
            Sample(now.get(key, 0), days),
            tuple(Sample(counts.get(key, 0), length) for counts, length in earlier),
        )
        for key in sorted(keys, key=str)
    ]
