"""The test for rising concerns, held against exact arithmetic and published values."""

from collections.abc import Sequence
from fractions import Fraction
from math import comb

import pytest

from projections.reports.spikes import (
    Sample,
    Series,
    at_least,
    dispersion,
    false_discovery_rates,
    p_value,
    series_of,
    spikes,
)

QUIET = [9, 11, 10, 8, 12, 10, 9, 11, 10, 10, 8, 12]


def series(now: int, before: Sequence[int], days: float = 30.0) -> Series[str]:
    return Series("roads", Sample(now, days), [Sample(cases, 30.0) for cases in before])


def binomial_tail(hits: int, of: int, share: Fraction) -> Fraction:
    return sum((comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(hits, of + 1)), Fraction())


@pytest.mark.parametrize("now", [1, 5, 12, 30, 200])
@pytest.mark.parametrize("before", [[0, 0, 0], QUIET, [100, 90, 110]])
def test_without_overdispersion_it_is_the_conditional_test_of_two_poisson_rates(
    now: int, before: Sequence[int]
) -> None:
    exact = binomial_tail(now, now + sum(before), Fraction(1, 1 + len(before)))
    assert p_value(series(now, before), 1.0) == pytest.approx(float(exact), rel=1e-9)


def test_the_days_of_a_running_period_count() -> None:
    exact = binomial_tail(8, 8 + 120, Fraction(10, 10 + 360))
    assert p_value(series(8, QUIET, days=10.0), 1.0) == pytest.approx(float(exact), rel=1e-9)


def test_negative_binomial_tails() -> None:
    # size 2, share 1/2: P(X = k) = (k + 1) / 2 ** (k + 2)
    for k in range(40):
        exact = 1 - sum(Fraction(j + 1, 2 ** (j + 2)) for j in range(k))
        assert at_least(k, mean=2.0, variance_ratio=2.0) == pytest.approx(float(exact), rel=1e-9)


def test_counts_that_vary_more_than_chance_make_a_spike_less_certain() -> None:
    wild = [2, 25, 4, 18, 1, 22, 6, 3, 20, 2, 15, 2]
    assert dispersion([series(30, wild)]) == pytest.approx(sum((cases - 10) ** 2 / 10 for cases in wild) / 11)
    assert p_value(series(30, wild), dispersion([series(30, wild)])) > 100 * p_value(series(30, wild), 1.0)
    assert dispersion([series(10, [10, 10, 10])]) == 1.0
    assert dispersion([series(10, [])]) == 1.0


def test_false_discovery_rates_of_benjamini_and_hochberg() -> None:
    # the 15 p-values of their paper's example (1995): at 5 % the first four are rejected
    paper = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
             0.6528, 0.7590, 1.0]  # fmt: skip
    rates = false_discovery_rates(paper)
    assert [rate <= 0.05 for rate in rates] == [True] * 4 + [False] * 11
    assert rates[0] == pytest.approx(0.0015)
    assert rates[3] == pytest.approx(0.0095 * 15 / 4)
    assert false_discovery_rates(list(reversed(paper))) == list(reversed(rates))
    assert false_discovery_rates([]) == []


def test_what_rises_is_found_among_what_does_not() -> None:
    now = {f"c{n}": 10 for n in range(50)} | {"gas": 31, "new": 9}
    earlier = [({f"c{n}": 10 + (n + month) % 5 - 2 for n in range(50)} | {"gas": 10}, 30.0)
               for month in range(12)]  # fmt: skip
    found = spikes(series_of(now, 31.0, earlier))
    assert {spike.key for spike in found} == {"new", "gas"}
    gas = next(spike for spike in found if spike.key == "gas")
    assert gas.expected == pytest.approx(121 / 360 * 31)
    assert gas.ratio == pytest.approx(31 / gas.expected)
    assert gas.p < gas.q <= 0.05


def test_small_counts_and_short_histories_are_not_reported() -> None:
    assert spikes(series_of({"rare": 4}, 30.0, [({}, 30.0)] * 12)) == []
    assert spikes(series_of({"rare": 5}, 30.0, [({}, 30.0)] * 12)) != []
    assert spikes(series_of({"rare": 500}, 30.0, [({"rare": 1}, 30.0)] * 2)) == []
    assert spikes([]) == []
