"""Figures as entries of tables and charts."""

from collections.abc import Mapping

from projections.indicators.figures import Figure
from projections.indicators.indicator import Indicator, Unit, Words
from projections.reports.change import Change
from projections.reports.content import Cell, Kind, Span

KINDS: Mapping[Unit, Kind] = {Unit.COUNT: Kind.COUNT, Unit.SHARE: Kind.SHARE, Unit.SECONDS: Kind.SECONDS}
NO_SHARE = Cell(Kind.SHARE, None)
N = Words("件数", "Cases")
VALUE = Words("数值", "Value")
INTERVAL = Words("95% 区间", "95 % interval")
RANK = Words("名次", "Rank")
UNIT = Words("单位", "Unit")


def count(number: int | None) -> Cell:
    """A number of cases."""
    return Cell(Kind.COUNT, number)


def value(indicator: Indicator, figure: Figure) -> Cell:
    """An indicator's value."""
    return Cell(KINDS[indicator.unit], figure.value)


def interval(indicator: Indicator, figure: Figure) -> Span:
    """How sure it is."""
    known = figure.interval
    return Span(KINDS[indicator.unit], known.low if known else None, known.high if known else None)


def difference(indicator: Indicator, change: Change | None) -> Cell:
    """What it has changed by."""
    kind = Kind.POINTS if indicator.unit is Unit.SHARE else Kind.RELATIVE
    return Cell(kind, change.difference if change else None)


def difference_span(indicator: Indicator, change: Change | None) -> Span:
    """How sure the change is."""
    kind = Kind.POINTS if indicator.unit is Unit.SHARE else Kind.RELATIVE
    known = change.interval if change else None
    return Span(kind, known.low if known else None, known.high if known else None)
