"""Lists of tickets and of work, from the read model of tickets; each limited to what the asker may see."""

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
from api.list_views import Listing, TicketLine, WorkLine
from api.paging import PageParameters, Text, following, own_holder
from domain.regions import Grid, Region
from domain.ticket_event import Actor
from domain.vocabulary import Level, MatterClass, State
from projections.ticket_state import Sort, TicketFilter, TicketQueries

TAG = "工单 Tickets"


class TicketParameters(PageParameters):
    """Which tickets, in which order; what is left out does not narrow."""

    region: Text | None = Field(
        default=None, description="Everything in this region or grid", examples=["622901"]
    )
    state: list[State] = Field(default=[], description="One or several")
    open: bool | None = Field(default=None, description="Open, or ended")
    matter_class: MatterClass | None = None
    category: Text | None = None
    text: Text | None = Field(default=None, description="Part of the category's code or words")
    holder: Text | None = Field(default=None, description="The unit that holds it")
    level: Level | None = None
    due_before: AwareDatetime | None = Field(
        default=None, description="Due to be resolved before this moment"
    )
    overdue_at: AwareDatetime | None = Field(default=None, description="Late as of this moment")
    suspended: bool | None = None
    emergency: bool | None = None
    origin: Text | None = Field(
        default=None, description="The system it was imported from", examples=["nyc311"]
    )
    sort: Sort = Field(default=Sort.NEWEST, description="Newest first, oldest first, or due first")

    def within(self, place: Region | Grid | None, holder: str | None) -> TicketFilter:
        """Make a filter of it that shows nothing beyond a scope; raises Forbidden, Invalid."""
        return TicketFilter(
            region=parse_place(self.region) if self.region else None,
            scope=place,
            states=frozenset(self.state),
            open=self.open,
            matter_class=self.matter_class,
            category=self.category,
            text=self.text,
            holder=own_holder(self.holder, holder),
            level=self.level,
            due_before=self.due_before,
            overdue_at=self.overdue_at,
            suspended=self.suspended,
            emergency=self.emergency,
            origin=self.origin,
        )


def list_routes(
    tickets: TicketQueries,
    identify: Identify,
    clock: Callable[[], datetime],
) -> APIRouter:
    """Build the routes of the lists."""
    router = APIRouter(tags=[TAG], responses=problem_responses(401, 403, 422, 503))

    @router.get(
        "/v1/tickets",
        operation_id="list_tickets",
        summary="工单列表 Tickets, filtered and sorted",
    )
    async def list_tickets(
        request: Request,
        actor: Annotated[Actor, Depends(identify)],
        wanted: Annotated[TicketParameters, Query()],
    ) -> Listing[TicketLine]:
        """Tickets of the asker's own region or unit, a moment behind the tickets themselves."""
        scope = list_scope(actor)
        page = await asyncio.to_thread(
            tickets.list, wanted.within(scope.place, scope.holder),
            sort=wanted.sort, limit=wanted.limit, cursor=wanted.cursor,
        )  # fmt: skip
        as_of = wanted.overdue_at or clock()
        items = [TicketLine.of(row, as_of) for row in page.items]
        return Listing(items=items, next=following(request, page.next_cursor))

    @router.get("/v1/worklist", operation_id="worklist", summary="待办 What waits for your unit")
    async def worklist(
        request: Request,
        actor: Annotated[Actor, Depends(identify)],
        wanted: Annotated[PageParameters, Query()],
    ) -> Listing[WorkLine]:
        """What the asker's unit has to do next, what is due first at the top."""
        list_scope(actor)
        page = await asyncio.to_thread(
            tickets.worklist, actor.role, actor.unit, limit=wanted.limit, cursor=wanted.cursor
        )
        now = clock()
        items = [WorkLine.of(work, now) for work in page.items]
        return Listing(items=items, next=following(request, page.next_cursor))

    return router
