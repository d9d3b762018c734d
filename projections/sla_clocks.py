"""Read model "SLA clocks": when each limit began, ends and was met, and which limits were broken.

A breach is `due_at < coalesce(stopped_at, suspended_at, as_of)`, for a moment `as_of` after `due_at`. It is
dated by `due_at`, when the limit passed, never by when somebody looked. Stopped exactly when due is in time.

What was imported and is open was open when its source last spoke; since then nobody has looked. As long as
nothing has happened to it here, its `as_of` is therefore no later than that moment (`known_until`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.regions import Grid, Region
from domain.vocabulary import ClockKind, Level, MatterClass
from projections.page import Page

PROJECTION = "sla-clocks"
VERSION = 1

KnownUntil = Mapping[str, datetime]
"""By origin."""


class ClockRow(NamedTuple):
    """One run of one clock; the columns of the table, in their order."""

    number: str
    cycle: int
    clock: str
    run: int
    """The ticket's version with which this run began: a stage can be entered more than once."""
    version: int
    """The ticket's version that changed this row last."""
    current: bool
    """Whether the ticket's next event may still change it."""
    area: str
    place: str
    region: str
    category: str
    matter_class: str | None
    level: str | None
    holder: str | None
    """Who is charged: the holder while it ran, the last one if it went through several hands."""
    started_at: datetime
    due_at: datetime | None
    """None where there is no limit, or nobody knows when it was met."""
    stopped_at: datetime | None
    suspended_at: datetime | None
    """Since when it stands still."""
    kept: bool
    """Whether it is certain that the limit was not broken."""
    origin: str | None
    source_id: str | None


class Breach(NamedTuple):
    """A limit that was broken, as of a moment."""

    number: str
    source_id: str | None
    origin: str | None
    clock: ClockKind
    cycle: int
    due_at: datetime
    breached_at: datetime
    """Always `due_at`: when the limit passed."""
    stopped_at: datetime | None
    """When it was met after all; None while it still runs."""
    overdue_seconds: float
    region: str
    place: str
    category: str
    matter_class: str | None
    level: str | None
    holder: str | None
    suspended: bool


@dataclass(frozen=True, slots=True)
class BreachFilter:
    """Which breaches; what is left out does not narrow, except that ratings have to be asked for."""

    region: Region | Grid | None = None
    scope: Region | Grid | None = None
    """A further limit of the same kind: what the asker may see."""
    clock: ClockKind | None = None
    matter_class: MatterClass | None = None
    level: Level | None = None
    holder: str | None = None
    origin: str | None = None
    running: bool | None = None
    """Still not met (True), or met too late (False)."""


class ClockQueries(Protocol):
    """What can be asked. Every method blocks, and raises Transient when the read store is away.

    `known_until` says for an origin up to when its imported cases are known; without it, all are judged as
    of `as_of`.
    """

    def breaches(
        self,
        wanted: BreachFilter,
        *,
        as_of: datetime,
        known_until: KnownUntil | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Breach]:
        """Give a page of breaches, the newest first. Raises Invalid for a bad cursor or limit."""
        ...

    def count_breaches(
        self, wanted: BreachFilter, *, as_of: datetime, known_until: KnownUntil | None = None
    ) -> int:
        """Count the breaches."""
        ...

    def clocks(self, number: str) -> tuple[ClockRow, ...]:
        """Give every clock of one ticket, in the order in which they began."""
        ...
