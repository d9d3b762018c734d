"""Reading what is sealed, and the record of who has done it."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request

from api.command_docs import problem_responses
from api.identity import Identify
from api.list_views import Listing
from api.paging import PageParameters, Text, following
from domain.errors import Forbidden
from domain.numbers import TicketNumber
from domain.ticket_event import Actor
from domain.unsealing import UNSEALING, Purpose, SealedField
from domain.vocabulary import Role
from infra.privacy.access_record import Access, AccessQuery, AccessRecord, Outcome, Recorded
from infra.privacy.unsealing import Unsealed, Unsealing, Wish

TAG = "个人信息 Personal data"
Number = Annotated[str, Path(description="The ticket's number", examples=["622901-261123-2HPQK"])]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class UnsealBody(BaseModel):
    """What is to be read, and why."""

    model_config = ConfigDict(extra="forbid")

    fields: Annotated[tuple[SealedField, ...], Field(min_length=1, max_length=20, examples=[["contact"]])]
    purpose: Purpose = Field(examples=["contact_resident"])
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = (
        Field(
            default=None,
            description="Required of officers. It is recorded for ever: it must hold no personal data",
            examples=["电话核实坑的具体位置"],
        )
    )


class AccessParameters(PageParameters):
    """Which readings; what is left out does not narrow."""

    number: Text | None = Field(default=None, description="Of this ticket")
    actor: Text | None = Field(default=None, description="By this officer, or a resident's pseudonym")
    outcome: Outcome | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class AccessLine(Access):
    """One entry of the record, with its place in it."""

    sequence: int

    @classmethod
    def of(cls, recorded: Recorded) -> "AccessLine":
        """Make a line of an entry."""
        return cls(sequence=recorded.sequence, **recorded.access.model_dump())


def unseal_routes(unsealing: Unsealing, record: AccessRecord, identify: Identify) -> APIRouter:
    """Build the routes of reading what is sealed."""
    router = APIRouter(tags=[TAG], responses=problem_responses(401, 403, 404, 409, 422, 503))

    @router.post(
        "/v1/tickets/{number}/unseal",
        operation_id="unseal",
        summary="查看个人信息 Read what is sealed, on record",
        description=f"{_INTRODUCTION}\n\n{_table()}",
    )
    async def unseal(
        number: Number, body: UnsealBody, actor: Annotated[Actor, Depends(identify)], response: Response
    ) -> Unsealed:
        response.headers["Cache-Control"] = "no-store"
        wish = Wish(fields=body.fields, purpose=body.purpose, why=body.why)
        return await unsealing.unseal(TicketNumber.parse(number), actor, wish)

    @router.get(
        "/v1/audit/access",
        operation_id="list_accesses",
        summary="查看记录 Who has read what is sealed, or tried to",
    )
    async def list_accesses(
        request: Request,
        response: Response,
        actor: Annotated[Actor, Depends(identify)],
        wanted: Annotated[AccessParameters, Query()],
    ) -> Listing[AccessLine]:
        """The newest first, refused attempts as well. For the data protection role 个人信息保护."""
        if actor.role is not Role.DATA_PROTECTION:
            raise Forbidden(f"the access record is not for {actor.role}", rule="data-protection-only")
        response.headers["Cache-Control"] = "no-store"
        page = await asyncio.to_thread(record.find, _query(wanted), limit=wanted.limit, cursor=wanted.cursor)
        items = [AccessLine.of(one) for one in page.items]
        return Listing(items=items, next=following(request, page.next_cursor))

    return router


def _query(wanted: AccessParameters) -> AccessQuery:
    number = str(TicketNumber.parse(wanted.number)) if wanted.number else None
    return AccessQuery(number, wanted.actor, wanted.outcome, wanted.since, wanted.until)


_INTRODUCTION = (
    "Every reading, and every attempt that is refused, is on record before it is answered: who, of which "
    "unit, which fields, what for and why. Who may read what, and when:"
)


def _table() -> str:
    rows = (
        f"| `{rule.who}` | {', '.join(f'`{field}`' for field in SealedField if field in rule.fields)} "
        f"| {rule.when} | {rule.note} |"
        for rule in UNSEALING
    )
    return "\n".join(("| who | fields | when | need |", "|---|---|---|---|", *rows))
