"""What an indicator is: whom it counts, when, and what is left out, in words and as conditions."""

from dataclasses import dataclass
from enum import StrEnum

from projections.indicators.expressions import NEVER, Condition, Expression, Term, is_of_events_alone


class Unit(StrEnum):
    """What the value is."""

    SHARE = "share"
    """Numerator over denominator, 0 to 1."""
    COUNT = "count"
    """The numerator; there is no denominator."""
    SECONDS = "seconds"
    """The median, and the 90th percentile, of durations."""


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Words:
    """The same in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a matter that would belong to the denominator is left out of it."""

    key: str
    name: Words
    when: Condition


@dataclass(frozen=True, slots=True)
class Duration:
    """How long something took, or has taken so far."""

    microseconds: Term
    finished: Condition
    """Whether it has come to its end; otherwise it is censored: known to have taken at least so long."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator. A matter counts in the period that its `at` is in."""

    key: str
    """Stable, in kebab-case."""
    name: Words
    definition: Words
    numerator: Words
    denominator: Words
    period: Words
    """Which moment puts a matter into the period."""
    unit: Unit
    direction: Direction
    source: str
    """Where the definition comes from."""
    at: Term | None
    """The moment; None for a snapshot: the last moment of the period, or `as_of` if that is earlier."""
    counts: Condition
    """Which matters belong to it, before anything is left out."""
    hit: Condition = NEVER
    """Which of them are in the numerator of a share."""
    exclusions: tuple[Exclusion, ...] = ()
    """In this order: the first that holds is the reason."""
    undecided: Condition = NEVER
    """Which of them may still change the figure in the ordinary course of things."""
    duration: Duration | None = None

    @property
    def snapshot(self) -> bool:
        """Whether it is about a moment and not about a stretch of time."""
        return self.at is None

    @property
    def achieved(self) -> Condition:
        """What puts a matter into the numerator; of durations, that it is finished."""
        return self.duration.finished if self.duration else self.hit

    @property
    def verdict(self) -> tuple[Expression, ...]:
        """The expressions that say what becomes of a matter that belongs to it."""
        return (self.achieved, *(one.when for one in self.exclusions))

    @property
    def is_settled_by_events(self) -> bool:
        """Whether a matter's own events say what becomes of it, whatever is asked."""
        return all(map(is_of_events_alone, self.verdict))

    @property
    def surroundings(self) -> tuple[Expression, ...]:
        """The other expressions: whether a matter belongs to it, how long it took, what may still change."""
        moments = [self.at] if self.at else []
        duration = [self.duration.microseconds] if self.duration else []
        return (*moments, self.counts, self.undecided, *duration)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """All expressions that it is made of."""
        return (*self.surroundings, *self.verdict)
