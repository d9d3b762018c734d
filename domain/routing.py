"""Whose turn it is: the holder of each step, forwards, sideways and back."""

from functools import lru_cache

from domain.errors import Invalid, Refused
from domain.events import Holder
from domain.regions import Grid, Region, covers
from domain.ticket import Ticket
from domain.vocabulary import Level, MatterClass, State

_few = lru_cache(maxsize=10_000)
"""Units and their places are few, and every command names one: it is worth remembering what they make."""
_BEFORE = {
    State.VERIFIED: State.PLACED,
    State.ISSUED: State.VERIFIED,
    State.DISPATCHED: State.ISSUED,
    State.ACCEPTED: State.DISPATCHED,
}


@_few
def _level_part(region: Region, depth: int) -> Region:
    """Cut a region to a depth of its hierarchy; one that is wider already stays as it is."""
    return region.ancestors[min(depth, region.depth) - 1]


@_few
def grid_holder(grid: Grid | None, region: Region) -> Holder:
    """The grid, or the whole region where the grid is not known yet."""
    return Holder(level=Level.GRID, unit=grid or region)


@_few
def village_holder(region: Region) -> Holder:
    """The village or community 村（社区）."""
    return Holder(level=Level.VILLAGE, unit=_level_part(region, 5))


@_few
def township_holder(unit: Region) -> Holder:
    """The township centre."""
    return Holder(level=Level.TOWNSHIP, unit=unit)


@_few
def county_holder(region: Region) -> Holder:
    """The county centre."""
    return Holder(level=Level.COUNTY, unit=_level_part(region, 3))


@_few
def department_holder(unit: str) -> Holder:
    """A department, by its unit code."""
    return Holder(level=Level.DEPARTMENT, unit=unit)


def issued_holder(ticket: Ticket, township: Region | None) -> Holder:
    """The township centre; the county's for a matter that crosses counties."""
    if ticket.matter_class is MatterClass.CROSS_COUNTY:
        return county_holder(ticket.region)
    unit = township or _level_part(ticket.region, 4)
    if not covers(unit, ticket.region):
        raise Invalid(f"{unit} is not the township of {ticket.region}", rule="bad-region", field="township")
    return township_holder(unit)


def previous_step(ticket: Ticket, returns: int) -> tuple[State, Holder]:
    """One step back; from the second return on it is the county's to rule."""
    if returns > 1:
        return State.ISSUED, county_holder(ticket.region)
    state = _BEFORE[ticket.state]
    holder = ticket.steps.get(state)
    if holder is None:
        raise Refused(f"this ticket was never {state}", rule="no-step-back")
    return state, holder


def transferred_holder(ticket: Ticket, unit: str) -> Holder:
    """Another unit at the same level."""
    holder = ticket.holder
    if holder is None or holder.unit == unit:
        raise Refused("the ticket is there already", rule="same-holder", field="to_unit")
    if holder.level is not Level.DEPARTMENT and not covers(ticket.region.ancestors[0], unit):
        raise Invalid(f"{unit} is not a unit at the {holder.level} level", rule="bad-unit", field="to_unit")
    return Holder(level=holder.level, unit=unit)


def reopened_step(ticket: Ticket) -> tuple[State, Holder]:
    """Back to the department that had it, else to the village."""
    department = ticket.steps.get(State.ACCEPTED) or ticket.steps.get(State.DISPATCHED)
    if department is not None:
        return State.ACCEPTED, department
    return State.VERIFIED, village_holder(ticket.region)
