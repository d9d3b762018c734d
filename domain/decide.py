"""Decide what a command makes happen: `decide(ticket, command, context) -> events`, pure.

A refused command raises and emits nothing. Who may do what from where stands in `domain.lifecycle`;
what each command's events say stands in `domain.orders` and `domain.overlays`.
"""

from collections.abc import Sequence
from typing import Any

from domain import commands as c
from domain import events as e
from domain import orders, overlays
from domain.context import Context
from domain.errors import Forbidden, Invalid, Refused
from domain.events import Payload
from domain.evolve import evolve
from domain.lifecycle import LIFECYCLE, check, in_region
from domain.ticket import Ticket
from domain.ticket_event import TicketEvent

_DECIDERS = {**orders.DECIDERS, **overlays.DECIDERS}


def decide(ticket: Ticket | None, command: c.Command, context: Context) -> list[TicketEvent]:
    """Give the events that the command makes happen; raises Refused (or a kind of it) instead."""
    return decide_and_evolve(ticket, command, context)[0]


def decide_and_evolve(
    ticket: Ticket | None, command: c.Command, context: Context
) -> tuple[list[TicketEvent], Ticket]:
    """As `decide`, and the ticket after the events, which is known on the way."""
    rule = LIFECYCLE.get(type(command))
    if rule is None or type(command) not in _DECIDERS:
        raise Refused(f"{command.NAME} needs two tickets", rule="needs-two-tickets")
    check(rule, ticket, context.actor)
    return record(ticket, _DECIDERS[type(command)](ticket, command, context), context)


def decide_pair(
    child: Ticket, parent: Ticket, command: c.Merge | c.Unmerge, context: Context
) -> list[TicketEvent]:
    """Decide a merge or its undoing: one event on each of the two tickets, for one commit."""
    check(LIFECYCLE[type(command)], child, context.actor)
    if not in_region(parent, context.actor):
        raise Forbidden(f"{parent.number} is not in your region", rule="outside-region", field="into")
    payload = _merge(child, parent) if isinstance(command, c.Merge) else _unmerge(child, parent, command)
    return [*record(child, [payload], context)[0], *record(parent, [payload], context)[0]]


def record(
    ticket: Ticket | None, payloads: Sequence[Payload], context: Context
) -> tuple[list[TicketEvent], Ticket]:
    """Turn payloads into events (ids, times, sequence, the ticket after each) and give the last ticket."""
    events: list[TicketEvent] = []
    number = ticket.number if ticket else context.number
    if number is None:
        raise Invalid("a new ticket needs a number", field="number")
    stream_id = ticket.stream_id if ticket else number.stream_id
    now = max(context.now, ticket.changed_at) if ticket else context.now
    for index, bare in enumerate(payloads):
        payload = bare.model_copy(update={"sealed": context.sealed}) if context.sealed and not index else bare
        after: Any = {}  # the summary, which is only known when the ticket has evolved
        event = TicketEvent(
            context.new_id(),
            number,
            stream_id,
            ticket.version + 1 if ticket else 1,
            now,
            context.recorded_at,
            context.actor,
            context.command_id,
            context.correlation_id or context.command_id,
            context.causation_id or context.command_id,
            payload,
            after,
        )
        ticket = evolve(ticket, event)
        after.update(ticket.summary())
        events.append(event)
    if ticket is None:
        raise Refused("nothing would happen", rule="nothing-changes")
    return events, ticket


def _merge(child: Ticket, parent: Ticket) -> e.TicketsMerged:
    if child.number == parent.number:
        raise Refused("a ticket cannot be merged into itself", rule="merge-into-itself", field="into")
    if parent.ended:
        raise Refused(f"{parent.number} has ended", rule="merge-into-ended", field="into")
    if child.children:
        raise Refused("other tickets are merged into this one", rule="merge-chain", field="into")
    if child.region.area != parent.region.area:
        raise Refused("only tickets of one county can be merged", rule="merge-across-counties", field="into")
    return e.TicketsMerged(child=child.number, parent=parent.number)


def _unmerge(child: Ticket, parent: Ticket, command: c.Unmerge) -> e.TicketsUnmerged:
    if child.parent != parent.number or child.merged_from is None:
        raise Refused(f"{child.number} is not merged into {parent.number}", rule="not-merged")
    return e.TicketsUnmerged(
        child=child.number, parent=parent.number, reason=command.reason, to=child.merged_from
    )
