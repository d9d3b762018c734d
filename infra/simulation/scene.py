"""One simulated ticket and those who deal with it; what they do is handed out as steps."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.commands import Command, Escalate
from domain.numbers import TicketNumber
from domain.rulebook import Rulebook, Rules
from domain.ticket import Ticket
from domain.ticket_event import Actor
from infra.simulation.chance import Chance
from infra.simulation.hours import next_on_duty
from infra.simulation.linxia import SYSTEM, Place, department_officer
from infra.simulation.matters import Matter
from infra.simulation.rates import Rates
from infra.simulation.residents import Resident

_HOUR = timedelta(hours=1)


class TimeIsUp(Exception):
    """The simulated time ends before this step; the ticket stays as it is."""


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody gives a command about one ticket, at a simulated moment."""

    number: TicketNumber
    command: Command
    actor: Actor
    at: datetime


Script = Generator[Step, Ticket, None]
"""Yields steps and is sent the ticket after each; thrown TimeIsUp at a step that comes too late."""


@dataclass(slots=True)
class Scene:
    """One ticket's stage. `now` is the simulated time of what happened to it last."""

    number: TicketNumber
    place: Place
    matter: Matter
    resident: Resident
    now: datetime
    chance: Chance
    rates: Rates
    rulebook: Rulebook
    placed_by_resident: bool = True
    emergency: bool = False
    cross_county: bool = False
    left_alone: bool = False
    """Nothing more happens to it."""
    facts: set[str] = field(default_factory=set)
    """What happens only once to a ticket and has happened."""
    _ticket: Ticket | None = None

    @property
    def ticket(self) -> Ticket:
        """The ticket as the last step left it."""
        if self._ticket is None:
            raise LookupError("the ticket has not been placed")
        return self._ticket

    @property
    def rules(self) -> Rules:
        """The rules that the matter's clock goes by."""
        deadlines = self.ticket.deadlines
        clock = deadlines.resolve_clock if deadlines else None
        own = (clock.policy if clock else None) or (deadlines.policy if deadlines else None)
        return self.rulebook.rules(own) or self.rulebook.in_force(self.now)

    def give(self, command: Command, actor: Actor, at: datetime) -> Script:
        """Let somebody give a command at a moment; never before what happened last."""
        self.now = max(self.now, at)
        self._ticket = yield Step(self.number, command, actor, self.now)

    def by_officer(self, command: Command, actor: Actor, median_hours: float) -> Script:
        """Let an officer do something when they get round to it, in working hours but for emergencies."""
        if self.emergency:
            return self.give(command, actor, self.now + self.chance.around(median_hours / 4, 0.5) * _HOUR)
        if self.chance.happens(self.rates.left_lying):
            median_hours *= self.rates.left_lying_times
        moment = next_on_duty(self.now + self.chance.around(median_hours, 0.8) * _HOUR, self.chance)
        return self._late_or_not(command, actor, moment)

    def _late_or_not(self, command: Command, actor: Actor, moment: datetime) -> Script:
        """Let the system escalate some of the orders that are done too late, when their time is over."""
        ticket = self.ticket
        due = ticket.deadlines.stage_due if ticket.deadlines else None
        overrun = due is not None and not ticket.ended and self.now < due < moment
        if due is not None and overrun and self.chance.happens(self.rates.escalated_when_stage_late):
            yield from self.give(Escalate(reason="超过环节时限"), SYSTEM, due + timedelta(minutes=1))
        yield from self.give(command, actor, moment)

    def by_resident(self, command: Command, median_hours: float) -> Script:
        """Let the resident do something, at any hour."""
        after = self.chance.around(median_hours, 0.9) * _HOUR
        return self.give(command, self.resident.actor, self.now + after)

    def once(self, what: str, probability: float) -> bool:
        """Whether something happens now that happens at most once to a ticket."""
        if what in self.facts or not self.chance.happens(probability):
            return False
        self.facts.add(what)
        return True

    def holder(self) -> Actor:
        """Somebody at the department that holds the ticket."""
        holder = self.ticket.holder
        if holder is None:
            raise LookupError(f"nobody holds {self.number}")
        return department_officer(holder.unit, self.chance.whole(1, 4))


Scenario = Callable[[Scene], Script]
