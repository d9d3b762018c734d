"""The due times that an event states when an order begins or a matter changes its class."""

from domain.context import Context
from domain.deadlines import Deadlines
from domain.ticket import Ticket
from domain.vocabulary import MatterClass, State


def stage_deadlines(ticket: Ticket, state: State, context: Context) -> Deadlines:
    """Start the clock of the order that begins in `state`; the matter's own clock runs on."""
    policy, now = context.policy, context.now
    stage_due = policy.stage_due(state, now)
    if ticket.emergency_at is not None and stage_due is not None:
        stage_due = now + policy.emergency_stage
    return Deadlines(
        stage_due=stage_due,
        resolve_due=ticket.deadlines.resolve_due if ticket.deadlines else None,
        rating_due=now + policy.rating if state is State.FED_BACK else None,
        policy=policy.version,
    )


def reclassed(ticket: Ticket, matter_class: MatterClass, state: State, context: Context) -> Deadlines:
    """Restart nothing, but measure the matter by its new class; an extension granted before stays."""
    stage = stage_deadlines(ticket, state, context)
    if ticket.emergency_at is not None:
        return stage
    due = context.policy.resolve_due(matter_class, ticket.clock_started_at) + ticket.extended
    return stage.model_copy(update={"resolve_due": due})
