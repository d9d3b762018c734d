"""How numbers are written for people, by what they are; the same in every language."""

from collections.abc import Callable, Mapping

from projections.reports.content import Cell, Kind, Span

NOTHING = "–"
_TO = "\u00a0–\u00a0"
"""Without a line break."""
_HOUR, _DAY = 3600, 86400
_SMALLEST = 0.0001
_Write = Callable[[float], str]


def written(entry: Cell | Span) -> str:
    """Write a number, or from which number to which."""
    write = _WRITE[entry.kind]
    if isinstance(entry, Cell):
        return NOTHING if entry.value is None else write(entry.value)
    if entry.low is None:
        return NOTHING
    return f"≥ {write(entry.low)}" if entry.high is None else f"{write(entry.low)}{_TO}{write(entry.high)}"


def _duration(seconds: float) -> str:
    if abs(seconds) < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} d"


def _probability(value: float) -> str:
    return f"< {_SMALLEST}" if value < _SMALLEST else f"{value:.4f}"


_WRITE: Mapping[Kind, _Write] = {
    Kind.COUNT: lambda value: f"{value:,.0f}",
    Kind.NUMBER: lambda value: f"{value:,.1f}",
    Kind.SHARE: lambda value: f"{value:.1%}",
    Kind.POINTS: lambda value: f"{value * 100:+z.1f} pp",
    Kind.RELATIVE: lambda value: f"{value:+z.1%}",
    Kind.SECONDS: _duration,
    Kind.TIMES: lambda value: f"× {value:.1f}",
    Kind.PROBABILITY: _probability,
}
