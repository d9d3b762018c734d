"""Why every clock of a ticket is due when it is: its ledger, told so that a resident can recompute it.

Begin at a clock's start, add up the lines that count, and where the sum reaches the limit and what was added
to it stands the due time. All moments are UTC; `zone` says on which wall clock the calendar's hours are read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.clock_times import breached_at, thresholds, working_time
from domain.clocks import Clock, clocks_of
from domain.ledger import Line, ledger
from domain.rulebook import Rulebook
from domain.ticket_event import TicketEvent
from domain.time_intervals import IntervalKind
from domain.vocabulary import ClockKind, Unit

IN_CHINESE: Mapping[ClockKind, str] = {
    ClockKind.RESOLVE: "办结",
    ClockKind.VERIFY: "核单",
    ClockKind.ISSUE: "下单",
    ClockKind.DISPATCH: "派单",
    ClockKind.ACCEPT: "接单",
    ClockKind.FEED_BACK: "反馈",
    ClockKind.RATING: "评单",
}
"""What each clock waits for."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Standing(StrEnum):
    """Whether a clock goes on."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    STOPPED = "stopped"


class AccountLine(_Frozen):
    """One stretch of a clock's time; the next one begins where it ends."""

    kind: IntervalKind
    zh: str
    en: str
    counted: bool
    start: AwareDatetime
    end: AwareDatetime
    counted_seconds: float
    sum_seconds: float = Field(description="All that was counted up to the end of this line")
    sum_amount: float = Field(description="The same in the limit's unit; hours where there is no limit")
    level: str | None = Field(description="Who held the ticket")
    unit: str | None
    ahead: bool = Field(description="It has not come yet, or comes after the clock stopped")


class ThresholdLine(_Frozen):
    """A share of the limit, and when it is used up."""

    percent: int = Field(description="100 is the due time")
    at: AwareDatetime
    reached: bool


class TermLine(_Frozen):
    """What held from one of the ticket's events on."""

    since: AwareDatetime
    because: str = Field(examples=["extension-granted"])
    counted_from: AwareDatetime = Field(description="The clock's start, or an emergency's declaration")
    amount: int | None
    unit: Unit | None = Field(description="None where another system stated the due time: plain time")
    due_at: AwareDatetime | None
    policy: str | None
    calendar: str | None
    provisional: bool = Field(description="The due time lies in a year without published holidays")


class ClockAccount(_Frozen):
    """One run of one clock: its limit, its due time, and how that comes about."""

    clock: ClockKind
    zh: str
    cycle: int
    run: int = Field(description="The version of the ticket that it began with")
    standing: Standing
    started_at: AwareDatetime
    stopped_at: AwareDatetime | None
    stopped_by: str | None = Field(examples=["matter-resolved"])
    due_at: AwareDatetime | None
    breached_at: AwareDatetime | None = Field(description="When the limit passed, if it did")
    counted_seconds: float = Field(description="What has been counted so far")
    counted_amount: float
    extended_amount: float | None = Field(
        description="What extensions and revisions added to the limit; None while the clock stands still"
    )
    zone: str = Field(description="Whose wall clock the calendar reads", examples=["Asia/Shanghai"])
    terms: tuple[TermLine, ...] = Field(description="The last one holds")
    thresholds: tuple[ThresholdLine, ...]
    lines: tuple[AccountLine, ...]


class Explanation(_Frozen):
    """Every clock of one ticket, in the order in which they began."""

    number: str
    version: int
    as_of: AwareDatetime
    clocks: tuple[ClockAccount, ...]


def explain(history: Sequence[TicketEvent], as_of: datetime, book: Rulebook) -> Explanation:
    """Account for every clock of a ticket, from its events up to `as_of`.

    Raises Refused when the rulebook does not know a calendar that a clock goes by.
    """
    last = history[-1]
    accounts = tuple(account_of(clock, as_of, book) for clock in clocks_of(history))
    return Explanation(number=last.number, version=last.sequence, as_of=as_of, clocks=accounts)


def account_of(clock: Clock, as_of: datetime, book: Rulebook) -> ClockAccount:
    """Account for one clock."""
    found = ledger(clock, as_of, book)
    passed = [line for line in found.lines if not line.ahead]
    standing = _standing(clock)
    return ClockAccount(
        clock=clock.kind,
        zh=IN_CHINESE[clock.kind],
        cycle=clock.cycle,
        run=clock.run,
        standing=standing,
        started_at=clock.started_at,
        stopped_at=clock.stopped_at,
        stopped_by=clock.stopped_by if clock.stopped_at else None,
        due_at=found.due,
        breached_at=breached_at(clock, as_of, book),
        counted_seconds=passed[-1].sum_seconds if passed else 0.0,
        counted_amount=passed[-1].sum_amount if passed else 0.0,
        extended_amount=None if standing is Standing.SUSPENDED else found.extended_amount,
        zone=working_time(found.term, book).calendar.zone.key,
        terms=_terms(clock),
        thresholds=_thresholds(clock, as_of, book),
        lines=tuple(_line(line) for line in found.lines),
    )


def _standing(clock: Clock) -> Standing:
    if clock.stopped_at is not None:
        return Standing.STOPPED
    held = clock.pauses and clock.pauses[-1].end is None
    return Standing.SUSPENDED if held else Standing.RUNNING


def _terms(clock: Clock) -> tuple[TermLine, ...]:
    return tuple(
        TermLine(
            since=term.since,
            because=term.because,
            counted_from=term.start,
            amount=term.amount,
            unit=term.unit,
            due_at=term.due,
            policy=term.policy,
            calendar=term.calendar,
            provisional=term.provisional,
        )
        for term in clock.terms
    )


def _thresholds(clock: Clock, as_of: datetime, book: Rulebook) -> tuple[ThresholdLine, ...]:
    return tuple(
        ThresholdLine(percent=one.percent, at=one.at, reached=one.at < as_of)
        for one in thresholds(clock, book)
    )


def _line(line: Line) -> AccountLine:
    return AccountLine.model_construct(**line._asdict())
