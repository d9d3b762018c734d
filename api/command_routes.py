"""The write side: one route for every command of the lifecycle table, all through the same door."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.access import may_read
from api.command_docs import command_documentation, place_documentation
from api.identity import Identify
from api.preconditions import REPLAYED, command_id, etag, expected_version
from api.problems import problem, status_of
from api.request_body import read_command
from api.ticket_view import ticket_json
from domain.commands import COMMANDS, Command, Import, Place
from domain.errors import Conflict, NotFound, Refused
from domain.lifecycle import permitted_commands
from domain.numbers import TicketNumber
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.tickets import Answer, Tickets
from infra.tickets import Request as Wish

Endpoint = Callable[[Request], Awaitable[Response]]
JSON = "application/json"
BY_NUMBER = {name: command for name, command in COMMANDS.items() if command not in (Place, Import)}
"""The commands that are given to a ticket: all but placing one, and importing, which is not done by HTTP."""


class DirectRoute(APIRoute):
    """A route whose endpoint reads the request itself; FastAPI routes to it and documents it.

    FastAPI's own reading of parameters and bodies costs more than deciding a command does.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # as APIRoute takes them, and there are many
        super().__init__(*args, **kwargs)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


def add_command_routes(router: APIRouter, tickets: Tickets, identify: Identify) -> None:
    """Add the routes of all commands; directly, because an included router is searched twice."""
    door = CommandDoor(tickets, identify)
    router.add_api_route(
        "/v1/tickets", door.place, methods=["POST"], route_class_override=DirectRoute, **place_documentation()
    )
    for name, command in BY_NUMBER.items():
        router.add_api_route(
            f"/v1/tickets/{{number}}/{name}",
            door.endpoint(command),
            methods=["POST"],
            route_class_override=DirectRoute,
            **command_documentation(command),
        )


class CommandDoor:
    """Turns requests into commands and answers into responses."""

    def __init__(self, tickets: Tickets, identify: Identify) -> None:
        self._tickets, self._identify = tickets, identify

    async def place(self, request: Request) -> Response:
        """Place a new ticket."""
        headers = dict(request.scope["headers"])
        actor = self._identify.of(headers)
        wish = Wish(
            await read_command(request.receive, headers, Place),
            actor,
            command_id(headers, actor, self._tickets.command_id),
        )
        answer = await self._tickets.handle(wish)
        location = {"Location": f"/v1/tickets/{answer.ticket.number}"}
        return self._respond(answer, actor, HTTPStatus.CREATED, location)

    def endpoint(self, command: type[Command]) -> Endpoint:
        """Build the endpoint of one command."""

        async def give(request: Request) -> Response:
            return await self._give(request, command)

        return give

    async def _give(self, request: Request, command: type[Command]) -> Response:
        headers = dict(request.scope["headers"])
        actor = self._identify.of(headers)
        number = TicketNumber.parse(request.path_params["number"])
        wish = Wish(
            await read_command(request.receive, headers, command),
            actor,
            command_id(headers, actor, self._tickets.command_id),
            number,
            expected_version(headers),
        )
        try:
            answer = await self._tickets.handle(wish)
        except Refused as refusal:
            return await self._refuse(request, wish, number, refusal)
        return self._respond(answer, actor, HTTPStatus.OK)

    def _respond(
        self, answer: Answer, actor: Actor, status: HTTPStatus, more: Mapping[str, str] | None = None
    ) -> Response:
        ticket = answer.ticket
        headers = {"ETag": etag(ticket.version), **(more or {})}
        if answer.repeated:
            headers[REPLAYED] = "true"
        return Response(self._view(ticket, actor), status, headers, JSON)

    async def _refuse(self, request: Request, wish: Wish, number: TicketNumber, refusal: Refused) -> Response:
        """Say why not; with the ticket as it is now after a lost race, and nothing at all to strangers."""
        if isinstance(refusal, NotFound):
            raise refusal
        ticket = await self._tickets.get(number)
        actor = wish.actor
        visible = may_read(ticket, self._tickets.known_as(actor))
        if not visible and actor.role is Role.RESIDENT:
            raise NotFound(f"there is no ticket {number}", field="number") from refusal
        if not isinstance(refusal, Conflict) or not visible:
            raise refusal
        status = status_of(refusal) if wish.expected_version is None else HTTPStatus.PRECONDITION_FAILED
        return problem(
            request.url.path, status, refusal.rule, str(refusal),
            headers={"ETag": etag(ticket.version)},
            version=ticket.version,
            ticket=orjson.Fragment(self._view(ticket, actor)),
        )  # fmt: skip

    def _view(self, ticket: Ticket, actor: Actor) -> bytes:
        permitted = permitted_commands(ticket, self._tickets.known_as(actor))
        return ticket_json(ticket, as_of=self._tickets.clock(), permitted=permitted)
