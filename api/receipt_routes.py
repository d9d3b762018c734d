"""Receipts: what a resident keeps, to prove later and without us what was recorded."""

import asyncio
import time
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from api.access import check_may_read
from api.command_docs import problem_responses
from api.identity import Identify
from api.problems import RETRY_AFTER_SECONDS, Rejection
from domain.numbers import TicketNumber
from domain.ticket_event import Actor
from infra.ticket_receipts import NotLoggedYet, Occasion, TicketReceipts
from infra.tickets import Tickets
from infra.transparency.receipt import MEDIA_TYPE, SUFFIX, Receipt

TAG = "审计 Audit"
PATIENCE_SECONDS = 2.0
"""How long a request waits for the checkpoint that covers what was recorded a moment ago."""
_LOOK_SECONDS = 0.1

Number = Annotated[str, Path(description="The ticket's number", examples=["622901-261123-2HPQK"])]
For = Annotated[Occasion, Query(alias="for", description="What the receipt is for")]
Version = Annotated[int | None, Query(ge=1, description="For this event of the ticket instead")]


def receipt_routes(tickets: Tickets, receipts: TicketReceipts, identify: Identify) -> APIRouter:
    """Build the route of receipts."""
    router = APIRouter(tags=[TAG], responses=problem_responses(401, 403, 404, 422, 503))

    @router.get(
        "/v1/tickets/{number}/receipt",
        operation_id="get_ticket_receipt",
        summary="回执 The proof that an event is in the transparency log",
        response_class=Response,
        responses={200: {"description": "A C2SP tlog-proof whose extra data is the event itself",
                         "content": {"text/plain": {}}}},
    )  # fmt: skip
    async def get_ticket_receipt(
        number: Number,
        actor: Annotated[Actor, Depends(identify)],
        occasion: For = Occasion.PLACING,
        version: Version = None,
    ) -> Response:
        """One file to keep: `liudan audit check-receipt FILE --key K` checks it without asking us.

        What was recorded a moment ago is waited for; 503 with `Retry-After` when that takes too long.
        """
        parsed = TicketNumber.parse(number)
        check_may_read(await tickets.get(parsed), tickets.known_as(actor))
        given = await _patiently(receipts, parsed, occasion, version)
        name = f"{parsed}-{version or occasion}{SUFFIX}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-cache",
        }
        return Response(bytes(given), headers=headers, media_type=MEDIA_TYPE)

    return router


async def _patiently(
    receipts: TicketReceipts, number: TicketNumber, occasion: Occasion, version: int | None
) -> Receipt:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if version is not None:
                return await asyncio.to_thread(receipts.for_version, number, version)
            return await asyncio.to_thread(receipts.for_occasion, number, occasion)
        except NotLoggedYet as early:
            if time.monotonic() >= until:
                raise Rejection(
                    HTTPStatus.SERVICE_UNAVAILABLE, "not-logged-yet", str(early),
                    headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
                ) from early  # fmt: skip
        await asyncio.sleep(_LOOK_SECONDS)
