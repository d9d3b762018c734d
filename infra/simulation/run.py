"""Play a simulated day, or more days, on the real command side: believable, fast, and the same every time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

import structlog

from domain import commands as c
from domain.errors import Invalid, LiudanError, Refused
from domain.numbers import TicketNumber
from domain.ticket import Ticket
from infra.in_flight import each
from infra.progress import Progress, Unwatched
from infra.simulation.cast import Run, Story, stories
from infra.simulation.rates import Rates
from infra.simulation.scene import Script, Step, TimeIsUp
from infra.tickets import Answer, Request, Tickets

log = structlog.get_logger(__name__)
_COMMANDS = UUID("7d1d6a5e-4a0c-5f6b-9b50-0a4c1f7f2f31")


class Misplayed(LiudanError):
    """A command was refused that should not be: it misreads the lifecycle, or others interfered."""


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What a simulation consists of, and how much of it was there before."""

    tickets: int = 0
    commands: int = 0
    events: int = 0
    """Of these tickets, in the store now."""
    repeated: int = 0
    """Commands that an earlier run had given already: all of them, when the same run is played again."""


async def simulate(
    tickets: Tickets,
    *,
    seed: int,
    count: int,
    until: datetime,
    days: int = 1,
    progress: Progress | None = None,
    rates: Rates | None = None,
) -> SimulationResult:
    """Let `count` tickets be placed in the `days` before `until` and go as far as they get by then.

    The same seed, count, until and days give the same numbers and commands: a second run stores nothing.
    Raises Invalid for arguments that make no sense, Transient when the store is away (play it again to
    go on) and Misplayed when a command is refused.
    """
    _check(count, until, days)
    progress = progress or Unwatched()
    progress.begin(count, "tickets")
    player = _Player(tickets, until, progress)
    run = Run(seed, count, until, days, rates or Rates(), tickets.rulebook)
    await each(stories(run), player.play)
    result = player.result()
    log.info("simulation_done", seed=seed, tickets=result.tickets, events=result.events)
    return result


def _check(count: int, until: datetime, days: int) -> None:
    if count < 0:
        raise Invalid(f"{count} is not a number of tickets", field="count")
    if days < 1:
        raise Invalid("a simulation takes at least one day", field="days")
    if until.utcoffset() is None:
        raise Invalid("until needs a time zone", field="until")


class _Player:
    def __init__(self, tickets: Tickets, until: datetime, progress: Progress) -> None:
        self._tickets, self._until, self._progress = tickets, until, progress
        self._played = self._commands = self._events = self._repeated = 0

    async def play(self, story: Story) -> None:
        """Play one story, each step when the one before is committed."""
        length = _Length()
        step = next_in_time(story.script, None, self._until)
        while step is not None:
            answer = await self._give(step, uuid5(_COMMANDS, f"{story.name}/{length.steps}"))
            length.count(step, answer.ticket)
            self._repeated += answer.repeated
            step = next_in_time(story.script, answer.ticket, self._until)
        self._commands += length.steps
        self._events += length.events
        self._played += story.tickets
        self._progress.advance(story.tickets)

    async def _give(self, step: Step, command_id: UUID) -> Answer:
        request = Request(
            command=step.command,
            actor=step.actor,
            command_id=command_id,
            number=step.number,
            occurred_at=step.at,
        )
        try:
            return await self._tickets.handle(request)
        except Refused as refused:
            name = step.command.NAME
            raise Misplayed(
                f"{name} by {step.actor.role} on {step.number} was refused: {refused}"
            ) from refused

    def result(self) -> SimulationResult:
        """Give what has been played so far."""
        return SimulationResult(self._played, self._commands, self._events, self._repeated)


class _Length:
    """Counts the steps and the events of a story; a merge is an event of both tickets."""

    def __init__(self) -> None:
        self.steps = 0
        self._versions: dict[TicketNumber, int] = {}
        self._parents: dict[TicketNumber, TicketNumber] = {}

    @property
    def events(self) -> int:
        return sum(self._versions.values())

    def count(self, step: Step, ticket: Ticket) -> None:
        self.steps += 1
        self._versions[step.number] = ticket.version
        if isinstance(step.command, c.Merge):
            self._parents[step.number] = step.command.into
        if isinstance(step.command, c.Merge | c.Unmerge):
            self._versions[self._parents[step.number]] += 1


def next_in_time(script: Script, ticket: Ticket | None, until: datetime) -> Step | None:
    """Go on with the story to its next step that is not too late; None when there is none."""
    try:
        step = next(script) if ticket is None else script.send(ticket)
        while step.at > until:
            step = script.throw(TimeIsUp())
    except (StopIteration, TimeIsUp):
        return None
    return step
