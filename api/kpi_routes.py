"""The indicators over HTTP: their definitions, their figures, the tickets behind each, and a dashboard."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from api.analytics_routes import TAG
from api.command_docs import problem_responses
from api.identity import Identify
from api.kpi_views import (
    BehindParameters,
    Dashboard,
    FigureParameters,
    IndicatorView,
    MatterLine,
    QuestionParameters,
)
from api.list_views import Listing
from api.paging import following
from domain.ticket_event import Actor
from infra.clickhouse.indicators.view_sql import view_name
from projections.indicators.answers import IndicatorQueries
from projections.indicators.dashboard import DASHBOARD
from projections.indicators.registry import REGISTRY, indicator_of
from projections.indicators.table import KpiTable, OldestMissing, tables
from projections.sla_clocks import KnownUntil


def kpi_routes(
    queries: IndicatorQueries,
    identify: Identify,
    clock: Callable[[], datetime],
    known_until: Callable[[], KnownUntil],
    oldest_missing: OldestMissing,
) -> APIRouter:
    """Build the routes of the indicators."""
    router = APIRouter(tags=[TAG], responses=problem_responses(401, 403, 404, 422, 503))

    @router.get("/v1/analytics/kpis", operation_id="kpis", summary="指标目录 The indicators, defined")
    async def kpis() -> list[IndicatorView]:
        """What each counts, when, what it leaves out, and where the definition comes from."""
        return [IndicatorView.of(one, view_name(one.key)) for one in REGISTRY.values()]

    @router.get("/v1/analytics/kpis/{name}", operation_id="kpi", summary="指标 The figures of an indicator")
    async def kpi(
        name: str,
        actor: Annotated[Actor, Depends(identify)],
        wanted: Annotated[FigureParameters, Query()],
    ) -> KpiTable:
        """With numerator, denominator, what is left out, the interval, and whether they are final."""
        indicator = indicator_of(name)
        question = wanted.question(actor, clock(), known_until(), wanted.breakdowns)
        [table] = await asyncio.to_thread(
            tables, queries, [indicator], question, oldest_missing, wanted.wanted
        )
        return table

    @router.get(
        "/v1/analytics/kpis/{name}/tickets",
        operation_id="kpi_tickets",
        summary="指标明细 The tickets behind a figure",
    )
    async def kpi_tickets(
        request: Request,
        name: str,
        actor: Annotated[Actor, Depends(identify)],
        wanted: Annotated[BehindParameters, Query()],
    ) -> Listing[MatterLine]:
        """As many as the figure says; a ticket that was reopened may come once for every cycle."""
        question = wanted.question(actor, clock(), known_until())
        page = await asyncio.to_thread(
            queries.behind, indicator_of(name), question, wanted.part,
            limit=wanted.limit, cursor=wanted.cursor,
        )  # fmt: skip
        items = [MatterLine.model_validate(behind) for behind in page.items]
        return Listing(items=items, next=following(request, page.next_cursor))

    @router.get("/v1/analytics/dashboard", operation_id="dashboard", summary="概览 Twelve figures at once")
    async def dashboard(
        actor: Annotated[Actor, Depends(identify)], wanted: Annotated[QuestionParameters, Query()]
    ) -> Dashboard:
        """Of one region and period, in the order in which a centre reads them."""
        question = wanted.question(actor, clock(), known_until())
        found = await asyncio.to_thread(tables, queries, DASHBOARD, question, oldest_missing)
        return Dashboard(figures={table.name: table for table in found})

    return router
