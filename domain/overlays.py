"""What lies over the six orders: extensions, suspension, another class, attention, emergencies, erasure."""

from collections.abc import Callable, Mapping
from typing import Any

from domain import commands as c
from domain import events as e
from domain.categories import category_of
from domain.context import Context
from domain.deadlines import Deadlines
from domain.errors import Invalid, Refused
from domain.events import Payload
from domain.lifecycle import superior_level
from domain.ticket import Ticket
from domain.vocabulary import MatterClass


def _request_extension(ticket: Ticket, command: c.RequestExtension, context: Context) -> list[Payload]:
    due = ticket.deadlines.resolve_due if ticket.deadlines else None
    if ticket.extension_asked is not None:
        raise Refused("an extension has been asked for already", rule="extension-pending")
    if due is None or context.now > due:
        raise Refused("an extension is asked for before the time is over", rule="extension-too-late")
    if command.until <= due:
        raise Invalid("until must be after the present due time", rule="extension-too-short", field="until")
    limit = context.policy.extension[ticket.matter_class or MatterClass.GENERAL]
    if command.until - due + ticket.extended > limit:
        raise Refused(
            f"a {ticket.matter_class} matter may be extended by {limit} in all",
            rule="extension-too-long",
            field="until",
        )
    return [e.ExtensionRequested(until=command.until, reason=command.reason)]


def _grant_extension(ticket: Ticket, _: c.GrantExtension, __: Context) -> list[Payload]:
    if ticket.extension_asked is None or ticket.deadlines is None:
        raise Refused("no extension has been asked for", rule="no-extension-pending")
    granted = ticket.deadlines.model_copy(update={"resolve_due": ticket.extension_asked})
    return [e.ExtensionGranted(deadlines=granted)]


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
    later = ticket.deadlines.later(pause) if ticket.deadlines else None
    return [e.TicketResumed(paused_seconds=pause.total_seconds(), deadlines=later)]


def _reclassify(ticket: Ticket, command: c.Reclassify, context: Context) -> list[Payload]:
    category = category_of(command.category).code if command.category else ticket.category
    urgency = command.urgency or ticket.urgency
    matter_class = command.matter_class or ticket.matter_class or MatterClass.GENERAL
    if (category, urgency, matter_class) == (ticket.category, ticket.urgency, ticket.matter_class):
        raise Invalid("nothing would change", rule="nothing-changes", field="matter_class")
    deadlines = ticket.deadlines
    if deadlines is not None and ticket.emergency_at is None and matter_class is not ticket.matter_class:
        due = context.policy.resolve_due(matter_class, ticket.clock_started_at) + ticket.extended
        deadlines = deadlines.model_copy(update={"resolve_due": due, "policy": context.policy.version})
    return [
        e.MatterReclassified(
            category=category,
            matter_class=matter_class,
            urgency=urgency,
            reason=command.reason,
            deadlines=deadlines,
        )
    ]


def _revise_deadlines(ticket: Ticket, command: c.ReviseDeadlines, _: Context) -> list[Payload]:
    due = ticket.deadlines.resolve_due if ticket.deadlines else None
    if ticket.resolved_at is not None and command.resolve_due != due:
        raise Refused("it is resolved: that clock has stopped", rule="clock-stopped", field="resolve_due")
    revised = Deadlines(
        stage_due=command.stage_due,
        resolve_due=command.resolve_due,
        rating_due=ticket.deadlines.rating_due if ticket.deadlines else None,
        policy=command.policy,
    )
    return [e.DeadlinesRevised(reason=command.reason, deadlines=revised)]


def _urge(_: Ticket, __: c.Urge, ___: Context) -> list[Payload]:
    return [e.OrderUrged()]


def _escalate(ticket: Ticket, command: c.Escalate, _: Context) -> list[Payload]:
    base = ticket.escalated_to or (ticket.holder.level if ticket.holder else None)
    return [e.TicketEscalated(reason=command.reason, to_level=superior_level(base))]


def _declare_emergency(ticket: Ticket, command: c.DeclareEmergency, context: Context) -> list[Payload]:
    if ticket.emergency_at is not None:
        raise Refused("the emergency has been declared already", rule="emergency-declared")
    due = context.now + context.policy.emergency_resolve
    deadlines = Deadlines(
        stage_due=context.now + context.policy.emergency_stage,
        resolve_due=due,
        policy=context.policy.version,
    )
    return [e.EmergencyDeclared(reason=command.reason, deadlines=deadlines)]


def _stand_down(ticket: Ticket, _: c.StandDown, context: Context) -> list[Payload]:
    if ticket.emergency_at is None:
        raise Refused("there is no emergency", rule="no-emergency")
    stage = context.policy.stage_due(ticket.state, context.now)
    ordinary = ticket.ordinary.model_copy(update={"stage_due": stage}) if ticket.ordinary else None
    return [e.EmergencyStoodDown(deadlines=ordinary)]


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
    c.ErasePersonalData: _erase,
}
