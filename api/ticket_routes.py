"""One ticket: as it is now, as it was, and its history. Read from the event store, never behind."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from api.access import check_may_read
from api.command_docs import problem_responses
from api.identity import Identify
from api.preconditions import IF_NONE_MATCH, etag, is_known
from api.ticket_view import TicketView, ticket_json
from domain.errors import Invalid, NotFound
from domain.lifecycle import permitted_commands
from domain.numbers import TicketNumber
from domain.replay import Replay, replay
from domain.ticket import Ticket
from domain.ticket_event import Actor
from infra.tickets import Tickets

TAG = "工单 Tickets"
EVENTS_MEDIA_TYPE = "application/cloudevents-batch+json"

Number = Annotated[
    str, Path(description="The ticket's number, as it was read out", examples=["622901-261123-2HPQK"])
]
Version = Annotated[int | None, Query(ge=1, description="The ticket as it was at this version")]
AsOf = Annotated[
    AwareDatetime | None,
    Query(description="The ticket as it was at this moment, with its offset from UTC",
          examples=["2026-11-23T18:00:00+08:00"]),
]  # fmt: skip
KnownAt = Annotated[
    AwareDatetime | None,
    Query(description="Only what had been recorded here by this moment",
          examples=["2026-11-23T18:00:00+08:00"]),
]  # fmt: skip
After = Annotated[int, Query(ge=0, description="Only the events after this sequence")]
IfNoneMatch = Annotated[str | None, Header(alias=IF_NONE_MATCH, description="304 when it is still this ETag")]


def ticket_routes(tickets: Tickets, identify: Identify) -> APIRouter:
    """Build the routes of one ticket."""
    router = APIRouter(tags=[TAG], responses=problem_responses(401, 403, 404, 422, 503))
    reader = _Reader(tickets)

    @router.get(
        "/v1/tickets/{number}",
        operation_id="get_ticket",
        summary="查看工单 One ticket, now or in the past",
        response_model=TicketView,
        responses={304: {"description": "Still the version of If-None-Match"}},
    )
    async def get_ticket(
        number: Number,
        actor: Annotated[Actor, Depends(identify)],
        version: Version = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Strongly consistent: what a command has answered is seen here at once."""
        parsed = TicketNumber.parse(number)
        if version is None and as_of is None and known_at is None:
            return await reader.now(parsed, actor, if_none_match)
        return await reader.then(parsed, actor, Point(version, as_of, known_at))

    @router.get(
        "/v1/tickets/{number}/events",
        operation_id="get_ticket_events",
        summary="办理过程 A ticket's history",
        response_class=Response,
        responses={200: {"description": "The events byte for byte as they are stored, published and logged",
                         "content": {EVENTS_MEDIA_TYPE: {"schema": {"type": "array", "items": _EVENT}}}}},
    )  # fmt: skip
    async def get_ticket_events(
        number: Number, actor: Annotated[Actor, Depends(identify)], after: After = 0
    ) -> Response:
        """A CloudEvents batch, in order, gapless. Personal data in it is sealed."""
        return await reader.history(TicketNumber.parse(number), actor, after)

    @router.get(
        "/v1/tickets/{number}/replay",
        operation_id="replay_ticket",
        summary="回放 A ticket's history step by step",
    )
    async def replay_ticket(
        number: Number,
        actor: Annotated[Actor, Depends(identify)],
        version: Version = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
    ) -> Replay:
        """Who did what, when, at which level, what it changed, and which limit ran."""
        return await reader.replay(TicketNumber.parse(number), actor, Point(version, as_of, known_at))

    return router


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a ticket's history: by version or by when things happened, and by when they were known."""

    version: int | None
    as_of: datetime | None
    known_at: datetime | None

    def check(self) -> None:
        """Raise Invalid when it is two points."""
        if self.version is not None and self.as_of is not None:
            raise Invalid("give version or as_of, not both", rule="version-and-as-of", field="as_of")


class _Reader:
    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    async def now(self, number: TicketNumber, actor: Actor, if_none_match: str | None) -> Response:
        ticket, known = await self._readable(number, actor)
        headers = {"ETag": etag(ticket.version), "Cache-Control": "private, no-cache"}
        if is_known(if_none_match, ticket.version):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        body = ticket_json(ticket, as_of=self._tickets.clock(), permitted=permitted_commands(ticket, known))
        return Response(body, headers=headers, media_type="application/json")

    async def then(self, number: TicketNumber, actor: Actor, point: Point) -> Response:
        point.check()
        await self._readable(number, actor)
        ticket = await self._tickets.get_at(
            number, version=point.version, as_of=point.as_of, known_at=point.known_at
        )
        body = ticket_json(ticket, as_of=point.as_of or ticket.changed_at)
        return Response(body, headers={"ETag": etag(ticket.version)}, media_type="application/json")

    async def history(self, number: TicketNumber, actor: Actor, after: int) -> Response:
        ticket, _ = await self._readable(number, actor)
        stored = await self._tickets.history(number)
        batch = b",".join(event.state for event in stored if event.originator_version > after)
        headers = {"ETag": etag(ticket.version), "Cache-Control": "private, no-cache"}
        return Response(b"[%b]" % batch, headers=headers, media_type=EVENTS_MEDIA_TYPE)

    async def replay(self, number: TicketNumber, actor: Actor, point: Point) -> Replay:
        point.check()
        await self._readable(number, actor)
        events = await self._tickets.events(
            number, upto=point.version, as_of=point.as_of, known_at=point.known_at
        )
        if point.version not in (None, events[-1].sequence):
            raise NotFound(f"ticket {number} has no version {point.version}", rule="no-such-version")
        return replay(events)

    async def _readable(self, number: TicketNumber, actor: Actor) -> tuple[Ticket, Actor]:
        known = self._tickets.known_as(actor)
        ticket = await self._tickets.get(number)
        check_may_read(ticket, known)
        return ticket, known


_EVENT = {
    "type": "object",
    "description": "A CloudEvents 1.0 object in structured JSON",
    "required": ["specversion", "id", "source", "type", "subject", "time", "sequence", "data"],
}
