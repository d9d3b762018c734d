"""What a report says, before it is laid out: sections of sentences, tables and charts, in both languages.

Numbers are numbers with the kind of quantity they are; HTML, PDF and XLSX are made of the same content.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from projections.indicators.indicator import Words


class Kind(StrEnum):
    """What a number is, which decides how it is written."""

    COUNT = "count"
    NUMBER = "number"
    """With one decimal."""
    SHARE = "share"
    """0 to 1."""
    POINTS = "points"
    """A difference of shares: 0.02 is two percentage points."""
    RELATIVE = "relative"
    """A change as a share of what it was: 0.5 is half as much again."""
    SECONDS = "seconds"
    TIMES = "times"
    """How many times as many."""
    PROBABILITY = "probability"


class Cell(NamedTuple):
    """A number; None when there is none to give."""

    kind: Kind
    value: float | None


class Span(NamedTuple):
    """From a number to another; None where it is open."""

    kind: Kind
    low: float | None
    high: float | None


Entry = Words | Cell | Span
Row = tuple[Entry, ...]
NO_ROWS = Words("无", "None")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of entries; the first column names the row."""

    title: Words
    heads: tuple[Words, ...]
    rows: tuple[Row, ...]
    empty: Words = NO_ROWS
    """What is said instead of a table without rows."""


class ChartKind(StrEnum):
    """How points are drawn."""

    COLUMNS = "columns"
    """Upright, in time."""
    LINE = "line"
    """In time, with a band for the interval."""
    BARS = "bars"
    """Lying, with a tick where one was expected."""
    DOTS = "dots"
    """Lying, with the interval; a rule where `Chart.rule` is."""
    HEAT = "heat"
    """`label` across, `group` down, the darker the more."""


class Point(NamedTuple):
    """One mark of a chart."""

    label: Words
    value: float | None
    low: float | None = None
    high: float | None = None
    expected: float | None = None
    group: Words | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart; a table beside it has the same numbers."""

    key: str
    """Names it in the report and as a file."""
    kind: ChartKind
    title: Words
    says: Words
    """For those who cannot see it."""
    unit: Kind
    points: tuple[Point, ...]
    rule: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report; in a spreadsheet, one sheet."""

    key: str
    title: Words
    says: tuple[Words, ...] = ()
    blocks: tuple[Table | Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report."""

    title: Words
    standing: Words
    """Whether it is final, or provisional and why."""
    identity: Table
    """Of what it is, as of when, and up to which position of the log; what it can be made again from."""
    sections: tuple[Section, ...]
