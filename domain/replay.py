"""Replay a ticket's history step by step: who did what, when, what it changed, and which deadline ran.

A history has two times: `occurred_at` is when a step happened, `recorded_at` when it became known here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import compress
from operator import attrgetter, is_not, itemgetter
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from domain.deadlines import Deadlines
from domain.event_names import EVENT_NAMES
from domain.events import Holder
from domain.evolve import evolve
from domain.ticket import Span, Ticket
from domain.ticket_event import TicketEvent
from domain.vocabulary import STAGE_CLOCK, ClockKind, Level, Role, State

Plain = str | int | float | bool | datetime | None | list[str]
"""What a field of the ticket holds, written for reading."""

_SAID_BY_THE_STEP = frozenset({"number", "stream_id", "version", "changed_at", "stage_entered_at", "steps"})
"""What follows from the step itself, and is no news."""
_FIELDS = tuple(field.name for field in fields(Ticket) if field.name not in _SAID_BY_THE_STEP)
_VALUES = itemgetter(*_FIELDS)
_NOTHING = (None,) * len(_FIELDS)
_OF_DEADLINES = ("stage_due", "resolve_due", "rating_due", "policy", "calendar", "provisional")
_DUES = attrgetter(*_OF_DEADLINES)
_NO_DUES = (None,) * len(_OF_DEADLINES)


@dataclass(frozen=True, slots=True)
class Change:
    """One field of the ticket, before and after a step; of a list, what has gone and what has come."""

    field: Annotated[str, Field(examples=["state", "deadlines.stage_due"])]
    before: Plain
    after: Plain


@dataclass(frozen=True, slots=True)
class Ran:
    """The order's limit that ran when a step came."""

    clock: ClockKind
    due_at: AwareDatetime
    margin_seconds: Annotated[float, Field(description="Plain time left when the step came; negative: late")]


@dataclass(frozen=True, slots=True)
class Doer:
    """Who did it; a resident is known by a pseudonym."""

    id: str
    role: Role
    unit: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the history, and the ticket before and after it."""

    version: int
    type: Annotated[str, Field(examples=["order-verified"])]
    zh: Annotated[str, Field(examples=["核单"])]
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    actor: Doer
    state: Annotated[State, Field(description="After the step, like level and holder")]
    level: Level | None
    holder: str | None
    changes: Annotated[tuple[Change, ...], Field(description="Empty for a step that only leaves a note")]
    ran: Annotated[Ran | None, Field(description="None where no order's limit ran")]
    resolve_due: Annotated[
        AwareDatetime | None, Field(description="When the whole matter was due before the step")
    ]
    event_id: UUID
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID


@dataclass(frozen=True, slots=True)
class Replay:
    """A ticket's history up to the point that was asked for."""

    number: str
    version: int
    state: State
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """A command, the steps it made, and what these brought about."""

    command_id: UUID
    correlation_id: UUID
    cause: Annotated[UUID | None, Field(description="What brought it about outside of this ticket")]
    versions: tuple[int, ...]
    brought_about: tuple["Cause", ...]


def replay(events: Iterable[TicketEvent]) -> Replay:
    """Replay a gapless history from its first event; raises Halted on a gap, Poison for no history."""
    ticket: Ticket | None = None
    steps: list[Step] = []
    for event in events:
        after = evolve(ticket, event)
        steps.append(_step(ticket, event, after))
        ticket = after
    if ticket is None:
        raise ValueError("a history has at least one event")
    return Replay(number=ticket.number, version=ticket.version, state=ticket.state, steps=tuple(steps))


def causes(steps: Sequence[Step]) -> tuple[Cause, ...]:
    """Draw what brought about what: the commands that somebody gave by themselves, and what followed."""
    commands: dict[UUID, list[Step]] = {}
    made_by: dict[UUID, UUID] = {}
    for step in steps:
        commands.setdefault(step.command_id, []).append(step)
        made_by[step.event_id] = made_by[step.command_id] = step.command_id
    followers: dict[UUID | None, list[UUID]] = {}
    for command, mine in commands.items():
        parent = made_by.get(mine[0].causation_id)
        followers.setdefault(None if parent == command else parent, []).append(command)

    def tree(command: UUID) -> Cause:
        first = commands[command][0]
        return Cause(
            command_id=command,
            correlation_id=first.correlation_id,
            cause=None if first.causation_id in made_by else first.causation_id,
            versions=tuple(step.version for step in commands[command]),
            brought_about=tuple(tree(one) for one in followers.get(command, ())),
        )

    return tuple(tree(command) for command in followers.get(None, ()))


def _step(before: Ticket | None, event: TicketEvent, after: Ticket) -> Step:
    holder = after.holder
    return Step(
        version=event.sequence,
        type=event.payload.TYPE,
        zh=EVENT_NAMES[event.payload.TYPE].chinese,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        actor=Doer(id=event.actor.id, role=event.actor.role, unit=event.actor.unit),
        state=after.state,
        level=holder.level if holder else None,
        holder=holder.unit if holder else None,
        changes=tuple(_changes(before, after)),
        ran=_ran(before, event.occurred_at),
        resolve_due=before.deadlines.resolve_due if before and before.deadlines else None,
        event_id=event.id,
        command_id=event.command_id,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
    )


def _changes(before: Ticket | None, after: Ticket) -> Iterable[Change]:
    old = _VALUES(before.__dict__) if before else _NOTHING
    values = _VALUES(after.__dict__)
    for name, was, new in compress(zip(_FIELDS, old, values, strict=True), map(is_not, values, old)):
        if type(new) is Deadlines or type(was) is Deadlines:  # `isinstance` of a model is Python code
            yield from _changed_deadlines(name, was, new)
        elif type(new) is tuple:
            yield from _changed_list(name, was if isinstance(was, tuple) else (), new)
        elif new != was and (was or new or before):
            yield Change(field=name, before=_plain(was), after=_plain(new))


def _changed_deadlines(name: str, was: object, new: object) -> Iterable[Change]:
    pairs = zip(_OF_DEADLINES, _DUES(was) if was else _NO_DUES, _DUES(new) if new else _NO_DUES, strict=True)
    for part, before, after in pairs:
        if before != after:
            yield Change(field=f"{name}.{part}", before=_plain(before), after=_plain(after))


def _changed_list(name: str, was: tuple[object, ...], new: tuple[object, ...]) -> Iterable[Change]:
    kept = len(was)
    if new[:kept] != was:  # nearly always only something came
        pairs = enumerate(zip(new, was, strict=False))
        kept = next((at for at, (is_, had) in pairs if is_ != had), min(len(new), kept))
    gone, come = was[kept:], new[kept:]
    if gone or come:
        yield Change(field=name, before=[str(_plain(o)) for o in gone], after=[str(_plain(o)) for o in come])


def _plain(value: object) -> Plain:
    return _PLAIN.get(type(value), str)(value)


def _itself(value: Any) -> Plain:
    plain: Plain = value
    return plain


def _list(values: Iterable[object]) -> Plain:
    return [str(_plain(each)) for each in values]


_PLAIN: Mapping[type, Callable[[Any], Plain]] = {
    **dict.fromkeys((type(None), datetime, bool, int, float), _itself),
    Holder: lambda holder: f"{holder.level} {holder.unit}",
    Span: lambda span: f"{span.start.isoformat()}/{span.end.isoformat()}",
    dict: lambda pairs: [f"{_plain(key)}: {_plain(each)}" for key, each in pairs.items()],
    tuple: _list,
    list: _list,
}
"""By type; anything else, as a number or a word of a vocabulary, is its text."""


def _ran(before: Ticket | None, at: datetime) -> Ran | None:
    """The stage's limit; while the ticket is suspended its clock stands still."""
    if before is None or before.deadlines is None or before.suspended_at is not None:
        return None
    rating = before.state is State.FED_BACK
    kind = ClockKind.RATING if rating else STAGE_CLOCK.get(before.state)
    due = before.deadlines.rating_due if rating else before.deadlines.stage_due
    if before.state is State.ACCEPTED:
        kind, due = ClockKind.RESOLVE, before.deadlines.resolve_due
    if kind is None or due is None:
        return None
    return Ran(clock=kind, due_at=due, margin_seconds=(due - at).total_seconds())
