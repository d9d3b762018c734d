"""The list of broken limits, from the read model of clocks; limited to what the asker may see."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field
from starlette.requests import Request

from api.access import list_scope, parse_place
from api.command_docs import problem_responses
from api.identity import Identify
from api.list_views import BreachLine, Listing
from api.paging import PageParameters, Text, following, own_holder
from domain.regions import Grid, Region
from domain.ticket_event import Actor
from domain.vocabulary import ClockKind, Level, MatterClass
from projections.sla_clocks import BreachFilter, ClockQueries, KnownUntil

TAG = "时限 Deadlines"


class BreachParameters(PageParameters):
    """Which broken limits; ratings have to be asked for by their clock."""

    as_of: AwareDatetime | None = Field(
        default=None,
        description="As of this moment; by default now, and for imported cases that are open, "
        "when their source last spoke",
    )
    region: Text | None = Field(
        default=None, description="Everything in this region or grid", examples=["622901"]
    )
    clock: ClockKind | None = None
    matter_class: MatterClass | None = None
    level: Level | None = None
    holder: Text | None = Field(default=None, description="The unit it is charged to")
    origin: Text | None = None
    running: bool | None = Field(default=None, description="Still not met, or met too late")

    def within(self, place: Region | Grid | None, holder: str | None) -> BreachFilter:
        """Make a filter of it that shows nothing beyond a scope; raises Forbidden, Invalid."""
        return BreachFilter(
            region=parse_place(self.region) if self.region else None,
            scope=place,
            clock=self.clock,
            matter_class=self.matter_class,
            level=self.level,
            holder=own_holder(self.holder, holder),
            origin=self.origin,
            running=self.running,
        )


def breach_routes(
    clocks: ClockQueries,
    identify: Identify,
    clock: Callable[[], datetime],
    known_until: Callable[[], KnownUntil],
) -> APIRouter:
    """Build the route of the broken limits."""
    router = APIRouter(tags=[TAG], responses=problem_responses(401, 403, 422, 503))

    @router.get("/v1/sla/breaches", operation_id="sla_breaches", summary="超期 Broken limits")
    async def sla_breaches(
        request: Request,
        actor: Annotated[Actor, Depends(identify)],
        wanted: Annotated[BreachParameters, Query()],
    ) -> Listing[BreachLine]:
        """Every limit that was broken, dated by when it passed, never by when somebody looked."""
        scope = list_scope(actor)
        page = await asyncio.to_thread(
            clocks.breaches, wanted.within(scope.place, scope.holder),
            as_of=wanted.as_of or clock(), known_until={} if wanted.as_of else known_until(),
            limit=wanted.limit, cursor=wanted.cursor,
        )  # fmt: skip
        items = [BreachLine.of(breach) for breach in page.items]
        return Listing(items=items, next=following(request, page.next_cursor))

    return router
