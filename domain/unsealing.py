"""Who may read what is sealed on a ticket: one table of who, what and when. All else is refused.

A relation to the ticket gives the role and the region, the condition gives the need: an officer reads what
their step takes while the matter is open, and nothing of one that is over.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Forbidden, Invalid
from domain.lifecycle import Who, relations
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role


class SealedField(StrEnum):
    """What may be sealed in an event."""

    NAME = "name"  # 姓名
    CONTACT = "contact"  # 联系方式
    ADDRESS = "address"  # 详细地址
    WORDS = "words"  # 说明
    REASON = "reason"  # a resident's own, e.g. for reopening


class Purpose(StrEnum):
    """What it is read for."""

    OWN_DATA = "own_data"  # 本人查询
    CONTACT_RESIDENT = "contact_resident"  # 联系群众
    VISIT_PLACE = "visit_place"  # 现场核实
    HANDLE_MATTER = "handle_matter"  # 办理
    SUPERVISE = "supervise"  # 督办
    EMERGENCY = "emergency"  # 应急处置
    DATA_SUBJECT_REQUEST = "data_subject_request"  # 答复个人信息请求


class When(StrEnum):
    """When there is a need."""

    ALWAYS = "always"
    OPEN = "open"
    EMERGENCY = "emergency"


COHANDLER = "cohandler"
"""A unit that helps, beside the relations of the lifecycle table."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    who: Who | str
    fields: frozenset[SealedField]
    when: When
    note: str


_F, _EVERYTHING = SealedField, frozenset(SealedField)
_MATTER = frozenset({_F.ADDRESS, _F.WORDS, _F.REASON})
_TEXT = frozenset({_F.WORDS, _F.REASON})
UNSEALING = (
    Rule(Who.RESIDENT, _EVERYTHING, When.ALWAYS, "their own"),
    Rule(Who.GRID_WORKER, _EVERYTHING, When.OPEN, "goes there, and tells the resident the result"),
    Rule(Who.HOLDER, _EVERYTHING, When.OPEN, "has to find the place and to ask back"),
    Rule(COHANDLER, _MATTER, When.OPEN, "helps with the matter; the holder speaks with the resident"),
    Rule(Who.VILLAGE, _MATTER, When.OPEN, "decides what is solved here; reads the rest while it holds it"),
    Rule(Who.SUPERIOR, _TEXT, When.OPEN, "rules and supervises, and does not visit"),
    Rule(Who.TOWNSHIP, _EVERYTHING, When.EMERGENCY, "reaches people at once"),
    Rule(Who.COUNTY, _EVERYTHING, When.EMERGENCY, "commands directly while the command is flat"),
    Rule(Who.DATA_PROTECTION, _EVERYTHING, When.ALWAYS, "answers what residents ask about their data"),
)

_HOLDS: Mapping[When, Callable[[Ticket], bool]] = {
    When.ALWAYS: lambda _: True,
    When.OPEN: lambda ticket: not ticket.ended,
    When.EMERGENCY: lambda ticket: ticket.emergency_at is not None and not ticket.ended,
}


def readable_fields(ticket: Ticket, actor: Actor) -> frozenset[SealedField]:
    """Give what the actor (a resident by pseudonym) may read of this ticket now."""
    stands = {*relations(ticket, actor), *((COHANDLER,) if actor.unit in ticket.cohandlers else ())}
    rows = (rule.fields for rule in UNSEALING if rule.who in stands and _HOLDS[rule.when](ticket))
    return frozenset().union(*rows)


def check_may_unseal(ticket: Ticket, actor: Actor, wanted: Iterable[SealedField]) -> None:
    """Raise Forbidden, naming the fields that the table does not give to the actor."""
    readable = readable_fields(ticket, actor)
    refused = [field for field in wanted if field not in readable]
    if refused:
        rule = "no-need" if ticket.ended else "not-for-your-role"
        raise Forbidden(f"{', '.join(refused)} of {ticket.number} is not for {_described(actor)}", rule=rule)


def check_reason(actor: Actor, purpose: Purpose, why: str | None) -> None:
    """Raise Invalid when an officer does not say why, or gives a purpose that is the resident's."""
    if actor.role is Role.RESIDENT:
        return
    if not why:
        raise Invalid("say why; it is recorded", rule="why-needed", field="why")
    if purpose is Purpose.OWN_DATA:
        raise Invalid("own_data is the resident's purpose", rule="purpose-not-yours", field="purpose")


def _described(actor: Actor) -> str:
    return f"{actor.role} of unit {actor.unit or '–'} now"
