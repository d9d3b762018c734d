"""Changes and their intervals, held against published values; the worst and the best improved grids."""

import pytest

from projections.indicators.figures import Counted, Figure, Key, figure_of
from projections.indicators.indicator import Indicator
from projections.indicators.registry import REGISTRY
from projections.reports.change import change, difference_interval, ratio_interval, verdict
from projections.reports.grids import best_improved, compared, worst

ON_TIME, FILED, REWORK = REGISTRY["on-time-rate"], REGISTRY["cases-filed"], REGISTRY["rework-rate"]
MONTHS = (30.0, 30.0)


def figure(indicator: Indicator, hits: int, of: int) -> Figure:
    return figure_of(indicator, Counted(of, hits, {}, 0, 0))


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        # Newcombe (1998), Table II, method 10, cases a, b, c and d
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_the_interval_of_a_difference_of_shares(
    now: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    interval = difference_interval(now, before)
    assert interval is not None
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


def test_the_interval_of_a_ratio_of_counts() -> None:
    interval = ratio_interval(100, 100, MONTHS)
    assert interval is not None
    assert interval.high is not None
    assert interval.low * interval.high == pytest.approx(1)
    assert 0.75 < interval.low < 0.77
    assert ratio_interval(0, 0, MONTHS) is None
    none_before = ratio_interval(8, 0, MONTHS)
    assert none_before is not None
    assert none_before.high is None
    half = ratio_interval(50, 100, (15.0, 30.0))
    assert half is not None
    assert half.high is not None
    assert half.low < 1 < half.high


def test_only_what_is_beyond_chance_is_better_or_worse() -> None:
    surely = change(ON_TIME, figure(ON_TIME, 560, 700), figure(ON_TIME, 480, 800), MONTHS)
    assert surely is not None
    assert surely.difference == pytest.approx(0.2)
    assert verdict(ON_TIME, surely) is True
    back = change(ON_TIME, figure(ON_TIME, 480, 800), figure(ON_TIME, 560, 700), MONTHS)
    assert verdict(ON_TIME, back) is False
    assert verdict(REWORK, change(REWORK, figure(REWORK, 56, 70), figure(REWORK, 48, 80), MONTHS)) is False
    chance = change(ON_TIME, figure(ON_TIME, 8, 10), figure(ON_TIME, 7, 10), MONTHS)
    assert chance is not None
    assert verdict(ON_TIME, chance) is None
    assert change(ON_TIME, figure(ON_TIME, 0, 0), figure(ON_TIME, 7, 10), MONTHS) is None
    assert change(FILED, figure(FILED, 0, 9), figure(FILED, 0, 0), MONTHS) is None


def test_counts_are_compared_by_the_day() -> None:
    running = change(FILED, figure(FILED, 0, 100), figure(FILED, 0, 200), (15.0, 30.0))
    assert running is not None
    assert running.difference == pytest.approx(0)
    assert not running.is_clear
    more = change(FILED, figure(FILED, 0, 300), figure(FILED, 0, 200), MONTHS)
    assert more is not None
    assert more.difference == pytest.approx(0.5)
    assert more.is_clear
    assert verdict(FILED, more) is None


def grids(**counts: tuple[int, int]) -> dict[Key, Figure]:
    return {(code,): figure(ON_TIME, *count) for code, count in counts.items()}


def test_the_worst_grids_are_surely_so() -> None:
    figures = grids(one_of_one=(0, 1), bad=(10, 40), few=(2, 10), fair=(30, 40), good=(40, 40), fine=(39, 40),
                    better=(38, 40))  # fmt: skip
    figures["",] = figure(ON_TIME, 0, 100)
    assert [grid.code for grid in worst(figures)] == ["bad", "few", "fair", "better", "fine"]
    assert compared(figures) == 6


def test_the_best_improved_grids_have_surely_improved() -> None:
    before = grids(much=(10, 40), little=(30, 40), few=(0, 10), less=(40, 40), new=(0, 2), same=(20, 40))
    now = grids(much=(38, 40), little=(33, 40), few=(8, 10), less=(10, 40), new=(40, 40), same=(20, 40),
                newer=(40, 40))  # fmt: skip
    found = best_improved(ON_TIME, now, before)
    assert [grid.code for grid in found] == ["much", "few", "little"]
    assert [bool(grid.change and grid.change.is_clear) for grid in found] == [True, True, False]
