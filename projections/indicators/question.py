"""What is asked of an indicator: which period, where, of what, by what, and as of when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import Invalid
from domain.periods import Grain, Period
from domain.regions import Region

DIMENSIONS: Mapping[str, str] = {
    "grid": "grid",
    "class": "matter_class",
    "category": "category",
    "channel": "channel",
    "urgency": "urgency",
    "level": "level",
    "holder": "holder",
    "first-handler": "first_handler",
    "origin": "origin",
}
"""What can be narrowed to one value and broken down by, besides region and time; with the matter's column."""
MAX_DEPTH = 5
MAX_BREAKDOWNS = 3
_LAST_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`class`, `month`, or `region:4`: regions of that depth."""

    name: str
    depth: int = 0
    """1 province, 2 prefecture, 3 county, 4 township, 5 village, or that many parts of a foreign code."""

    @classmethod
    def parse(cls, text: str) -> "Breakdown":
        """Read one; raises Invalid."""
        name, _, depth = text.partition(":")
        if name == "region" and depth.isdigit() and 1 <= int(depth) <= MAX_DEPTH:
            return cls(name, int(depth))
        if not depth and (name in DIMENSIONS or name in set(Grain)):
            return cls(name)
        known = ", ".join([f"region:1 to region:{MAX_DEPTH}", *DIMENSIONS, *Grain])
        raise Invalid(
            f"{text!r} is nothing to break down by; there are {known}", rule="bad-breakdown", field="by"
        )

    @property
    def grain(self) -> Grain | None:
        """The grain of time, if it is one."""
        return Grain(self.name) if self.name in set(Grain) else None

    def __str__(self) -> str:
        return f"{self.name}:{self.depth}" if self.depth else self.name


@dataclass(frozen=True, slots=True)
class Question:
    """Which figures. Raises Invalid for too many breakdowns, two of time, or a moment without a zone."""

    period: Period
    as_of: datetime
    """What is open is judged as of then."""
    region: Region | None = None
    narrowed: Mapping[str, str] = field(default_factory=dict)
    """Only matters with this value, by dimension."""
    by: tuple[Breakdown, ...] = ()
    recorded_by: datetime | None = None
    """Only what was recorded by then is known; None: everything."""
    position: int | None = None
    """Only what the event store held up to this position is known; None: everything."""
    offsets: Mapping[int, int] = field(default_factory=dict)
    """Only the events of the log below these offsets by partition are known; empty: everything."""
    since: Period | None = None
    """Reaches back to the beginning of this period: for a run of periods. Not of a snapshot."""
    known_until: Mapping[str, datetime] = field(default_factory=dict)
    """By origin: when it last spoke. What was imported as open and not touched since is judged as of then."""

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise Invalid("as_of needs a time zone", field="as_of")
        if unknown := set(self.narrowed) - set(DIMENSIONS):
            raise Invalid(f"there is no dimension {min(unknown)!r}", rule="bad-dimension")
        if len(self.by) > MAX_BREAKDOWNS:
            raise Invalid(f"{MAX_BREAKDOWNS} breakdowns are the most", rule="bad-breakdown", field="by")
        if len(set(self.by)) < len(self.by) or len([one for one in self.by if one.grain]) > 1:
            raise Invalid("a breakdown comes once, and one is of time", rule="bad-breakdown", field="by")

    @property
    def start(self) -> datetime:
        """The first moment that it asks for."""
        return (self.since or self.period).start

    @property
    def as_known_then(self) -> bool:
        """Whether less than everything is to be known."""
        return self.recorded_by is not None or self.position is not None or bool(self.offsets)

    @property
    def grain(self) -> Grain | None:
        """The grain of time that it is broken down by, if any."""
        return next((one.grain for one in self.by if one.grain), None)

    @property
    def snapshots(self) -> tuple[datetime, ...]:
        """The moments of an indicator that is about moments: the last ones, but none after `as_of`."""
        parts = self.period.parts(self.grain) if self.grain else (self.period,)
        ends = [min(part.end, self.period.end) for part in parts if part.start <= self.as_of]
        return tuple(min(end - _LAST_MOMENT, self.as_of) for end in ends)
