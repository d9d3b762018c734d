"""Whom the broken limits of a month are charged to, summed by unit."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.access import ListScope, list_scope, parse_place
from api.account_routes import DEADLINES
from api.analytics_routes import MONTH
from api.command_docs import problem_responses
from api.identity import Identify
from api.paging import Text, own_holder
from domain.months import month_of, month_span
from domain.ticket_event import Actor
from domain.vocabulary import ClockKind, Level
from projections.sla_accountability import AccountabilityQueries, Charges, Period, UnitCharge
from projections.sla_clocks import BreachFilter, KnownUntil


class AccountabilityParameters(BaseModel):
    """Whose broken limits, in which month."""

    model_config = ConfigDict(extra="forbid")

    region: Text | None = Field(
        default=None, description="Everything in this region or grid", examples=["622901"]
    )
    period: str | None = Field(
        default=None, pattern=MONTH, description="The month in which the limit passed, by Chinese time; "
        "by default this month", examples=["2026-11"],
    )  # fmt: skip
    level: Level | None = None
    unit: Text | None = Field(default=None, description="The unit it is charged to")
    clock: ClockKind | None = Field(default=None, description="Ratings have to be asked for")
    as_of: AwareDatetime | None = Field(
        default=None,
        description="As of this moment; by default now, and for imported cases that are open, "
        "when their source last spoke",
    )
    limit: int = Field(default=100, ge=1, le=1000, description="How many lines, the largest sums first")
    worst: int = Field(default=10, ge=0, le=200, description="How many tickets under each line")

    def within(self, scope: ListScope) -> BreachFilter:
        """Make a filter of it that shows nothing beyond a scope; raises Forbidden, Invalid."""
        return BreachFilter(
            region=parse_place(self.region) if self.region else None,
            scope=scope.place,
            clock=self.clock,
            level=self.level,
            holder=own_holder(self.unit, scope.holder),
        )


class LateTicketLine(BaseModel):
    """One breach behind a sum."""

    model_config = ConfigDict(from_attributes=True)

    number: str
    cycle: int
    due_at: AwareDatetime = Field(description="When the limit passed")
    stopped_at: AwareDatetime | None = Field(description="When it was met after all")
    overdue_seconds: float


class ChargeLine(BaseModel):
    """What one unit at one level has to answer for on one clock."""

    model_config = ConfigDict(from_attributes=True)

    level: Level | None
    unit: str | None
    clock: ClockKind
    breaches: int
    tickets: int
    running: int = Field(description="Breaches that are still not met")
    overdue_seconds: float
    worst: list[LateTicketLine] = Field(description="Late the longest; their own account says more")


class AccountabilityTable(BaseModel):
    """The charges of a month."""

    period: str
    period_start: AwareDatetime
    period_end: AwareDatetime = Field(description="Not included")
    as_of: AwareDatetime
    breaches: int = Field(description="In all lines, also those beyond the limit")
    overdue_seconds: float
    lines_in_all: int
    lines: list[ChargeLine]

    @classmethod
    def of(cls, charges: Charges, month: str, period: Period, as_of: datetime) -> Self:
        """Show the sums."""
        return cls(
            period=month,
            period_start=period.start,
            period_end=period.end,
            as_of=as_of,
            breaches=charges.breaches,
            overdue_seconds=charges.overdue_seconds,
            lines_in_all=charges.lines_in_all,
            lines=[_line(charge) for charge in charges.lines],
        )


def accountability_routes(
    queries: AccountabilityQueries,
    identify: Identify,
    clock: Callable[[], datetime],
    known_until: Callable[[], KnownUntil],
) -> APIRouter:
    """Build the route of the sums."""
    router = APIRouter(tags=[DEADLINES], responses=problem_responses(401, 403, 422, 503))

    @router.get(
        "/v1/sla/accountability",
        operation_id="sla_accountability",
        summary="责任汇总 Broken limits by unit",
    )
    async def sla_accountability(
        actor: Annotated[Actor, Depends(identify)], wanted: Annotated[AccountabilityParameters, Query()]
    ) -> AccountabilityTable:
        """Charged to whoever held the ticket while the clock ran, the last one of several."""
        scope, now = list_scope(actor), clock()
        as_of = wanted.as_of or now
        month = wanted.period or month_of(as_of)
        period = Period(*month_span(month))
        charges = await asyncio.to_thread(
            queries.charges, wanted.within(scope), period,
            as_of=as_of, known_until={} if wanted.as_of else known_until(),
            limit=wanted.limit, worst=wanted.worst,
        )  # fmt: skip
        return AccountabilityTable.of(charges, month, period, as_of)

    return router


def _line(charge: UnitCharge) -> ChargeLine:
    return ChargeLine.model_validate(charge)
