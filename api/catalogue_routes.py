"""What anybody may know: the categories, and the lifecycle table."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.command_docs import OPEN_TO_ALL
from api.command_examples import IN_CHINESE
from domain.categories import CATALOGUE
from domain.commands import Import
from domain.lifecycle import LIFECYCLE, Rule, Who
from domain.vocabulary import MatterClass, State

TAG = "目录 Catalogue"


class CategoryView(BaseModel):
    """What a matter can be about."""

    code: str = Field(examples=["sanitation.garbage"])
    zh: str = Field(examples=["垃圾清运"])
    en: str = Field(examples=["Garbage not collected"])
    usual_class: MatterClass


class RuleView(BaseModel):
    """One row of the lifecycle table."""

    command: str = Field(examples=["verify"])
    zh: str = Field(examples=["核单"])
    from_states: list[State]
    emergency_from_states: list[State] = Field(description="Further states while an emergency is declared")
    to_state: State | None = Field(description="None: the state stays, or the event says where it goes")
    by: list[Who] = Field(description="A role in its region, or a relation to the ticket")
    while_suspended: bool
    events: list[str] = Field(examples=[["liudan.ticket.order-verified.v1"]])
    note: str


def catalogue_routes() -> APIRouter:
    """Build the routes of the catalogues, which are the same for everybody."""
    router = APIRouter(tags=[TAG])
    known_categories = [
        CategoryView(code=entry.code, zh=entry.zh, en=entry.en, usual_class=entry.usual_class)
        for entry in CATALOGUE.values()
    ]
    table = [_rule_view(rule) for command, rule in LIFECYCLE.items() if command is not Import]

    @router.get(
        "/v1/categories",
        operation_id="categories",
        summary="事项类别 What a matter can be about",
        openapi_extra=OPEN_TO_ALL,
    )
    async def categories() -> list[CategoryView]:
        """Every category, with the class that it usually falls into."""
        return known_categories

    @router.get(
        "/v1/lifecycle",
        operation_id="lifecycle",
        summary="流程表 Who may do what, from where",
        openapi_extra=OPEN_TO_ALL,
    )
    async def lifecycle() -> list[RuleView]:
        """The table from which everything that depends on the lifecycle is derived."""
        return table

    return router


def _rule_view(rule: Rule) -> RuleView:
    name = rule.command.NAME
    return RuleView(
        command=name,
        zh=IN_CHINESE[name],
        from_states=sorted(rule.froms),
        emergency_from_states=sorted(rule.emergency_froms),
        to_state=rule.to,
        by=sorted(rule.by),
        while_suspended=rule.suspended,
        events=[f"liudan.ticket.{event.TYPE}.v1" for event in rule.events],
        note=rule.note,
    )
