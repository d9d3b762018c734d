"""Due times as facts inside an event, with what is needed to recompute them and to warn in time."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from domain.vocabulary import Unit


class Allowance(BaseModel):
    """What a clock was given; extensions and pauses that came later have moved its due time, not this."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: datetime
    """From when it is counted."""
    amount: int
    unit: Unit
    thresholds: tuple[int, ...] = ()
    """The percentages of the limit at which a warning or a breach is reported."""
    policy: str | None = None
    """The version of the policy, if it is not the event's."""
    calendar: str | None = None
    """The version of the calendar, if it is not the event's."""
    provisional: bool | None = None
    """True where the due time rests on a year without published holidays."""


class Deadlines(BaseModel):
    """Due times as facts inside an event, with the policy that they follow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage_due: datetime | None = None
    """When the order that is now running must be done."""
    resolve_due: datetime | None = None
    """When the whole matter must be resolved."""
    rating_due: datetime | None = None
    """When the resident's time for rating ends."""
    policy: str
    """The version of the policy in force."""
    calendar: str | None = None
    """The version of the calendar in force; None where plain time counts."""
    provisional: bool | None = None
    """True when one of the due times is provisional; they are revised when the year is published."""
    stage_clock: Allowance | None = None
    resolve_clock: Allowance | None = None
    rating_clock: Allowance | None = None
