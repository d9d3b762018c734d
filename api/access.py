"""Who may look at what: one place, until sign-in brings claims of its own.

A resident sees their own tickets, an officer those of the unit's region, a department those that it
holds, held or helps with. Strangers' tickets do not exist for a resident; an officer is told no.
"""

from dataclasses import dataclass

from domain.errors import Forbidden, Invalid, NotFound
from domain.lifecycle import in_region, is_holder
from domain.regions import Grid, Region, covers
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role

_SEES_EVERY_TICKET = frozenset({Role.SYSTEM, Role.DATA_PROTECTION})
_SEES_NO_LISTS = frozenset({Role.RESIDENT, Role.DATA_PROTECTION})


@dataclass(frozen=True, slots=True)
class ListScope:
    """What of all tickets a list may show; None is no limit."""

    place: Region | Grid | None = None
    holder: str | None = None
    """Only what this unit holds."""


def may_read(ticket: Ticket, actor: Actor) -> bool:
    """Whether the actor (a resident by pseudonym) may look at the ticket and its history."""
    if actor.role in _SEES_EVERY_TICKET:
        return True
    if actor.role is Role.RESIDENT:
        return ticket.person is not None and actor.id == str(ticket.person)
    return in_region(ticket, actor) or is_holder(ticket, actor) or _took_part(ticket, actor)


def check_may_read(ticket: Ticket, actor: Actor) -> None:
    """Raise NotFound to a resident, Forbidden to an officer, who may not look at the ticket."""
    if may_read(ticket, actor):
        return
    if actor.role is Role.RESIDENT:
        raise NotFound(f"there is no ticket {ticket.number}", field="number")
    raise Forbidden(f"{ticket.number} lies outside of unit {actor.unit}", rule="outside-region")


def check_may_read_all(actor: Actor) -> None:
    """Raise Forbidden to everybody who may not look at every ticket of every region."""
    if actor.role not in _SEES_EVERY_TICKET:
        raise Forbidden(
            f"the entries of the log are of every region, not for {actor.role}", rule="not-allowed"
        )


def list_scope(actor: Actor) -> ListScope:
    """Give the part of all tickets whose lists the actor may see; raises Forbidden."""
    if actor.role in _SEES_NO_LISTS:
        raise Forbidden(f"lists are for officers, not for {actor.role}", rule="officers-only")
    if actor.role is Role.SYSTEM:
        return ListScope()
    if actor.role is Role.DEPARTMENT:
        return ListScope(holder=actor.unit)
    return ListScope(place=_place_of(actor.unit or ""))


def rollup_region(actor: Actor, region: Region | None) -> Region | None:
    """Give the region whose figures are asked for, by default the actor's own; raises Forbidden."""
    scope = list_scope(actor)
    if actor.role is Role.SYSTEM:
        return region
    if scope.place is None:
        raise Forbidden("the figures are by region; a department has none", rule="no-region")
    own = scope.place.region if isinstance(scope.place, Grid) else scope.place
    if region is not None and not covers(own, region):
        raise Forbidden(f"{region} lies outside of {own}", rule="outside-region", field="region")
    return region or own


def parse_place(text: str) -> Region | Grid:
    """Read the code of a region or of a grid; raises Invalid."""
    try:
        return Region.parse(text)
    except Invalid:
        if text[:12].isdigit() and "-" in text:
            return Grid.parse(text)
        raise


def _place_of(unit: str) -> Region | Grid:
    try:
        return parse_place(unit)
    except Invalid as error:
        raise Forbidden(f"unit {unit} is not a region or a grid: {error}", rule="no-region") from error


def _took_part(ticket: Ticket, actor: Actor) -> bool:
    if actor.unit is None:
        return False
    return actor.unit in ticket.cohandlers or any(actor.unit == step.unit for step in ticket.steps.values())
