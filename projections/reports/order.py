"""What report is wanted: of which region and period, for centres of which level, as of when."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.errors import Invalid
from domain.periods import Grain, Period
from domain.regions import Region
from domain.vocabulary import Level
from projections.indicators.question import MAX_DEPTH, Breakdown, Question

_DEPTHS = {Level.PREFECTURE: 2, Level.COUNTY: 3, Level.TOWNSHIP: 4}
LEVELS = tuple(_DEPTHS)
"""The centres that draw reports."""
_BASELINE = {Grain.DAY: 28, Grain.WEEK: 12, Grain.MONTH: 12, Grain.QUARTER: 8, Grain.YEAR: 3}
_GRID = Breakdown("grid")


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """One report. Raises Invalid for a level above the region's own, and for a period that has not begun."""

    region: Region
    period: Period
    as_of: datetime
    """Only what was recorded by then is known, and what is open is judged as of then."""
    level: Level | None = None
    """Whose report it is: the units one level below are compared. None: the region's own level."""
    position: int | None = None
    """Only the events up to this position of the event store; None: all."""
    offsets: Mapping[int, int] = field(default_factory=dict)
    """Only the events of the log below these offsets by partition; empty: all."""
    known_until: Mapping[str, datetime] = field(default_factory=dict)
    """See `Question.known_until`."""

    latest: bool = False
    """Whether all that has arrived may be known: asking for just that is the same, and faster."""

    def __post_init__(self) -> None:
        if self.level is not None and self.level not in _DEPTHS:
            raise Invalid(f"a {self.level} draws no reports", rule="bad-level", field="level")
        if self.depth < self.region.depth:
            raise Invalid(
                f"{self.region} lies below the level of a {self.level}", rule="bad-level", field="level"
            )
        if self.as_of <= self.period.start:
            raise Invalid(f"{self.period} has not begun", rule="bad-period", field="period")

    def at(self, position: str) -> "ReportOrder":
        """The same as the log stood at a position: one of the event store, or `partition:offset,…`."""
        try:
            if ":" not in position:
                return replace(self, position=int(position))
            pairs = (part.split(":") for part in position.split(","))
            return replace(self, offsets={int(partition): int(offset) for partition, offset in pairs})
        except ValueError:
            raise Invalid(
                f"{position!r} is no position like 5123 or 0:5123,1:4711",
                rule="bad-position",
                field="position",
            ) from None

    @property
    def depth(self) -> int:
        """The depth of the centres that it is for."""
        return _DEPTHS[self.level] if self.level else self.region.depth

    @property
    def units(self) -> Breakdown:
        """What is compared: the regions one level below, or the grids of a village."""
        return Breakdown("region", self.depth + 1) if self.depth < MAX_DEPTH else _GRID

    @property
    def earlier(self) -> tuple[Period, ...]:
        """The periods before this one that it is compared with, the oldest first."""
        periods = [self.period.before]
        while len(periods) < _BASELINE[self.period.grain]:
            periods.append(periods[-1].before)
        return tuple(reversed(periods))

    def days(self, period: Period) -> float:
        """How many days of a period have passed by `as_of`."""
        return (min(period.end, self.as_of) - period.start).total_seconds() / 86400

    def question(self, period: Period, *by: Breakdown) -> Question:
        """Ask for figures of another period or by something, as everything in the report is asked."""
        question = Question(period, self.as_of, self.region, by=by, known_until=self.known_until)
        if self.latest:
            return question
        return replace(question, recorded_by=self.as_of, position=self.position, offsets=self.offsets)


def whole_second(moment: datetime) -> datetime:
    """Give the next whole second, as a report's `as_of` is written."""
    return moment.replace(microsecond=0) + timedelta(seconds=bool(moment.microsecond))
