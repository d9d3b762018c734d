"""Ticket histories for tests: pure, with a fixed clock, made by the real `decide`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from domain import commands as c
from domain.context import Context
from domain.decide import decide_and_evolve
from domain.numbers import TicketNumber
from domain.regions import Region
from domain.rulebook import Rulebook
from domain.ticket import Ticket
from domain.ticket_event import Actor, TicketEvent
from domain.vocabulary import Role
from infra.policy_file import default_rulebook

VILLAGE = Region("622901001001")
TOWNSHIP, COUNTY, PREFECTURE = "622901001", "622901", "6229"
ROADS = "dept:622901:roads"
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
RESIDENT_ID = UUID("11111111-2222-4333-8444-555555555555")
ACTORS = {
    Role.RESIDENT: Actor(str(RESIDENT_ID), Role.RESIDENT),
    Role.GRID_WORKER: Actor("officer:grid", Role.GRID_WORKER, VILLAGE),
    Role.VILLAGE: Actor("officer:village", Role.VILLAGE, VILLAGE),
    Role.TOWNSHIP: Actor("officer:township", Role.TOWNSHIP, TOWNSHIP),
    Role.DEPARTMENT: Actor("officer:roads", Role.DEPARTMENT, ROADS),
    Role.COUNTY: Actor("officer:county", Role.COUNTY, COUNTY),
    Role.PREFECTURE: Actor("officer:prefecture", Role.PREFECTURE, PREFECTURE),
    Role.DATA_PROTECTION: Actor("officer:privacy", Role.DATA_PROTECTION, PREFECTURE),
    Role.SYSTEM: Actor("system", Role.SYSTEM),
}
HAPPY_PATH: tuple[tuple[c.Command, Role], ...] = (
    (c.Place(region=VILLAGE, category="roads.surface"), Role.RESIDENT),
    (c.Verify(), Role.GRID_WORKER),
    (c.Issue(), Role.VILLAGE),
    (c.Dispatch(department=ROADS), Role.TOWNSHIP),
    (c.Accept(first_handler="officer:roads"), Role.DEPARTMENT),
    (c.Resolve(), Role.DEPARTMENT),
    (c.FeedBack(), Role.GRID_WORKER),
    (c.Rate(solved=True, score=5), Role.RESIDENT),
)


def _ids() -> Iterator[UUID]:
    return (UUID(int=n) for n in count(1))


@dataclass
class Journey:
    """One ticket on its way; collects its events."""

    serial: int = 7
    now: datetime = START
    ticket: Ticket | None = None
    events: list[TicketEvent] = field(default_factory=list)
    ids: Iterator[UUID] = field(default_factory=_ids)
    book: Rulebook = field(default_factory=default_rulebook)

    def context(self, actor: Actor) -> Context:
        """What the command side would pass in, with this journey's clock and ids."""
        return Context(
            now=self.now,
            recorded_at=self.now,
            actor=actor,
            command_id=next(self.ids),
            rules=self.book.in_force(self.now),
            new_id=self.ids.__next__,
            number=TicketNumber.compose(VILLAGE, self.now.date(), self.serial),
            person=RESIDENT_ID,
        )

    def give(self, command: c.Command, actor: Actor | Role, after: timedelta = timedelta(0)) -> Ticket:
        """Decide a command and go on from there; raises what `decide` raises."""
        self.now += after
        who = ACTORS[actor] if isinstance(actor, Role) else actor
        events, self.ticket = decide_and_evolve(self.ticket, command, self.context(who))
        self.events += events
        return self.ticket


def walked(steps: int, every: timedelta = timedelta(minutes=10)) -> Journey:
    """A journey that has gone the first `steps` of the happy path."""
    journey = Journey()
    for command, role in HAPPY_PATH[:steps]:
        journey.give(command, role, every)
    return journey
