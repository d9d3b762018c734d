"""Tickets of several villages with histories of every kind, at random but the same for the same seed."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from domain import commands as c
from domain.context import Context
from domain.decide import decide, decide_pair
from domain.errors import Refused
from domain.evolve import fold
from domain.lifecycle import permitted_commands
from domain.numbers import TicketNumber
from domain.regions import Grid, Region
from domain.ticket import Ticket
from domain.ticket_event import Actor, TicketEvent
from domain.vocabulary import Channel, Outcome, RejectReason, ResponseKind, Role, Urgency, Weight
from infra.policy_file import default_rulebook
from tests.journeys import RESIDENT_ID

VILLAGES = ("622901001001", "622901001002", "622901002001", "622922001001")
CATEGORIES = ("roads.surface", "sanitation.garbage", "disputes.land", "safety.fire")
BOOK = default_rulebook()


class Town:
    """Makes one history after the other; `seed` decides everything."""

    def __init__(self, seed: int, begin: datetime) -> None:
        self._random = random.Random(seed)
        self._begin = begin
        self._ids = (UUID(int=(seed << 80) + n) for n in count(1))
        self._serial = count(1)
        self._recorded_at = begin

    def histories(self, number: int, days: int) -> list[list[TicketEvent]]:
        """Give the histories of so many tickets, begun within so many days; a tenth is imported."""
        seconds = days * 86400
        histories = [self._history(self._begin + timedelta(seconds=self._random.randrange(seconds)))
                     for _ in range(number)]  # fmt: skip
        for _ in range(number // 4):
            self._merge(*self._random.sample(histories, 2))
        return histories

    def _merge(self, child: list[TicketEvent], parent: list[TicketEvent]) -> None:
        """Put one into the other if that is possible, and sometimes take it out again."""
        now = max(child[-1].occurred_at, parent[-1].occurred_at)
        self._recorded_at = max(child[-1].recorded_at, parent[-1].recorded_at)
        for command in (c.Merge(into=parent[0].number), c.Unmerge(reason="two holes")):
            now += timedelta(hours=self._random.randint(1, 100))
            tickets = [fold(None, child), fold(None, parent)]
            assert tickets[0] is not None
            assert tickets[1] is not None
            actor = Actor("officer:township", Role.TOWNSHIP, tickets[0].region[:9])
            try:
                events = decide_pair(tickets[0], tickets[1], command, self._context(now, actor))
            except Refused:
                return
            for event in events:
                (child if event.number == child[0].number else parent).append(event)
            if self._random.random() < 0.7:
                return

    def _history(self, now: datetime) -> list[TicketEvent]:
        pick = self._random
        self._recorded_at = now
        region = Region(pick.choice(VILLAGES))
        people = _people(region)
        first = self._imported(region, now) if pick.random() < 0.1 else self._placed(region)
        context = self._context(now, people[Role.SYSTEM if isinstance(first, c.Import) else Role.RESIDENT])
        events = list(decide(None, first, context._replace(number=self._number(region, now))))
        for _ in range(pick.randrange(30)):
            now += timedelta(seconds=pick.choice([60, 3600, 20_000, 90_000, 400_000]) * pick.random())
            events += self._next(events, now, people)
        return events

    def _next(
        self, events: Sequence[TicketEvent], now: datetime, people: dict[Role, Actor]
    ) -> list[TicketEvent]:
        pick = self._random
        ticket = fold(None, events)
        assert ticket is not None
        if ticket.holder is not None and ticket.holder.level == "department":
            people = {**people, Role.DEPARTMENT: Actor("officer:dept", Role.DEPARTMENT, ticket.holder.unit)}
        open_to = [(name, who) for who in people.values() for name in permitted_commands(ticket, who)]
        name, actor = pick.choice(sorted(open_to, key=str)) if open_to else ("", people[Role.SYSTEM])
        forward = [one for one in open_to if one[0] in _FORWARD]
        preferred = [one for one in open_to if one[0] in _SELDOM]
        if preferred and pick.random() < 0.3:
            name, actor = pick.choice(preferred)
        elif forward and pick.random() < 0.6:
            name, actor = pick.choice(forward)
        if name not in _COMMANDS:
            return []
        try:
            return list(decide(ticket, _COMMANDS[name](pick, ticket), self._context(now, actor)))
        except Refused:
            return []

    def _context(self, now: datetime, actor: Actor) -> Context:
        late = timedelta(hours=self._random.choice([0, 0, 0, 0, 1, 30]))
        self._recorded_at = max(self._recorded_at, now + late)  # a ticket's events come in their order
        return Context(
            now=now, recorded_at=self._recorded_at, actor=actor, command_id=next(self._ids),
            rules=BOOK.in_force(now), new_id=self._ids.__next__, person=RESIDENT_ID,
        )  # fmt: skip

    def _number(self, region: Region, now: datetime) -> TicketNumber:
        return TicketNumber.compose(region, now.date(), next(self._serial))

    def _placed(self, region: Region) -> c.Place:
        pick = self._random
        grid = Grid(f"{region}-U00{pick.randint(1, 2)}") if pick.random() < 0.7 else None
        return c.Place(
            region=region, grid=grid, category=pick.choice(CATEGORIES), channel=pick.choice(list(Channel)),
            urgency=pick.choice(list(Urgency)),
        )  # fmt: skip

    def _imported(self, region: Region, now: datetime) -> c.Import:
        pick = self._random
        placed = now - timedelta(days=pick.randrange(60))
        closed = pick.random() < 0.6
        return c.Import(
            origin=pick.choice(["12345", "old-city"]), source_id=str(pick.random()), region=region,
            category="other", category_text="other", channel=Channel.PHONE,
            agency="dept:622901:water" if pick.random() < 0.7 else None, placed_at=placed,
            closed_at=placed + timedelta(days=pick.randrange(-1, 20))
            if closed and pick.random() < 0.8
            else None,
            resolve_due=placed + timedelta(days=pick.randrange(1, 30)) if pick.random() < 0.7 else None,
            closed=closed,
        )  # fmt: skip


def _people(region: Region) -> dict[Role, Actor]:
    return {
        Role.RESIDENT: Actor(str(RESIDENT_ID), Role.RESIDENT),
        Role.GRID_WORKER: Actor("officer:grid", Role.GRID_WORKER, region),
        Role.VILLAGE: Actor("officer:village", Role.VILLAGE, region),
        Role.TOWNSHIP: Actor("officer:township", Role.TOWNSHIP, region[:9]),
        Role.COUNTY: Actor("officer:county", Role.COUNTY, region[:6]),
        Role.SYSTEM: Actor("system", Role.SYSTEM),
    }


_FORWARD = frozenset(
    {"verify", "issue", "dispatch", "accept", "resolve", "feed-back", "rate", "lapse-rating"}
)


_SELDOM = frozenset({"log-response", "request-extension", "grant-extension", "declare-emergency", "return"})


def _another_due(pick: random.Random, ticket: Ticket) -> datetime:
    due = ticket.deadlines.resolve_due if ticket.deadlines else None
    return (due or ticket.changed_at) + timedelta(hours=pick.randint(1, 60))


_COMMANDS: dict[str, Callable[[random.Random, Ticket], c.Command]] = {
    "verify": lambda pick, ticket: c.Verify(
        weight=pick.choice(list(Weight)), solvable_in_grid=pick.random() < 0.3
    ),
    "reject": lambda pick, ticket: c.Reject(reason=pick.choice(list(RejectReason))),
    "issue": lambda pick, ticket: c.Issue(),
    "dispatch": lambda pick, ticket: c.Dispatch(
        department=pick.choice(["dept:622901:roads", "dept:622901:water"])
    ),
    "accept": lambda pick, ticket: c.Accept(first_handler=f"officer:{pick.randint(1, 3)}"),
    "return": lambda pick, ticket: c.Return(reason="not ours"),
    "transfer": lambda pick, ticket: c.Transfer(to_unit="dept:622901:power", reason="theirs"),
    "assign": lambda pick, ticket: c.Assign(first_handler=f"officer:{pick.randint(1, 3)}"),
    "resolve": lambda pick, ticket: c.Resolve(outcome=pick.choice(list(Outcome))),
    "rework": lambda pick, ticket: c.Rework(reason="not done"),
    "feed-back": lambda pick, ticket: c.FeedBack(),
    "rate": lambda pick, ticket: c.Rate(solved=pick.random() < 0.7, score=pick.randint(1, 5)),
    "lapse-rating": lambda pick, ticket: c.LapseRating(),
    "reopen": lambda pick, ticket: c.Reopen(reason="again"),
    "withdraw": lambda pick, ticket: c.Withdraw(),
    "request-extension": lambda pick, ticket: c.RequestExtension(
        until=_another_due(pick, ticket), reason="parts"
    ),
    "grant-extension": lambda pick, ticket: c.GrantExtension(),
    "suspend": lambda pick, ticket: c.Suspend(reason="frost"),
    "resume": lambda pick, ticket: c.Resume(),
    "reclassify": lambda pick, ticket: c.Reclassify(category=pick.choice(CATEGORIES), reason="seen"),
    "revise-deadlines": lambda pick, ticket: c.ReviseDeadlines(
        resolve_due=_another_due(pick, ticket), policy="default-2", reason="calendar"
    ),
    "urge": lambda pick, ticket: c.Urge(),
    "escalate": lambda pick, ticket: c.Escalate(reason="late"),
    "declare-emergency": lambda pick, ticket: c.DeclareEmergency(reason="flood"),
    "log-response": lambda pick, ticket: c.LogResponse(kind=pick.choice(list(ResponseKind)), words="seen"),
    "stand-down": lambda pick, ticket: c.StandDown(),
}


def town_histories(seed: int, begin: datetime, number: int, days: int) -> Iterator[list[TicketEvent]]:
    """Give the histories of a town."""
    yield from Town(seed, begin).histories(number, days)
