"""The due times that an event states when something came between: a pause, an extension, an emergency.

**Pauses.** Only a suspension pauses. It moves each running clock by what it took of that clock's own unit:
working time for working hours and days, plain time for the others. A clock that had run out before stays.

**Emergencies.** While one is declared, the matter and its orders have the emergency's limits, round the
clock, from the declaration; a clock that is due sooner stays. The ordinary clock runs on underneath at its
ordinary pace, and standing down gives it back: the time in between counts as the working time that it
had. An order that began during the emergency gets its ordinary limit from when it began.

**Revisions.** Running clocks are worked out anew from their start, with their extensions and pauses, by the
policy and the calendar in force. Nothing else makes a clock change its rules.
"""

from datetime import datetime

from domain import commands as c
from domain.context import Context
from domain.deadlines import Deadlines
from domain.due_times import (
    Matter,
    Timer,
    assemble,
    emergency_timer,
    moved,
    rating_from_start,
    rating_timer,
    resolve_from_start,
    resolve_timer,
    stage_from_start,
    stage_timer,
    with_due,
)
from domain.errors import Refused
from domain.ticket import Ticket
from domain.vocabulary import MatterClass, State


def resumed_deadlines(ticket: Ticket, context: Context) -> Deadlines | None:
    """Move every running clock by the pause that ends now."""
    if ticket.deadlines is None or ticket.suspended_at is None:
        return ticket.deadlines
    since, now, rules, region = ticket.suspended_at, _now(ticket, context), context.rules, ticket.region
    stage, resolve = stage_timer(ticket), resolve_timer(ticket)
    return assemble(
        context,
        region,
        stage and moved(stage, since, now, rules, region),
        resolve and moved(resolve, since, now, rules, region),
        rating_timer(ticket),
    )


def latest_extension(ticket: Ticket, context: Context) -> datetime | None:
    """Until when the matter may be extended at most, all extensions together; None for not at all."""
    resolve = resolve_timer(ticket)
    rules = context.rules.book.rules(resolve.policy if resolve else None) or context.rules
    terms = rules.terms(ticket.region, ticket.category)
    limit = terms.extension.get(ticket.matter_class or MatterClass.GENERAL)
    if resolve is None or limit is None:
        return None
    calendar = resolve.calendar
    time = rules.book.working_time(calendar, ticket.region) if calendar else rules.working_time(ticket.region)
    used = sum(time.measure(span.start, span.end, limit.unit) for span in ticket.extensions)
    left = time.ticks(limit.amount, limit.unit) - used
    return time.add_ticks(resolve.due, left, limit.unit).at if left > 0 else None


def extended_deadlines(ticket: Ticket, context: Context) -> Deadlines:
    """Give the matter the time that was asked for, with the pauses there were since it was asked."""
    resolve, until = resolve_timer(ticket), ticket.extension_asked
    if resolve is None or until is None:
        raise Refused("no extension has been asked for", rule="no-extension-pending")
    time = context.rules.working_time(ticket.region)
    provisional = time.is_provisional(until) and bool(resolve.allowance)
    extended = with_due(resolve, until, provisional=provisional)
    for pause in ticket.pauses:
        if ticket.extension_asked_at is not None and pause.start >= ticket.extension_asked_at:
            extended = moved(extended, pause.start, pause.end, context.rules, ticket.region)
    if extended.due <= resolve.due:
        raise Refused("the due time has moved past what was asked for", rule="extension-overtaken")
    return assemble(context, ticket.region, stage_timer(ticket), extended, rating_timer(ticket))


def emergency_deadlines(ticket: Ticket, context: Context) -> Deadlines:
    """Start the emergency's clocks."""
    rules, region, now = context.rules, ticket.region, _now(ticket, context)
    terms = rules.terms(region, ticket.category)
    limit = terms.emergency_limit(ticket.category)
    resolve = emergency_timer(limit, resolve_timer(ticket), now, region, rules)
    ordinary = stage_timer(ticket)
    stage = ordinary and emergency_timer(terms.emergency.urgent, ordinary, now, region, rules)
    return assemble(context, region, stage, resolve)


def stood_down_deadlines(ticket: Ticket, context: Context) -> Deadlines | None:
    """Give the running clocks back their ordinary due times; what has stopped stays as it was."""
    if ticket.deadlines is None:
        return None
    resolve = resolve_timer(ticket) if ticket.resolved_at else _ordinary_resolve(ticket, context)
    return assemble(context, ticket.region, _ordinary_stage(ticket, context), resolve, rating_timer(ticket))


def revised_deadlines(ticket: Ticket, command: c.ReviseDeadlines, context: Context) -> Deadlines:
    """State the due times that the command gives; where it gives none, work them out anew."""
    if command.stage_due is None and command.resolve_due is None:
        return _worked_out_anew(ticket, context)
    stage, resolve = stage_timer(ticket), resolve_timer(ticket)
    if command.stage_due is not None and stage is not None:
        stage = _stated(stage, command.stage_due, command.policy)
    if command.resolve_due is not None and ticket.resolved_at is None:
        resolve = _stated(resolve, command.resolve_due, command.policy)
    rating = rating_timer(ticket)
    return assemble(context, ticket.region, stage, resolve, rating, policy=command.policy)


def _worked_out_anew(ticket: Ticket, context: Context) -> Deadlines:
    if ticket.emergency_at is not None:
        raise Refused("an emergency is declared; revise when it is stood down", rule="emergency-declared")
    rules = context.rules
    stage, resolve, rating = stage_timer(ticket), resolve_timer(ticket), rating_timer(ticket)
    if stage is not None and stage.allowance is not None:
        stage = stage_from_start(ticket, stage.allowance.start, rules)
    if resolve is not None and ticket.resolved_at is None and ticket.matter_class is not None:
        resolve = resolve_from_start(ticket, _matter(ticket), rules)
    if rating is not None and rating.allowance is not None and ticket.state is State.FED_BACK:
        rating = rating_from_start(ticket, rating.allowance.start, rules)
    revised = assemble(context, ticket.region, stage, resolve, rating)
    if revised == ticket.deadlines:
        raise Refused("every clock follows the rules in force", rule="nothing-changes")
    return revised


def _stated(timer: Timer | None, due: datetime, policy: str | None) -> Timer:
    """A due time that somebody stated; the clock's start and limit stay known."""
    if timer is None or timer.allowance is None:
        return Timer(due)
    stated = with_due(timer, due, provisional=False)
    return stated._replace(policy=policy or timer.policy)


def _ordinary_resolve(ticket: Ticket, context: Context) -> Timer | None:
    """The matter's clock as it was set aside; anew from its start if the matter has changed since."""
    known = _set_aside(ticket)
    kept = resolve_timer(known) if known else None
    if kept is not None:
        return _after_emergency(kept, ticket, context)
    if ticket.matter_class is None:
        return None
    ordinary = ticket.ordinary
    clock = ordinary.resolve_clock if ordinary else None
    policy = (clock.policy if clock else None) or (ordinary.policy if ordinary else None)
    calendar = (clock.calendar if clock else None) or (ordinary.calendar if ordinary else None)
    rules = context.rules.book.rules(policy) or context.rules
    return resolve_from_start(ticket, _matter(ticket), rules, calendar)


def _ordinary_stage(ticket: Ticket, context: Context) -> Timer | None:
    known = _set_aside(ticket)
    kept = stage_timer(known) if known else None
    if kept is not None:
        return _after_emergency(kept, ticket, context)
    if stage_timer(ticket) is None:
        return None
    return stage_from_start(ticket, ticket.stage_entered_at, context.rules)


def _set_aside(ticket: Ticket) -> Ticket | None:
    return ticket.changed(deadlines=ticket.ordinary) if ticket.ordinary else None


def _after_emergency(timer: Timer, ticket: Ticket, context: Context) -> Timer:
    """Move a clock that was set aside by the pauses there were meanwhile."""
    for pause in ticket.pauses:
        if ticket.emergency_at is not None and pause.start >= ticket.emergency_at:
            timer = moved(timer, pause.start, pause.end, context.rules, ticket.region)
    return timer


def _matter(ticket: Ticket) -> Matter:
    return Matter(ticket.region, ticket.category, ticket.matter_class or MatterClass.GENERAL)


def _now(ticket: Ticket, context: Context) -> datetime:
    return max(context.now, ticket.changed_at)
