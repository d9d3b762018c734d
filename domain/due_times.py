"""The due times that an event states when an order begins or a matter changes its class.

A clock keeps the versions of policy and calendar that it was started with: a policy that comes into force
later touches it only through `DeadlinesRevised`. Each order that begins gets the versions now in force.
"""

from datetime import datetime
from typing import NamedTuple

from domain.context import Context
from domain.deadlines import Allowance, Deadlines
from domain.policy import Limit
from domain.regions import Region
from domain.rulebook import Rules
from domain.ticket import Ticket
from domain.trusted import trusted
from domain.vocabulary import STAGE_CLOCK, MatterClass, State
from domain.working_time import WorkingTime

_allowance = trusted(Allowance)
_deadlines = trusted(Deadlines)


class Timer(NamedTuple):
    """A running clock: when it is due and, where that was computed, from what and by which versions."""

    due: datetime
    allowance: Allowance | None = None
    policy: str | None = None
    calendar: str | None = None


class Matter(NamedTuple):
    """What the limits depend on."""

    region: Region
    category: str
    matter_class: MatterClass


def opening_deadlines(
    matter: Matter, state: State, context: Context, *, emergency: bool = False
) -> Deadlines:
    """Start the clock of a matter that is placed or reopened, and of the order that it begins with."""
    rules, now = context.rules, context.now
    terms = rules.terms(matter.region, matter.category)
    stage = _stage_timer(matter.region, matter.category, state, context.rules, now)
    resolve = _start(terms.resolve[matter.matter_class], now, rules, matter.region, terms.thresholds)
    if emergency:
        limit = terms.emergency_limit(matter.category)
        resolve = emergency_timer(limit, resolve, now, matter.region, rules)
        stage = stage and emergency_timer(terms.emergency.urgent, stage, now, matter.region, rules)
    return assemble(context, matter.region, stage, resolve)


def stage_deadlines(ticket: Ticket, state: State, context: Context) -> Deadlines:
    """Start the clock of the order that begins in `state`; the matter's own clock runs on."""
    return _next_order(ticket, ticket.region, ticket.category, state, context, resolve_timer(ticket))


def reclassed(ticket: Ticket, matter: Matter, state: State, context: Context) -> Deadlines:
    """Begin the next order, and measure the matter by what it has turned out to be."""
    resolve = reclassified(ticket, matter, context)
    return _next_order(ticket, matter.region, matter.category, state, context, resolve)


def reclassified(ticket: Ticket, matter: Matter, context: Context) -> Timer | None:
    """Measure the matter by another class, category or place, from its start and by its own rules.

    Its pauses and its extensions stay. Nothing changes where the limit is the same, and none of it
    while an emergency is declared: the ordinary clock is worked out anew when it is stood down.
    """
    known = resolve_timer(ticket)
    if ticket.emergency_at is not None or (known is None and ticket.matter_class is None):
        return known
    rules = _own_rules(known, context)
    limit = rules.terms(matter.region, matter.category).resolve[matter.matter_class]
    allowance = known.allowance if known else None
    same_limit = allowance is not None and (allowance.amount, allowance.unit) == (limit.amount, limit.unit)
    unknown_limit = allowance is None and matter.matter_class is ticket.matter_class
    if (same_limit or unknown_limit) and matter.region == ticket.region:
        return known
    return resolve_from_start(ticket, matter, rules, known.calendar if known else None)


def resolve_from_start(ticket: Ticket, matter: Matter, rules: Rules, calendar: str | None = None) -> Timer:
    """Work out the matter's due time from its start, its extensions and its pauses.

    A pause that began after the limit had passed moves nothing: what has run out stays run out.
    """
    terms = rules.terms(matter.region, matter.category)
    limit = terms.resolve[matter.matter_class]
    timer = _start(limit, ticket.clock_started_at, rules, matter.region, terms.thresholds, calendar)
    time = _time_of(timer, rules, matter.region)
    added = sum(time.measure(span.start, span.end, limit.unit) for span in ticket.extensions)
    due = time.add_ticks(timer.due, added, limit.unit)
    timer = with_due(timer, due.at, provisional=due.provisional or _is_provisional(timer))
    return after_pauses(timer, ticket, rules, matter.region)


def after_pauses(timer: Timer, ticket: Ticket, rules: Rules, region: Region) -> Timer:
    """Move a clock by the pauses of its ticket that fell into its time."""
    begun = timer.allowance.start if timer.allowance else ticket.clock_started_at
    for pause in ticket.pauses:
        if pause.start >= begun:
            timer = moved(timer, pause.start, pause.end, rules, region)
    return timer


def moved(timer: Timer, start: datetime, end: datetime, rules: Rules, region: Region) -> Timer:
    """Move a clock by a pause: by what it took of the clock's own unit, if its time was not over before."""
    if timer.due < start:
        return timer
    allowance = timer.allowance
    time = _time_of(timer, rules, region)
    due = time.shift(timer.due, start, end, allowance.unit if allowance else None)
    return with_due(timer, due.at, provisional=due.provisional or _is_provisional(timer))


def with_due(timer: Timer, due: datetime, *, provisional: bool) -> Timer:
    """Give a clock another due time."""
    allowance = timer.allowance
    if allowance is not None and provisional != bool(allowance.provisional):
        allowance = allowance.model_copy(update={"provisional": provisional or None})
    return timer._replace(due=due, allowance=allowance)


# --- the three clocks as an event states them ---


def assemble(
    context: Context,
    region: Region,
    stage: Timer | None,
    resolve: Timer | None,
    rating: Timer | None = None,
    *,
    policy: str | None = None,
) -> Deadlines:
    """Put the clocks into the form that is published, with the versions in force (or another policy's)."""
    policy, calendar = policy or context.rules.version, context.rules.working_time(region).version
    clocks = [timer and _published(timer, policy, calendar) for timer in (stage, resolve, rating)]
    return _deadlines(
        stage_due=stage.due if stage else None,
        resolve_due=resolve.due if resolve else None,
        rating_due=rating.due if rating else None,
        policy=policy,
        calendar=calendar,
        provisional=True in [clock.provisional for clock in clocks if clock] or None,
        stage_clock=clocks[0],
        resolve_clock=clocks[1],
        rating_clock=clocks[2],
    )


def stage_timer(ticket: Ticket) -> Timer | None:
    """Give the clock of the running order."""
    known = ticket.deadlines
    return _timer(known, known.stage_due, known.stage_clock) if known else None


def resolve_timer(ticket: Ticket) -> Timer | None:
    """Give the clock of the whole matter, running or stopped."""
    known = ticket.deadlines
    return _timer(known, known.resolve_due, known.resolve_clock) if known else None


def rating_timer(ticket: Ticket) -> Timer | None:
    """Give the clock of the resident's rating."""
    known = ticket.deadlines
    return _timer(known, known.rating_due, known.rating_clock) if known else None


def _timer(stated: Deadlines, due: datetime | None, allowance: Allowance | None) -> Timer | None:
    """Read a clock back, with its versions written out."""
    if due is None:
        return None
    if allowance is None:
        return Timer(due)
    return Timer(due, allowance, allowance.policy or stated.policy, allowance.calendar or stated.calendar)


def _published(timer: Timer, policy: str, calendar: str) -> Allowance | None:
    """Say only what the event does not say anyway, to keep it small."""
    allowance = timer.allowance
    if allowance is None:
        return None
    own_policy = None if timer.policy == policy else timer.policy
    own_calendar = None if timer.calendar == calendar else timer.calendar
    if (allowance.policy, allowance.calendar) == (own_policy, own_calendar):
        return allowance
    return allowance.model_copy(update={"policy": own_policy, "calendar": own_calendar})


# --- starting a clock ---


def stage_from_start(ticket: Ticket, start: datetime, rules: Rules) -> Timer | None:
    """Work out the running order's ordinary due time from its start and its pauses."""
    timer = _stage_timer(ticket.region, ticket.category, ticket.state, rules, start)
    return after_pauses(timer, ticket, rules, ticket.region) if timer else None


def emergency_timer(
    limit: Limit, ordinary: Timer | None, now: datetime, region: Region, rules: Rules
) -> Timer:
    """Start an emergency's clock; a clock that is due sooner stays, since an emergency never lengthens."""
    thresholds = ordinary.allowance.thresholds if ordinary and ordinary.allowance else (100,)
    urgent = _start(limit, now, rules, region, thresholds)
    return ordinary if ordinary and ordinary.due <= urgent.due else urgent


def reopening_ends(ticket: Ticket, closed_at: datetime, context: Context) -> datetime:
    """Until when a resident can have the matter reopened, by the policy now in force."""
    limit = context.rules.terms(ticket.region, ticket.category).reopening
    return context.rules.working_time(ticket.region).add(closed_at, limit.amount, limit.unit).at


def rating_from_start(ticket: Ticket, start: datetime, rules: Rules) -> Timer:
    """Work out when the resident's time for rating ends."""
    return _start(rules.terms(ticket.region, ticket.category).rating, start, rules, ticket.region, ())


def _next_order(
    ticket: Ticket, region: Region, category: str, state: State, context: Context, resolve: Timer | None
) -> Deadlines:
    rules = context.rules
    now = max(context.now, ticket.changed_at)
    stage = _stage_timer(region, category, state, rules, now)
    if stage is not None and ticket.emergency_at is not None:
        stage = emergency_timer(rules.terms(region, category).emergency.urgent, stage, now, region, rules)
    rating = rating_from_start(ticket, now, rules) if state is State.FED_BACK else None
    return assemble(context, region, stage, resolve, rating)


def _stage_timer(region: Region, category: str, state: State, rules: Rules, start: datetime) -> Timer | None:
    kind = STAGE_CLOCK.get(state)
    terms = rules.terms(region, category)
    limit = terms.stage.get(kind) if kind else None
    return _start(limit, start, rules, region, terms.thresholds) if limit else None


def _start(
    limit: Limit,
    start: datetime,
    rules: Rules,
    region: Region,
    thresholds: tuple[int, ...],
    calendar: str | None = None,
) -> Timer:
    time = rules.book.working_time(calendar, region) if calendar else rules.working_time(region)
    due = time.add(start, limit.amount, limit.unit)
    allowance = _allowance(
        start=start,
        amount=limit.amount,
        unit=limit.unit,
        thresholds=thresholds,
        provisional=due.provisional or None,
    )
    return Timer(due.at, allowance, rules.version, time.version)


def _is_provisional(timer: Timer) -> bool:
    return timer.allowance is not None and bool(timer.allowance.provisional)


def _own_rules(timer: Timer | None, context: Context) -> Rules:
    """The rules that a clock was started by; those in force if it was not started by any of ours."""
    return context.rules.book.rules(timer.policy if timer else None) or context.rules


def _time_of(timer: Timer, rules: Rules, region: Region) -> WorkingTime:
    calendar = timer.calendar
    return rules.book.working_time(calendar, region) if calendar else rules.working_time(region)
