"""Lists over all tickets, from the read models: tickets, work, broken limits. Each limited to the asker's."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request

from api.access import list_scope, parse_place
from api.command_docs import problem_responses
from api.identity import Identify
from api.list_views import BreachLine, Listing, TicketLine, WorkLine
from domain.errors import Forbidden
from domain.regions import Grid, Region
from domain.ticket_event import Actor
from domain.vocabulary import ClockKind, Level, MatterClass, State
from projections.page import MAX_LIMIT
from projections.sla_clocks import BreachFilter, ClockQueries, KnownUntil
from projections.ticket_state import Sort, TicketFilter, TicketQueries

TICKETS, DEADLINES = "工单 Tickets", "时限 Deadlines"

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PageParameters(BaseModel):
    """Which page of a list. Unknown parameters are errors, so that a slip of the pen is not ignored."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=MAX_LIMIT, description="How many on a page")
    cursor: str | None = Field(
        default=None, max_length=1000, description="Where the page begins; from `next`"
    )


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


def list_routes(
    tickets: TicketQueries,
    clocks: ClockQueries,
    identify: Identify,
    clock: Callable[[], datetime],
    known_until: Callable[[], KnownUntil],
) -> APIRouter:
    """Build the routes of the lists."""
    router = APIRouter(responses=problem_responses(401, 403, 422, 503))

    @router.get(
        "/v1/tickets",
        operation_id="list_tickets",
        tags=[TICKETS],
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

    @router.get(
        "/v1/worklist", operation_id="worklist", tags=[TICKETS], summary="待办 What waits for your unit"
    )
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

    @router.get(
        "/v1/sla/breaches", operation_id="sla_breaches", tags=[DEADLINES], summary="超期 Broken limits"
    )
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


def own_holder(wanted: str | None, own: str | None) -> str | None:
    """Give the holder to filter by; raises Forbidden for another than the only one that may be seen."""
    if own is not None and wanted is not None and wanted != own:
        raise Forbidden(f"a department sees what {own} holds", rule="outside-unit", field="holder")
    return own or wanted


def following(request: Request, cursor: str | None) -> str | None:
    """Give the address of the next page: this request's, with another cursor."""
    if cursor is None:
        return None
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*others, ('cursor', cursor)])}"
