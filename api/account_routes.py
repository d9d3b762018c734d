"""One ticket's time: its deadlines explained, who answers for them, and the log of its emergencies."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime

from api.access import check_may_read
from api.command_docs import problem_responses
from api.identity import Identify
from domain.accountability import Accountability
from domain.explanation import Explanation
from domain.numbers import TicketNumber
from domain.response_log import ResponseLog
from domain.ticket_event import Actor
from infra.ticket_accounts import TicketAccounts
from infra.tickets import Tickets
from projections.sla_clocks import KnownUntil

TICKETS, DEADLINES = "工单 Tickets", "时限 Deadlines"

Number = Annotated[str, Path(description="The ticket's number", examples=["622901-261123-2HPQK"])]
AsOf = Annotated[
    AwareDatetime | None,
    Query(description="As it stood at this moment; by default now, and for an imported case that is open, "
          "when its source last spoke", examples=["2026-11-23T18:00:00+08:00"]),
]  # fmt: skip


def account_routes(tickets: Tickets, identify: Identify, known_until: Callable[[], KnownUntil]) -> APIRouter:
    """Build the routes that account for one ticket."""
    router = APIRouter(responses=problem_responses(401, 403, 404, 409, 422, 503))
    accounts = TicketAccounts(tickets)

    async def readable(number: Number, actor: Annotated[Actor, Depends(identify)]) -> TicketNumber:
        parsed = TicketNumber.parse(number)
        check_may_read(await tickets.get(parsed), tickets.known_as(actor))
        return parsed

    Readable = Annotated[TicketNumber, Depends(readable)]  # noqa: N806 - a type

    @router.get(
        "/v1/tickets/{number}/deadlines",
        operation_id="get_ticket_deadlines",
        tags=[DEADLINES],
        summary="时限说明 Every clock, to be recomputed with a pencil",
    )
    async def get_ticket_deadlines(number: Readable, as_of: AsOf = None) -> Explanation:
        """Every stretch of every clock, counted or not and why, with the running sum up to the due time."""
        return await accounts.deadlines(number, as_of, known_until())

    @router.get(
        "/v1/tickets/{number}/accountability",
        operation_id="get_ticket_accountability",
        tags=[DEADLINES],
        summary="责任追溯 Who answers for what was late",
    )
    async def get_ticket_accountability(number: Readable, as_of: AsOf = None) -> Accountability:
        """For every limit that passed: who held the ticket how long, and through whose hands it went."""
        return await accounts.accountability(number, as_of, known_until())

    @router.get(
        "/v1/tickets/{number}/response-log",
        operation_id="get_ticket_response_log",
        tags=[TICKETS],
        summary="应急处置记录 The log of a ticket's emergencies",
    )
    async def get_ticket_response_log(number: Readable) -> ResponseLog:
        """Who warned, reported, followed, instructed or cleared up, and when; the words are sealed."""
        return await accounts.response_log(number)

    return router
