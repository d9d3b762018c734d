"""How reports write numbers and speak, and what can be ordered."""

from datetime import UTC, datetime

import pytest

from domain.errors import Invalid
from domain.periods import Period
from domain.regions import Region
from domain.vocabulary import Level
from projections.indicators.indicator import Words
from projections.reports.content import Cell, Kind, Span
from projections.reports.language import Language, in_one_line, spoken
from projections.reports.number_text import written
from projections.reports.order import ReportOrder, whole_second

NOW = datetime(2026, 11, 26, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (Cell(Kind.COUNT, 12345), "12,345"),
        (Cell(Kind.SHARE, 0.98765), "98.8%"),
        (Cell(Kind.POINTS, 0.0234), "+2.3 pp"),
        (Cell(Kind.POINTS, -0.0001), "+0.0 pp"),
        (Cell(Kind.RELATIVE, -0.5), "-50.0%"),
        (Cell(Kind.SECONDS, 5400), "1.5 h"),
        (Cell(Kind.SECONDS, 5 * 86400), "5.0 d"),
        (Cell(Kind.PROBABILITY, 0.00001), "< 0.0001"),
        (Cell(Kind.TIMES, 4.84), "× 4.8"),
        (Cell(Kind.SHARE, None), "–"),
        (Span(Kind.SHARE, 0.5, 0.75), "50.0%\u00a0–\u00a075.0%"),
        (Span(Kind.RELATIVE, 0.5, None), "≥ +50.0%"),
        (Span(Kind.SECONDS, None, None), "–"),
    ],
)
def test_numbers_are_written_by_what_they_are(entry: Cell | Span, text: str) -> None:
    assert written(entry) == text


def test_languages() -> None:
    words = Words("受理量", "Cases filed")
    assert spoken(words, Language.BOTH) == ("受理量", "Cases filed")
    assert in_one_line(words, Language.BOTH) == "受理量 Cases filed"
    assert (spoken(words, Language.ZH), spoken(words, Language.EN)) == (("受理量",), ("Cases filed",))
    assert spoken(Words("2026-10", "2026-10"), Language.BOTH) == ("2026-10",)


def test_what_is_compared_is_one_level_below() -> None:
    def units(region: str, level: Level | None = None) -> str:
        return str(ReportOrder(Region(region), Period.parse("2026-10"), NOW, level).units)

    assert units("6229") == "region:3"
    assert units("6229", Level.TOWNSHIP) == "region:5"
    assert units("622901") == "region:4"
    assert units("622901001001") == "grid"
    assert units("us-nyc") == "region:2"
    with pytest.raises(Invalid):
        units("622901", Level.PREFECTURE)
    with pytest.raises(Invalid):
        units("6229", Level.DEPARTMENT)


def test_earlier_periods_and_days() -> None:
    order = ReportOrder(Region("6229"), Period.parse("2026-11"), NOW)
    assert [str(period) for period in order.earlier[:2]] == ["2025-11", "2025-12"]
    assert (len(order.earlier), str(order.earlier[-1])) == (12, "2026-10")
    assert order.days(order.period) == pytest.approx(25.5)
    assert order.days(order.period.before) == 31
    weekly = ReportOrder(Region("6229"), Period.parse("2026-W10"), NOW)
    assert (len(weekly.earlier), str(weekly.earlier[-1])) == (12, "2026-W09")
    with pytest.raises(Invalid):
        ReportOrder(Region("6229"), Period.parse("2026-12"), NOW)


def test_positions() -> None:
    order = ReportOrder(Region("6229"), Period.parse("2026-10"), NOW)
    assert order.at("0:12,3:7").offsets == {0: 12, 3: 7}
    assert order.at("5123").position == 5123
    for bad in ("", "0:", "a:b", "1:2:3", "0:1,"):
        with pytest.raises(Invalid):
            order.at(bad)
    assert whole_second(NOW) == NOW
    assert whole_second(NOW.replace(microsecond=1)) == NOW.replace(second=1)
