"""What a report is made of: figures as they were asked, before anything is said about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.periods import Period
from projections.indicators.answers import IndicatorQueries
from projections.indicators.figures import Figure, Key
from projections.indicators.indicator import Indicator, Words
from projections.indicators.question import Question
from projections.indicators.standing import Provisional
from projections.reports.order import ReportOrder

Figures = Mapping[str, Mapping[Key, Figure]]
"""By indicator, then by the values of the breakdowns."""


class Compared(NamedTuple):
    """An indicator's figure in the period, in the one before and in that of last year."""

    indicator: Indicator
    now: Figure
    before: Figure
    last_year: Figure


class Newest(NamedTuple):
    """How far the log is known."""

    offsets: Mapping[int, int]
    """The next offset after those events, by partition."""
    position: int
    """The newest position of the event store among the events that may be known; 0 where there is none."""
    unknown: int
    """How many events have arrived in the warehouse that may not be known."""


@dataclass(frozen=True, slots=True)
class KnownLog:
    """Up to where the log is in a report, besides the offsets in its order."""

    store_position: int
    """The newest position of the event store that is in it; 0 where the log does not say."""
    oldest_missing: datetime | None
    """When the first event that it does not know was recorded."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is asked for one report."""

    order: ReportOrder
    log: KnownLog
    names: Mapping[str, Words]
    """Of regions."""
    provisional: tuple[Provisional, ...]
    overview: tuple[Compared, ...]
    units: Figures
    categories: Figures
    filed: Mapping[Period, Mapping[Key, int]]
    """Cases filed by unit and category, in this period and those it is compared with."""
    trend: Mapping[str, Mapping[Period, Figure]]
    """Some shares, by period."""
    grids: Mapping[Key, Figure]
    """The on-time rate by grid."""
    grids_before: Mapping[Key, Figure]
    holders: Figures
    """By level and unit."""
    times: Figures
    """How long each level held what was resolved."""


class ReportQueries(IndicatorQueries, Protocol):
    """Everything that a report asks for. Blocks; raises Transient."""

    def newest(self, question: Question) -> Newest:
        """Say how far the log is in what a question may know."""
        ...

    def names(self, order: ReportOrder) -> Mapping[str, Words]:
        """Name the region and those in it, at the end of the period, as far as names are known."""
        ...
