"""Whom broken limits are charged to, summed by level, unit and clock: what a superior reads for a month.

A breach belongs to the month in which its limit passed (by Chinese time), whenever it was met. It is charged
to whoever held the ticket while that clock ran, the last one if it went through several hands; how long each
of them had it stands in the ticket's own account.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.vocabulary import ClockKind
from projections.sla_clocks import BreachFilter, KnownUntil


class LateTicket(NamedTuple):
    """One breach behind a sum."""

    number: str
    cycle: int
    due_at: datetime
    stopped_at: datetime | None
    """When it was met after all; None while it still runs."""
    overdue_seconds: float


class UnitCharge(NamedTuple):
    """What one unit at one level has to answer for on one clock."""

    level: str | None
    unit: str | None
    clock: ClockKind
    breaches: int
    tickets: int
    running: int
    """Of the breaches, those that are still not met."""
    overdue_seconds: float
    worst: tuple[LateTicket, ...]
    """Those that were late the longest, first."""


@dataclass(frozen=True, slots=True)
class Charges:
    """A page of charges, the largest sums first, and of how many lines it is a part."""

    lines: tuple[UnitCharge, ...]
    lines_in_all: int
    breaches: int
    """In all lines."""
    overdue_seconds: float
    """In all lines."""


@dataclass(frozen=True, slots=True)
class Period:
    """Limits that passed from `start` on and before `end`."""

    start: datetime
    end: datetime


class AccountabilityQueries(Protocol):
    """What can be asked. Blocks; raises Transient when the read store is away."""

    def charges(
        self,
        wanted: BreachFilter,
        period: Period,
        *,
        as_of: datetime,
        known_until: KnownUntil | None = None,
        limit: int = 100,
        worst: int = 10,
    ) -> Charges:
        """Sum the breaches of a period; at most `limit` lines with at most `worst` tickets each."""
        ...
