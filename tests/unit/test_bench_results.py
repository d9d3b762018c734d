"""The arithmetic of `liudan bench`: medians of pairs, limits, percentiles, and what the report says."""

import io
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from rich.console import Console

from tests.benchmarks.measure import Direction, Figure, Limit, Measure, Place, Result, Sides, percentile
from tests.benchmarks.registry import MEASURES
from tests.benchmarks.report import as_json, print_table
from tests.benchmarks.run import in_turns, run_all

AT_LEAST_2 = Limit(Direction.AT_LEAST, 2)


def result(ours: list[float], theirs: list[float], limit: Limit = AT_LEAST_2, skipped: str = "") -> Result:
    mine, others = (tuple(Figure(value, (("p50", value / 2),)) for value in side) for side in (ours, theirs))
    return Result(MEASURES[0].name, "things/s", "theirs", limit, mine, others, skipped)


def test_the_median_of_the_pairs_is_compared_not_the_ratio_of_the_medians() -> None:
    found = result([10, 100, 40], [5, 20, 40])
    assert found.ratios == (2, 5, 1)
    assert found.compared == 2
    assert (found.our_figure, found.their_figure) == (40, 20)
    assert found.more == {"p50": 20}
    assert found.met


def test_a_limit_points_one_way() -> None:
    assert not result([10], [5.1]).met
    assert result([10], [5]).met
    at_most = Limit(Direction.AT_MOST, 3)
    assert result([30], [10], at_most).met
    assert not result([30.1], [10], at_most).met


def test_without_another_side_our_own_figure_is_compared() -> None:
    found = result([200, 300, 260], [], Limit(Direction.AT_MOST, 250))
    assert (found.compared, found.met, found.their_figure, found.ratios) == (260, False, None, ())


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles_are_values_of_the_sample(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected
    assert percentile([7], share) == 7


def test_both_sides_run_in_turns() -> None:
    calls: list[str] = []

    def side(name: str) -> Figure:
        calls.append(name)
        return Figure(len(calls))

    ours, theirs = in_turns(lambda: side("A"), lambda: side("B"), 3, lambda _: None)
    assert calls == ["A", "B", "A", "B", "A", "B"]
    assert ([figure.value for figure in ours], [figure.value for figure in theirs]) == ([1, 3, 5], [2, 4, 6])


def test_the_report_says_what_was_met_missed_and_skipped() -> None:
    measures = MEASURES[:3]
    results = [result([10], [5]), result([10], [6]), result([], [], skipped="PostgreSQL 15 is missing")]
    report = as_json(results, measures, quick=True, repeat=1)
    assert [row["met"] for row in report["measures"]] == [True, False, None]
    assert report["measures"][2]["skipped"] == "PostgreSQL 15 is missing"
    assert report["measures"][0]["ratios"] == [2]

    printed = io.StringIO()
    print_table(Console(file=printed, width=200), results, measures)
    assert "MISSED" in printed.getvalue()
    assert "skipped: PostgreSQL 15 is missing" in printed.getvalue()


def test_every_measure_of_the_table_has_a_limit_and_says_what_it_compares() -> None:
    names = [measure.name for measure in MEASURES]
    assert len(names) == len(set(names)) >= 10
    for measure in MEASURES:
        assert measure.limit.value > 0
        assert len((type(measure).__doc__ or "").split()) > 20


class _Broken:
    """A measure whose preparation fails."""

    name, unit, against, limit = "broken", "things/s", "", AT_LEAST_2

    def open(self, place: Place) -> AbstractContextManager[Sides]:
        raise ConnectionError(f"nothing in {place.folder.name}")


class _Sound:
    """A measure that can be made."""

    name, unit, against, limit = "sound", "things/s", "", AT_LEAST_2

    def open(self, place: Place) -> AbstractContextManager[Sides]:
        return nullcontext(Sides(lambda: Figure(3)))


def test_a_measure_that_fails_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    measures: list[Measure] = [_Broken(), _Sound()]
    found = run_all(measures, tmp_path, quick=True, repeat=1, profiles=None, tell=lambda _: None)
    assert [(each.failed, each.skipped) for each in found] == [
        (True, "ConnectionError: nothing in broken"),
        (False, ""),
    ]
    assert found[1].our_figure == 3
    report = io.StringIO()
    print_table(Console(file=report, width=120), found, measures)
    assert "FAILED: ConnectionError: nothing in broken" in report.getvalue()
