"""The six orders: placing, verifying, issuing, dispatching, accepting, rating, and the ways round them."""

from collections.abc import Callable, Mapping
from typing import Any

from domain import commands as c
from domain import events as e
from domain.categories import category_of, classify
from domain.context import Context
from domain.deadlines import Deadlines
from domain.due_times import Matter, opening_deadlines, reclassed, reopening_ends, stage_deadlines
from domain.errors import Forbidden, Invalid, Refused
from domain.events import Payload
from domain.personal import SEALED_REASON
from domain.routing import (
    department_holder,
    grid_holder,
    issued_holder,
    previous_step,
    reopened_step,
    transferred_holder,
    village_holder,
)
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.trusted import trusted
from domain.vocabulary import Level, MatterClass, Role, State

# What every ticket goes through; the rarer events are made, and checked, by their models.
_placed = trusted(e.OrderPlaced)
_verified = trusted(e.OrderVerified)
_issued = trusted(e.OrderIssued)
_dispatched = trusted(e.OrderDispatched)
_accepted = trusted(e.OrderAccepted)
_resolved = trusted(e.MatterResolved)
_fed_back = trusted(e.ResultFedBack)
_rated = trusted(e.OrderRated)
_closed = trusted(e.TicketClosed)


def _place(_: None, command: c.Place, context: Context) -> list[Payload]:
    category_of(command.category)
    if command.grid is not None and not command.region.contains(command.grid):
        raise Invalid(f"grid {command.grid} is not in region {command.region}", field="grid")
    matter_class = classify(command.category, urgency=command.urgency)
    return [
        _placed(
            to=State.PLACED,
            holder=grid_holder(command.grid, command.region),
            deadlines=opening_deadlines(
                Matter(command.region, command.category, matter_class), State.PLACED, context
            ),
            region=command.region,
            grid=command.grid,
            category=command.category,
            matter_class=matter_class,
            urgency=command.urgency,
            channel=command.channel,
            person=context.person,
        )
    ]


def _verify(ticket: Ticket, command: c.Verify, context: Context) -> list[Payload]:
    region = command.region or ticket.region
    grid = command.grid or (ticket.grid if ticket.grid and region.contains(ticket.grid) else None)
    if region.area != ticket.region.area:
        raise Invalid("a ticket stays in the county of its number", rule="other-county", field="region")
    if grid is not None and not region.contains(grid):
        raise Invalid(f"grid {grid} is not in region {region}", field="grid")
    category = category_of(command.category or ticket.category).code
    urgency = command.urgency or ticket.urgency
    matter_class = command.matter_class or classify(
        category, command.weight, urgency, cross_county=command.cross_county
    )
    holder = grid_holder(grid, region) if command.solvable_in_grid else village_holder(region)
    return [
        _verified(
            to=State.VERIFIED,
            holder=holder,
            deadlines=reclassed(ticket, Matter(region, category, matter_class), State.VERIFIED, context),
            region=region,
            grid=grid,
            category=category,
            matter_class=matter_class,
            urgency=urgency,
        )
    ]


def _reject(_: Ticket, command: c.Reject, __: Context) -> list[Payload]:
    return [e.OrderRejected(to=State.REJECTED, reason=command.reason)]


def _issue(ticket: Ticket, command: c.Issue, context: Context) -> list[Payload]:
    holder = issued_holder(ticket, command.township)
    return [_issued(to=State.ISSUED, holder=holder, deadlines=stage_deadlines(ticket, State.ISSUED, context))]


def _dispatch(ticket: Ticket, command: c.Dispatch, context: Context) -> list[Payload]:
    _check_dispatcher(ticket, context.actor)
    ruling = ticket.holder is not None and ticket.holder.level is Level.COUNTY and ticket.returns > 1
    return [
        _dispatched(
            to=State.DISPATCHED,
            holder=department_holder(command.department),
            deadlines=stage_deadlines(ticket, State.DISPATCHED, context),
            binding=ruling,
        )
    ]


def _check_dispatcher(ticket: Ticket, actor: Actor) -> None:
    """The township dispatches; a higher centre when the matter is its own, or was escalated to it."""
    held = ticket.holder.level if ticket.holder else None
    if actor.role is Role.TOWNSHIP:
        if held is not Level.TOWNSHIP:
            raise Forbidden("this matter is the county's to dispatch", rule="county-dispatches")
        return
    high = {Level.COUNTY, Level.PREFECTURE}
    if ticket.emergency_at is None and held not in high and ticket.escalated_to not in high:
        raise Forbidden("an ordinary matter is the township's to dispatch", rule="township-dispatches")


def _accept(ticket: Ticket, command: c.Accept, context: Context) -> list[Payload]:
    return [
        _accepted(
            to=State.ACCEPTED,
            holder=ticket.holder,
            deadlines=stage_deadlines(ticket, State.ACCEPTED, context),
            first_handler=command.first_handler,
        )
    ]


def _return(ticket: Ticket, command: c.Return, context: Context) -> list[Payload]:
    if ticket.binding:
        raise Refused("the county has ruled: it cannot be returned again", rule="ruling-is-binding")
    returns = ticket.returns + 1
    state, holder = previous_step(ticket, returns)
    return [
        e.OrderReturned(
            to=state,
            holder=holder,
            deadlines=stage_deadlines(ticket, state, context),
            reason=command.reason,
            returns=returns,
        )
    ]


def _transfer(ticket: Ticket, command: c.Transfer, _: Context) -> list[Payload]:
    return [
        e.OrderTransferred(
            to=ticket.state,
            holder=transferred_holder(ticket, command.to_unit),
            deadlines=ticket.deadlines,
            reason=command.reason,
        )
    ]


def _assign(_: Ticket, command: c.Assign, __: Context) -> list[Payload]:
    return [e.FirstHandlerAssigned(first_handler=command.first_handler)]


def _add_cohandler(ticket: Ticket, command: c.AddCohandler, _: Context) -> list[Payload]:
    if command.unit in ticket.cohandlers or (ticket.holder and ticket.holder.unit == command.unit):
        raise Refused(f"{command.unit} is on this ticket already", rule="already-on-it", field="unit")
    return [e.CoHandlerAdded(unit=command.unit)]


def _progress(_: Ticket, __: c.Progress, ___: Context) -> list[Payload]:
    return [e.ProgressNoted()]


def _attach(_: Ticket, command: c.Attach, __: Context) -> list[Payload]:
    return [
        e.EvidenceAttached(
            media_type=command.media_type, sha256=command.sha256, size_bytes=command.size_bytes
        )
    ]


def _resolve(ticket: Ticket, command: c.Resolve, context: Context) -> list[Payload]:
    if ticket.holder is None:
        raise Refused("nobody holds this ticket", rule="not-the-holder")
    if ticket.state is State.ISSUED and ticket.holder.level is Level.DEPARTMENT:
        raise Refused("a department accepts before it resolves", rule="wrong-state")
    return [
        _resolved(
            to=State.RESOLVED,
            holder=ticket.steps.get(State.PLACED) or grid_holder(ticket.grid, ticket.region),
            deadlines=stage_deadlines(ticket, State.RESOLVED, context),
            outcome=command.outcome,
            resolver=ticket.holder,
            resolved_from=ticket.state,
        )
    ]


def _rework(ticket: Ticket, command: c.Rework, context: Context) -> list[Payload]:
    back_to = ticket.resolved_from or State.VERIFIED
    return [
        e.ReworkOrdered(
            to=back_to,
            holder=ticket.resolver,
            deadlines=stage_deadlines(ticket, back_to, context),
            reason=command.reason,
        )
    ]


def _feed_back(ticket: Ticket, _: c.FeedBack, context: Context) -> list[Payload]:
    return [_fed_back(to=State.FED_BACK, deadlines=stage_deadlines(ticket, State.FED_BACK, context))]


def _rate(ticket: Ticket, command: c.Rate, _: Context) -> list[Payload]:
    rated = _rated(solved=command.solved, score=command.score)
    if ticket.state is State.MERGED:
        if ticket.score is not None:
            raise Refused("this ticket has been rated", rule="already-rated")
        return [rated]
    return [rated, _closed(to=State.CLOSED, reason="rated")]


def _lapse_rating(ticket: Ticket, _: c.LapseRating, context: Context) -> list[Payload]:
    due = ticket.deadlines.rating_due if ticket.deadlines else None
    if due is None or context.now < due:
        raise Refused("the resident's time for rating is not over", rule="rating-period-runs")
    return [e.RatingLapsed(), _closed(to=State.CLOSED, reason="rating_lapsed")]


def _reopen(ticket: Ticket, command: c.Reopen, context: Context) -> list[Payload]:
    closed_at = ticket.closed_at or ticket.changed_at
    if context.actor.role is Role.RESIDENT and context.now > reopening_ends(ticket, closed_at, context):
        raise Refused("the time for reopening is over; place a new matter", rule="reopening-period-over")
    state, holder = reopened_step(ticket)
    matter = Matter(ticket.region, ticket.category, ticket.matter_class or MatterClass.GENERAL)
    return [
        e.TicketReopened(
            to=state,
            holder=holder,
            deadlines=opening_deadlines(matter, state, context, emergency=ticket.emergency_at is not None),
            reason=SEALED_REASON if context.actor.role is Role.RESIDENT else command.reason,
            cycle=ticket.cycle + 1,
        )
    ]


def _withdraw(_: Ticket, __: c.Withdraw, ___: Context) -> list[Payload]:
    return [e.OrderWithdrawn(to=State.WITHDRAWN)]


def _import(_: None, command: c.Import, context: Context) -> list[Payload]:
    open_state = State.DISPATCHED if command.agency else State.PLACED
    holder = department_holder(command.agency) if command.agency else grid_holder(None, command.region)
    deadlines = Deadlines(resolve_due=command.resolve_due, policy=f"{command.origin}")
    return [
        e.TicketImported(
            to=State.CLOSED if command.closed else open_state,
            holder=holder,
            deadlines=deadlines if command.resolve_due else None,
            **{name: getattr(command, name) for name in _IMPORTED},
            person=context.person,
        )
    ]


_IMPORTED = (
    "origin", "source_id", "region", "category", "category_text", "channel", "source_channel",
    "source_status", "agency", "agency_name", "placed_at", "closed_at", "resolution", "oddities",
)  # fmt: skip

DECIDERS: Mapping[type[c.Command], Callable[[Any, Any, Context], list[Payload]]] = {
    c.Place: _place,
    c.Verify: _verify,
    c.Reject: _reject,
    c.Issue: _issue,
    c.Dispatch: _dispatch,
    c.Accept: _accept,
    c.Return: _return,
    c.Transfer: _transfer,
    c.Assign: _assign,
    c.AddCohandler: _add_cohandler,
    c.Progress: _progress,
    c.Attach: _attach,
    c.Resolve: _resolve,
    c.Rework: _rework,
    c.FeedBack: _feed_back,
    c.Rate: _rate,
    c.LapseRating: _lapse_rating,
    c.Reopen: _reopen,
    c.Withdraw: _withdraw,
    c.Import: _import,
}
