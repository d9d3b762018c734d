"""What lies over the six orders: extensions, suspension, another class, attention, emergencies, erasure."""

from collections.abc import Callable, Mapping
from typing import Any

from domain import commands as c
from domain import events as e
from domain.categories import category_of
from domain.changed_times import (
    emergency_deadlines,
    extended_deadlines,
    latest_extension,
    resumed_deadlines,
    revised_deadlines,
    stood_down_deadlines,
)
from domain.context import Context
from domain.due_times import Matter, assemble, rating_timer, reclassified, stage_timer
from domain.errors import Invalid, Refused
from domain.events import Payload
from domain.lifecycle import outranks, superior_level
from domain.ticket import Ticket
from domain.vocabulary import MatterClass, ResponseKind


def _request_extension(ticket: Ticket, command: c.RequestExtension, context: Context) -> list[Payload]:
    due = ticket.deadlines.resolve_due if ticket.deadlines else None
    _check_calm(ticket)
    if ticket.extension_asked is not None:
        raise Refused("an extension has been asked for already", rule="extension-pending")
    if due is None or context.now > due:
        raise Refused("an extension is asked for before the time is over", rule="extension-too-late")
    if command.until <= due:
        raise Invalid("until must be after the present due time", rule="extension-too-short", field="until")
    latest = latest_extension(ticket, context)
    if latest is None or command.until > latest:
        most = f"until {latest.isoformat()} at most" if latest else "no further"
        raise Refused(
            f"this {ticket.matter_class} matter may be extended {most}",
            rule="extension-too-long",
            field="until",
        )
    return [e.ExtensionRequested(until=command.until, reason=command.reason)]


def _check_calm(ticket: Ticket) -> None:
    if ticket.emergency_at is not None:
        raise Refused("an emergency is declared; nothing is extended until it is over", rule="emergency-runs")


def _grant_extension(ticket: Ticket, _: c.GrantExtension, context: Context) -> list[Payload]:
    _check_calm(ticket)
    return [e.ExtensionGranted(deadlines=extended_deadlines(ticket, context))]


def _refuse_extension(ticket: Ticket, command: c.RefuseExtension, _: Context) -> list[Payload]:
    if ticket.extension_asked is None:
        raise Refused("no extension has been asked for", rule="no-extension-pending")
    return [e.ExtensionRefused(reason=command.reason)]


def _suspend(_: Ticket, command: c.Suspend, __: Context) -> list[Payload]:
    return [e.TicketSuspended(reason=command.reason)]


def _resume(ticket: Ticket, _: c.Resume, context: Context) -> list[Payload]:
    if ticket.suspended_at is None:
        raise Refused("the ticket is not suspended", rule="not-suspended")
    pause = max(context.now, ticket.changed_at) - ticket.suspended_at
    return [
        e.TicketResumed(paused_seconds=pause.total_seconds(), deadlines=resumed_deadlines(ticket, context))
    ]


def _reclassify(ticket: Ticket, command: c.Reclassify, context: Context) -> list[Payload]:
    category = category_of(command.category).code if command.category else ticket.category
    urgency = command.urgency or ticket.urgency
    matter_class = command.matter_class or ticket.matter_class or MatterClass.GENERAL
    if (category, urgency, matter_class) == (ticket.category, ticket.urgency, ticket.matter_class):
        raise Invalid("nothing would change", rule="nothing-changes", field="matter_class")
    deadlines = ticket.deadlines
    if deadlines is not None:
        resolve = reclassified(ticket, Matter(ticket.region, category, matter_class), context)
        deadlines = assemble(context, ticket.region, stage_timer(ticket), resolve, rating_timer(ticket))
    return [
        e.MatterReclassified(
            category=category,
            matter_class=matter_class,
            urgency=urgency,
            reason=command.reason,
            deadlines=deadlines,
        )
    ]


def _revise_deadlines(ticket: Ticket, command: c.ReviseDeadlines, context: Context) -> list[Payload]:
    due = ticket.deadlines.resolve_due if ticket.deadlines else None
    if ticket.resolved_at is not None and command.resolve_due not in (None, due):
        raise Refused("it is resolved: that clock has stopped", rule="clock-stopped", field="resolve_due")
    revised = revised_deadlines(ticket, command, context)
    return [e.DeadlinesRevised(reason=command.reason, deadlines=revised)]


def _urge(_: Ticket, __: c.Urge, ___: Context) -> list[Payload]:
    return [e.OrderUrged()]


def _escalate(ticket: Ticket, command: c.Escalate, _: Context) -> list[Payload]:
    base = ticket.escalated_to or (ticket.holder.level if ticket.holder else None)
    to_level = command.to_level or superior_level(base)
    if command.to_level is not None and not outranks(to_level, base):
        raise Refused(f"it is with the {base} already", rule="escalated-already", field="to_level")
    return [e.TicketEscalated(reason=command.reason, to_level=to_level)]


def _declare_emergency(ticket: Ticket, command: c.DeclareEmergency, context: Context) -> list[Payload]:
    if ticket.emergency_at is not None:
        raise Refused("the emergency has been declared already", rule="emergency-declared")
    return [e.EmergencyDeclared(reason=command.reason, deadlines=emergency_deadlines(ticket, context))]


def _stand_down(ticket: Ticket, _: c.StandDown, context: Context) -> list[Payload]:
    if ticket.emergency_at is None:
        raise Refused("there is no emergency", rule="no-emergency")
    return [e.EmergencyStoodDown(deadlines=stood_down_deadlines(ticket, context))]


def _log_response(ticket: Ticket, command: c.LogResponse, _: Context) -> list[Payload]:
    """The log is open while the emergency is; what it left behind can be cleared up long after."""
    runs = ticket.emergency_at is not None
    if not runs and ticket.stood_down_at is None:
        raise Refused("no emergency was declared", rule="no-emergency")
    if command.kind is not ResponseKind.AFTERMATH and (ticket.ended or not runs):
        raise Refused(
            "the emergency is over; only its aftermath is still logged", rule="emergency-over", field="kind"
        )
    return [e.ResponseLogged(kind=command.kind)]


def _erase(ticket: Ticket, command: c.ErasePersonalData, _: Context) -> list[Payload]:
    if ticket.person is None or ticket.erased:
        raise Refused("this ticket holds no personal data", rule="nothing-to-erase")
    return [e.PersonalDataErased(person=ticket.person, reason=command.reason)]


DECIDERS: Mapping[type[c.Command], Callable[[Any, Any, Context], list[Payload]]] = {
    c.RequestExtension: _request_extension,
    c.GrantExtension: _grant_extension,
    c.RefuseExtension: _refuse_extension,
    c.Suspend: _suspend,
    c.Resume: _resume,
    c.Reclassify: _reclassify,
    c.ReviseDeadlines: _revise_deadlines,
    c.Urge: _urge,
    c.Escalate: _escalate,
    c.DeclareEmergency: _declare_emergency,
    c.StandDown: _stand_down,
    c.LogResponse: _log_response,
    c.ErasePersonalData: _erase,
}
