"""What can be asked of the indicators' read model, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from projections.indicators.figures import Figure, Key
from projections.indicators.indicator import Indicator
from projections.indicators.question import Question
from projections.page import Page


class Part(StrEnum):
    """A part of a figure whose matters can be listed."""

    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    EXCLUDED = "excluded"
    UNDECIDED = "undecided"


class Behind(NamedTuple):
    """A matter behind a figure."""

    number: str
    cycle: int
    at: datetime
    """The moment that puts it into the period."""
    region: str
    grid: str
    category: str
    matter_class: str
    channel: str
    state: str
    level: str
    holder: str
    first_handler: str
    filed_at: datetime
    resolve_due: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    reason: str
    """Why it is left out; empty when it is not."""
    hit: bool
    """Whether it is in the numerator."""
    undecided: bool
    seconds: int | None


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Up to where the log is in the figures, and how far it goes."""

    offsets: Mapping[int, int]
    """The next offset by partition of the log."""
    store_position: int
    """The newest position of the event store that the figures know; 0 when the log does not say."""
    landed: Mapping[int, int]
    """The next offset by partition of what has arrived in the warehouse."""

    @property
    def complete(self) -> bool:
        """Whether everything that has arrived is in the figures."""
        return dict(self.offsets) == dict(self.landed)


class IndicatorQueries(Protocol):
    """Every method blocks, may be called by several threads, and raises Transient when nobody answers."""

    def figures(
        self, indicators: Sequence[Indicator], question: Question
    ) -> Mapping[str, Mapping[Key, Figure]]:
        """Give the figures of each indicator by the values of the breakdowns.

        Several indicators at once only without breakdowns by time; raises Invalid.
        """
        ...

    def behind(
        self,
        indicator: Indicator,
        question: Question,
        part: Part,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Behind]:
        """List the matters behind a figure, by number; raises Invalid for a bad cursor or limit."""
        ...

    def position(self) -> LogPosition:
        """Say how complete the figures are."""
        ...
