"""A replayed history for people to read: its steps with what they changed, or what brought about what."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.tree import Tree

from domain.event_names import EVENT_NAMES
from domain.explanation import IN_CHINESE
from domain.replay import Cause, Change, Ran, Replay, Step, causes
from infra.account_commands import console, hours, local
from infra.tickets import CHINA

_LATE_NEWS = timedelta(minutes=1)
"""A step that was recorded later than this after it happened says so."""


def show_history(history: Replay) -> None:
    """Print every step: when, who, what, what it changed, and the limit that ran."""
    out = console()
    out.print(f"\n{history.number} · version {history.version} · {history.state}")
    for step in history.steps:
        out.print(
            f"\n{step.version:>3}  {step.zh} {EVENT_NAMES[step.type].english} · {_when(step)} · {_doer(step)}"
        )
        for line in _details(step):
            out.print(f"     {line}")


def _details(step: Step) -> Iterable[str]:
    yield f"now {_place(step)}"
    if step.ran is not None:
        yield _ran(step.ran)
    yield from map(_change, step.changes)


def show_causes(history: Replay) -> None:
    """Draw the tree of commands: what somebody did, and what followed from it."""
    steps = {step.version: step for step in history.steps}
    out = console()
    root = Tree(f"{history.number} · version {history.version} · {history.state}")
    for cause in causes(history.steps):
        _grow(root, cause, steps)
    out.print(root)


def _grow(tree: Tree, cause: Cause, steps: Mapping[int, Step]) -> None:
    first = steps[cause.versions[0]]
    if cause.cause is not None:
        tree = tree.add(f"outside of this ticket: {cause.cause}")
    branch = tree.add(Group(*_lines(cause, first, (steps[version] for version in cause.versions))))
    for one in cause.brought_about:
        _grow(branch, one, steps)


def _lines(cause: Cause, first: Step, steps: Iterable[Step]) -> Iterable[RenderableType]:
    yield f"{_when(first)}  {_doer(first)}"
    for step in steps:
        yield f"  {step.version} {step.zh} {EVENT_NAMES[step.type].english}"
    correlation = "" if cause.correlation_id == cause.command_id else f", correlation {cause.correlation_id}"
    yield f"  command {cause.command_id}{correlation}"


def _when(step: Step) -> str:
    recorded = step.recorded_at - step.occurred_at
    late = f", recorded {local(step.recorded_at, CHINA)}" if recorded > _LATE_NEWS else ""
    return f"{local(step.occurred_at, CHINA)}{late}"


def _doer(step: Step) -> str:
    return " ".join(filter(None, (step.actor.role, step.actor.unit, step.actor.id)))


def _place(step: Step) -> str:
    return " ".join(filter(None, (step.state, step.level, step.holder)))


def _change(change: Change) -> str:
    return f"{change.field}: {_value(change.before)} → {_value(change.after)}"


def _value(value: object) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return local(value, CHINA)
    return str(value)


def _ran(ran: Ran | None) -> str:
    if ran is None:
        return "–"
    left = hours(abs(ran.margin_seconds))
    said = f"{left} late" if ran.margin_seconds < 0 else f"{left} left"
    return f"{IN_CHINESE[ran.clock]} {ran.clock}, due {local(ran.due_at, CHINA)}: {said}"
