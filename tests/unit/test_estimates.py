"""Intervals, quantiles of what is partly unfinished, and rankings that one case cannot lead."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from projections.indicators.estimates import quantiles, wilson
from projections.indicators.figures import Counted, Figure, Key, figure_of
from projections.indicators.ranking import rank
from projections.indicators.registry import REGISTRY


def test_wilson_as_published() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    for hits, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
                                (1, 29, 0.0061, 0.1718)):  # fmt: skip
        interval = wilson(hits, of)
        assert interval is not None
        assert interval == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) is None


def test_kaplan_and_meiers_own_example() -> None:
    # Kaplan & Meier 1958: deaths at 0.8, 3.1, 5.4, 9.2; losses at 1.0, 2.7, 7.0, 12.1
    months = [
        (8, True),
        (31, True),
        (54, True),
        (92, True),
        (10, False),
        (27, False),
        (70, False),
        (121, False),
    ]
    found = quantiles(months)
    assert found.p50 == 92  # survival 0.875, 0.7, 0.525, 0.2625
    assert found.p90 is None


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_without_censoring_it_is_the_lower_median(seconds: list[int]) -> None:
    found = quantiles((one, True) for one in seconds)
    assert found.p50 == statistics.median_low(seconds)
    assert found.p90 is not None
    assert found.p90 >= found.p50
    assert found.p50_low is not None
    assert found.p50_low <= found.p50


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=40))
def test_what_is_unfinished_never_makes_it_shorter(durations: list[tuple[int, bool]]) -> None:
    finished = quantiles((seconds, True) for seconds, _ in durations)
    censored = quantiles(durations)
    if censored.p50 is not None:
        assert finished.p50 is not None
        assert censored.p50 >= finished.p50


def share(hits: int, of: int, name: str = "on-time-rate") -> Figure:
    return figure_of(REGISTRY[name], Counted(of, hits, {}, 0, 0))


def test_an_office_with_one_case_does_not_lead() -> None:
    figures: dict[Key, Figure] = {
        ("a",): share(1, 1),
        ("b",): share(95, 100),
        ("c",): share(880, 1000),
        ("d",): share(40, 40),
    }
    ranking = rank(REGISTRY["on-time-rate"], figures)
    assert ranking.too_few == (("a",),)
    assert ranking.places == {("d",): 1, ("b",): 2, ("c",): 3}
    # where less is better, the upper end counts
    figures = {("few",): share(0, 31, "rework-rate"), ("many",): share(40, 1000, "rework-rate")}
    assert rank(REGISTRY["rework-rate"], figures).places == {("many",): 1, ("few",): 2}
    assert rank(REGISTRY["rework-rate"], figures, 32).too_few == (("few",),)


@pytest.mark.parametrize("name", ["backlog", "cases-filed", "solved-at-grid", "first-handler-load"])
def test_what_is_no_merit_is_not_ranked(name: str) -> None:
    with pytest.raises(Invalid):
        rank(REGISTRY[name], {})
