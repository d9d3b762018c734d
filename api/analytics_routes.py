"""Figures by region, class and month, from ClickHouse."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.access import rollup_region
from api.command_docs import problem_responses
from api.identity import Identify
from domain.errors import Invalid
from domain.regions import Region
from domain.ticket_event import Actor
from infra.clickhouse.rollup import MAX_DEPTH, RollupRow

TAG = "分析 Analytics"
MONTH = r"^[12][0-9]{3}-(0[1-9]|1[0-2])$"


class Rollup(Protocol):
    """Computes the figures, see `infra.clickhouse.rollup`. Blocks; may be called by several threads."""

    def __call__(
        self, *, region_prefix: str, depth: int, as_of: datetime, month_from: date, month_to: date
    ) -> Sequence[RollupRow]:
        """Give the rows; raises Invalid, Transient."""
        ...


class RollupParameters(BaseModel):
    """Which figures."""

    model_config = ConfigDict(extra="forbid")

    region: str | None = Field(
        default=None, max_length=80, description="Everything in it, by default your own", examples=["6229"]
    )
    depth: int = Field(
        default=3, ge=1, le=MAX_DEPTH,
        description="How finely: 1 province, 2 prefecture, 3 county, 4 township, 5 village, or that many "
        "parts of a foreign code",
    )  # fmt: skip
    month_from: str = Field(
        default="1970-01",
        alias="from",
        pattern=MONTH,
        description="First month of placing",
        examples=["2026-01"],
    )
    month_to: str = Field(
        default="2299-12", alias="to", pattern=MONTH, description="Last month, included", examples=["2026-12"]
    )
    as_of: AwareDatetime | None = Field(
        default=None, description="As it stood at this moment, by default now"
    )


class RollupLine(BaseModel):
    """One region, one class, one month of placing."""

    model_config = ConfigDict(from_attributes=True)

    region: str = Field(examples=["622901"])
    matter_class: str = Field(description="Empty where an imported ticket has none", examples=["simple"])
    month: date
    placed: int
    closed: int
    overdue: int = Field(description="Resolved or ended too late, or unresolved past its time")
    median_resolve_seconds: float | None = Field(
        description="From placing to resolving; None while nothing is"
    )


class RollupTable(BaseModel):
    """The figures, and what they are figures of."""

    region: str | None
    depth: int
    as_of: AwareDatetime
    rows: list[RollupLine]


def analytics_routes(rollup: Rollup, identify: Identify, clock: Callable[[], datetime]) -> APIRouter:
    """Build the routes of the figures."""
    router = APIRouter(tags=[TAG], responses=problem_responses(401, 403, 422, 503))

    @router.get(
        "/v1/analytics/rollup",
        operation_id="analytics_rollup",
        summary="区域汇总 Placed, closed, late, time to resolve",
    )
    async def analytics_rollup(
        actor: Annotated[Actor, Depends(identify)], wanted: Annotated[RollupParameters, Query()]
    ) -> RollupTable:
        """Every ticket counts once, in the month in which it was placed, as it stood at `as_of`."""
        region = rollup_region(actor, Region.parse(wanted.region) if wanted.region else None)
        first, last = _month(wanted.month_from), _month(wanted.month_to)
        if last < first:
            raise Invalid("the last month is before the first", rule="bad-months", field="to")
        as_of = wanted.as_of or clock()
        rows = await asyncio.to_thread(
            rollup,
            region_prefix=region or "",
            depth=wanted.depth,
            as_of=as_of,
            month_from=first,
            month_to=last,
        )
        lines = [RollupLine.model_validate(row) for row in rows]
        return RollupTable(region=region, depth=wanted.depth, as_of=as_of, rows=lines)

    return router


def _month(text: str) -> date:
    return date(int(text[:4]), int(text[5:]), 1)
