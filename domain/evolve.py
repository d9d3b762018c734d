"""Fold events into the ticket: `evolve(ticket, event) -> ticket`, total and pure.

It trusts what the events say (they are facts) and refuses only what cannot be a history: a gap.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeGuard

from domain import events as e
from domain.errors import Halted, Poison
from domain.events import PAYLOADS, Payload
from domain.ticket import Span, Ticket
from domain.ticket_event import TicketEvent
from domain.vocabulary import ENDED, End, State, Urgency

Changes = dict[str, Any]
_MOVES = frozenset(payload for payload in PAYLOADS.values() if issubclass(payload, e.Moved))
"""Asked of every event; `isinstance` of a pydantic model is a call of Python code."""
_NO_STAGE = {"stage_due": None, "stage_clock": None}
_NO_RESOLVE = {"resolve_due": None}


def evolve(ticket: Ticket | None, event: TicketEvent) -> Ticket:
    """Give the ticket after `event`; raises Halted on a gap and Poison on a first event that is none."""
    payload = event.payload
    if ticket is None:
        return _begin(event)
    if event.sequence != ticket.version + 1:
        raise Halted(
            f"ticket {event.number}: version {event.sequence} follows {ticket.version}; history has a gap"
        )
    changes: Changes = {"version": event.sequence, "changed_at": event.occurred_at}
    if _moves(payload):
        _move(changes, ticket, payload, event)
    apply = _APPLY.get(type(payload))
    if apply is not None:
        apply(changes, ticket, payload, event)
    return ticket.changed(**changes)


def _moves(payload: Payload) -> TypeGuard[e.Moved]:
    return type(payload) in _MOVES


def fold(ticket: Ticket | None, events: Iterable[TicketEvent]) -> Ticket | None:
    """Replay a history, from nothing or from a state that is already known."""
    for event in events:
        ticket = evolve(ticket, event)
    return ticket


def _begin(event: TicketEvent) -> Ticket:
    payload = event.payload
    if event.sequence != 1:
        raise Halted(f"ticket {event.number}: its history begins with version {event.sequence}")
    if isinstance(payload, e.OrderPlaced):
        return _placed(event, payload)
    if isinstance(payload, e.TicketImported):
        return _imported(event, payload)
    raise Poison(f"ticket {event.number}: a history cannot begin with {event.type}")


def _placed(event: TicketEvent, payload: e.OrderPlaced) -> Ticket:
    return Ticket(
        number=event.number,
        stream_id=event.stream_id,
        version=1,
        changed_at=event.occurred_at,
        state=payload.to,
        region=payload.region,
        grid=payload.grid,
        category=payload.category,
        matter_class=payload.matter_class,
        urgency=payload.urgency,
        channel=payload.channel,
        person=payload.person,
        holder=payload.holder,
        steps={payload.to: payload.holder} if payload.holder else {},
        placed_at=event.occurred_at,
        clock_started_at=event.occurred_at,
        stage_entered_at=event.occurred_at,
        deadlines=payload.deadlines,
    )


def _imported(event: TicketEvent, payload: e.TicketImported) -> Ticket:
    return Ticket(
        number=event.number,
        stream_id=event.stream_id,
        version=1,
        changed_at=event.occurred_at,
        state=payload.to,
        region=payload.region,
        category=payload.category,
        channel=payload.channel,
        person=payload.person,
        holder=None if payload.to in ENDED else payload.holder,
        steps={State.DISPATCHED: payload.holder} if payload.holder else {},
        placed_at=payload.placed_at,
        clock_started_at=payload.placed_at,
        stage_entered_at=payload.closed_at or payload.placed_at,
        deadlines=payload.deadlines,
        resolved_at=payload.closed_at,
        closed_at=payload.closed_at,
        end=End.IMPORTED_CLOSED if payload.to is State.CLOSED else None,
        origin=payload.origin,
        source_id=payload.source_id,
    )


def _move(changes: Changes, ticket: Ticket, payload: e.Moved, event: TicketEvent) -> None:
    changes.update(
        state=payload.to, holder=payload.holder, stage_entered_at=event.occurred_at, first_handler=None
    )
    if payload.deadlines is not None:
        changes["deadlines"] = payload.deadlines
    if payload.holder is not None:
        changes["steps"] = {**ticket.steps, payload.to: payload.holder}
    if ticket.ordinary is not None:
        changes["ordinary"] = ticket.ordinary.model_copy(update=_NO_STAGE)  # its order is done
    if payload.to in ENDED:
        changes.update(closed_at=event.occurred_at, suspended_at=None, extension_asked=None)


def _verified(changes: Changes, ticket: Ticket, payload: e.OrderVerified, _: TicketEvent) -> None:
    if ticket.ordinary is not None:
        changes["ordinary"] = ticket.ordinary.model_copy(update={**_NO_STAGE, **_NO_RESOLVE})
    changes.update(
        region=payload.region,
        grid=payload.grid,
        category=payload.category,
        matter_class=payload.matter_class,
        urgency=payload.urgency,
    )


def _dispatched(changes: Changes, ticket: Ticket, payload: e.OrderDispatched, _: TicketEvent) -> None:
    changes["binding"] = payload.binding or ticket.binding


def _accepted(changes: Changes, _: Ticket, payload: e.OrderAccepted, __: TicketEvent) -> None:
    changes["first_handler"] = payload.first_handler


def _returned(changes: Changes, _: Ticket, payload: e.OrderReturned, __: TicketEvent) -> None:
    changes["returns"] = payload.returns


def _transferred(changes: Changes, ticket: Ticket, _: e.OrderTransferred, __: TicketEvent) -> None:
    # the same step goes on
    changes.update(stage_entered_at=ticket.stage_entered_at, ordinary=ticket.ordinary)


def _assigned(changes: Changes, _: Ticket, payload: e.FirstHandlerAssigned, __: TicketEvent) -> None:
    changes["first_handler"] = payload.first_handler


def _cohandler(changes: Changes, ticket: Ticket, payload: e.CoHandlerAdded, _: TicketEvent) -> None:
    changes["cohandlers"] = (*ticket.cohandlers, payload.unit)


def _resolved(changes: Changes, ticket: Ticket, payload: e.MatterResolved, event: TicketEvent) -> None:
    changes.update(
        resolver=payload.resolver,
        resolved_from=payload.resolved_from,
        outcome=payload.outcome,
        resolved_at=event.occurred_at,
        first_handler=ticket.first_handler,
        extension_asked=None,
    )


def _rework(changes: Changes, _: Ticket, __: e.ReworkOrdered, ___: TicketEvent) -> None:
    changes.update(resolved_at=None, outcome=None)


def _fed_back(changes: Changes, ticket: Ticket, _: e.ResultFedBack, __: TicketEvent) -> None:
    changes["first_handler"] = ticket.first_handler


def _rated(changes: Changes, _: Ticket, payload: e.OrderRated, __: TicketEvent) -> None:
    changes.update(solved=payload.solved, score=payload.score)


def _closed(changes: Changes, ticket: Ticket, payload: e.TicketClosed, _: TicketEvent) -> None:
    changes.update(end=End(payload.reason), first_handler=ticket.first_handler)


def _rejected(changes: Changes, _: Ticket, __: e.OrderRejected, ___: TicketEvent) -> None:
    changes["end"] = End.REJECTED


def _withdrawn(changes: Changes, _: Ticket, __: e.OrderWithdrawn, ___: TicketEvent) -> None:
    changes["end"] = End.WITHDRAWN


def _reopened(changes: Changes, _: Ticket, payload: e.TicketReopened, event: TicketEvent) -> None:
    changes.update(
        cycle=payload.cycle,
        clock_started_at=event.occurred_at,
        resolved_at=None,
        closed_at=None,
        end=None,
        outcome=None,
        solved=None,
        score=None,
        extension_asked=None,
        extensions=(),
        pauses=(),
        ordinary=None,
        escalated_to=None,
        returns=0,
        binding=False,
    )


def _merged(changes: Changes, ticket: Ticket, payload: e.TicketsMerged, event: TicketEvent) -> None:
    if ticket.number != payload.child:
        changes["children"] = (*ticket.children, payload.child)
        return
    changes.update(
        state=State.MERGED,
        end=End.MERGED,
        parent=payload.parent,
        merged_from=ticket.state,
        closed_at=event.occurred_at,
        stage_entered_at=event.occurred_at,
    )


def _unmerged(changes: Changes, ticket: Ticket, payload: e.TicketsUnmerged, event: TicketEvent) -> None:
    if ticket.number != payload.child:
        changes["children"] = tuple(child for child in ticket.children if child != payload.child)
        return
    changes.update(
        state=payload.to,
        end=None,
        parent=None,
        merged_from=None,
        closed_at=None,
        stage_entered_at=event.occurred_at,
    )


def _asked(changes: Changes, _: Ticket, payload: e.ExtensionRequested, event: TicketEvent) -> None:
    changes.update(extension_asked=payload.until, extension_asked_at=event.occurred_at)


def _granted(changes: Changes, ticket: Ticket, payload: e.ExtensionGranted, _: TicketEvent) -> None:
    before = ticket.deadlines.resolve_due if ticket.deadlines else None
    after = payload.deadlines.resolve_due
    changes.update(deadlines=payload.deadlines, extension_asked=None)
    if before is not None and after is not None:
        changes["extensions"] = (*ticket.extensions, Span(before, after))


def _refused(changes: Changes, _: Ticket, __: e.ExtensionRefused, ___: TicketEvent) -> None:
    changes["extension_asked"] = None


def _suspended(changes: Changes, _: Ticket, __: e.TicketSuspended, event: TicketEvent) -> None:
    changes["suspended_at"] = event.occurred_at


def _resumed(changes: Changes, ticket: Ticket, payload: e.TicketResumed, event: TicketEvent) -> None:
    since = ticket.suspended_at or event.occurred_at
    changes.update(suspended_at=None, pauses=(*ticket.pauses, Span(since, event.occurred_at)))
    if payload.deadlines is not None:
        changes["deadlines"] = payload.deadlines


def _reclassified(changes: Changes, ticket: Ticket, payload: e.MatterReclassified, _: TicketEvent) -> None:
    if ticket.ordinary is not None:
        changes["ordinary"] = ticket.ordinary.model_copy(update=_NO_RESOLVE)
    changes.update(
        category=payload.category, matter_class=payload.matter_class, urgency=Urgency(payload.urgency)
    )
    if payload.deadlines is not None:
        changes["deadlines"] = payload.deadlines


def _revised(changes: Changes, _: Ticket, payload: e.DeadlinesRevised, __: TicketEvent) -> None:
    changes["deadlines"] = payload.deadlines


def _urged(changes: Changes, ticket: Ticket, _: e.OrderUrged, __: TicketEvent) -> None:
    changes["urged"] = ticket.urged + 1


def _escalated(changes: Changes, _: Ticket, payload: e.TicketEscalated, __: TicketEvent) -> None:
    changes["escalated_to"] = payload.to_level


def _emergency(changes: Changes, ticket: Ticket, payload: e.EmergencyDeclared, event: TicketEvent) -> None:
    changes.update(emergency_at=event.occurred_at, ordinary=ticket.deadlines, deadlines=payload.deadlines)


def _stood_down(changes: Changes, _: Ticket, payload: e.EmergencyStoodDown, event: TicketEvent) -> None:
    changes.update(
        emergency_at=None, stood_down_at=event.occurred_at, ordinary=None, deadlines=payload.deadlines
    )


def _erased(changes: Changes, _: Ticket, __: e.PersonalDataErased, ___: TicketEvent) -> None:
    changes["erased"] = True


_APPLY: dict[type[Payload], Callable[[Changes, Ticket, Any, TicketEvent], None]] = {
    e.OrderVerified: _verified,
    e.OrderRejected: _rejected,
    e.OrderDispatched: _dispatched,
    e.OrderAccepted: _accepted,
    e.OrderReturned: _returned,
    e.OrderTransferred: _transferred,
    e.FirstHandlerAssigned: _assigned,
    e.CoHandlerAdded: _cohandler,
    e.MatterResolved: _resolved,
    e.ReworkOrdered: _rework,
    e.ResultFedBack: _fed_back,
    e.OrderRated: _rated,
    e.TicketClosed: _closed,
    e.TicketReopened: _reopened,
    e.OrderWithdrawn: _withdrawn,
    e.TicketsMerged: _merged,
    e.TicketsUnmerged: _unmerged,
    e.ExtensionRequested: _asked,
    e.ExtensionGranted: _granted,
    e.ExtensionRefused: _refused,
    e.TicketSuspended: _suspended,
    e.TicketResumed: _resumed,
    e.MatterReclassified: _reclassified,
    e.DeadlinesRevised: _revised,
    e.OrderUrged: _urged,
    e.TicketEscalated: _escalated,
    e.EmergencyDeclared: _emergency,
    e.EmergencyStoodDown: _stood_down,
    e.PersonalDataErased: _erased,
}
