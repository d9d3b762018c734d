"""The statistical reports 统计分析报告 over HTTP."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.access import list_scope, rollup_region
from api.analytics_routes import TAG
from api.command_docs import problem_responses
from api.identity import Identify
from api.paging import Text
from domain.errors import Forbidden, Invalid
from domain.periods import Period
from domain.regions import Grid, Region
from domain.ticket_event import Actor
from domain.vocabulary import Level
from infra.reports.formats import ReportFormat, media_type, rendered
from projections.indicators.table import OldestMissing
from projections.reports.compose import compose
from projections.reports.facts import ReportQueries
from projections.reports.gather import gather
from projections.reports.language import Language
from projections.reports.order import ReportOrder, whole_second
from projections.sla_clocks import KnownUntil


class ReportParameters(BaseModel):
    """Which report, and in what form."""

    model_config = ConfigDict(extra="forbid")

    region: Text | None = Field(default=None, description="By default your own", examples=["6229"])
    level: Level | None = Field(
        default=None,
        description="For centres of this level (prefecture, county, township): the units one level below are "
        "compared; by default the region's own",
    )
    format: ReportFormat = ReportFormat.HTML
    language: Language = Language.BOTH
    as_of: AwareDatetime | None = Field(
        default=None, description="The figures as they were known then, by default now"
    )
    position: Text | None = Field(
        default=None,
        description="As the log stood: a position of the event store, or what a report names",
        examples=["0:5123"],
    )

    def order(self, actor: Actor, period: Period, now: datetime, known_until: KnownUntil) -> ReportOrder:
        """Order nothing beyond what the actor may see; raises Forbidden, Invalid."""
        if isinstance(list_scope(actor).place, Grid):
            raise Forbidden("reports are of villages and above", rule="no-region")
        region = rollup_region(actor, Region.parse(self.region) if self.region else None)
        if region is None:
            raise Invalid("a report needs a region", rule="region-missing", field="region")
        as_of = self.as_of or whole_second(now)
        order = ReportOrder(region, period, as_of, self.level, known_until=known_until)
        return order.at(self.position) if self.position else order


class _Answer(Response):
    """A report; in the documentation, of any of its media types."""

    media_type = media_type(ReportFormat.HTML)


def report_routes(
    queries: ReportQueries,
    identify: Identify,
    clock: Callable[[], datetime],
    known_until: Callable[[], KnownUntil],
    oldest_missing: OldestMissing,
) -> APIRouter:
    """Build the route of the reports."""
    router = APIRouter(tags=[TAG], responses=problem_responses(401, 403, 422, 503))

    @router.get(
        "/v1/analytics/reports/{period}",
        operation_id="report",
        summary="统计分析报告 The report of a region and a period",
        response_class=_Answer,
        responses={200: {"content": {media_type(form): {} for form in ReportFormat}}},
    )
    async def report(
        period: str,
        actor: Annotated[Actor, Depends(identify)],
        wanted: Annotated[ReportParameters, Query()],
    ) -> Response:
        """The same position and time give the same report, byte for byte."""
        order = wanted.order(actor, Period.parse(period), clock(), known_until())

        def made() -> bytes:
            return rendered(compose(gather(order, queries, oldest_missing)), wanted.format, wanted.language)

        name = f"liudan-{order.region.replace(':', '-')}-{order.period}.{wanted.format}"
        return Response(
            await asyncio.to_thread(made),
            media_type=media_type(wanted.format),
            headers={"Content-Disposition": f'inline; filename="{name}"'},
        )

    return router
