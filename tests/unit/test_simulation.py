"""The simulated people, played against the domain alone: believable, complete and always the same."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.context import Context
from domain.decide import decide_and_evolve, decide_pair
from domain.evolve import evolve
from domain.numbers import TicketNumber
from domain.ticket import Ticket
from domain.ticket_event import TicketEvent
from domain.vocabulary import Role, State
from infra.policy_file import default_rulebook
from infra.simulation.cast import Run, stories
from infra.simulation.chance import Chance
from infra.simulation.hours import CHINA, placing_times
from infra.simulation.linxia import COUNTIES
from infra.simulation.rates import Rates
from infra.simulation.run import next_in_time
from infra.simulation.scene import Step

UNTIL = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
SOMEBODY = UUID("5d4f2a30-1d83-5d6f-8d29-6f5f3a2a1b10")
NOT_PLAYED = {"import", "erase-personal-data", "revise-deadlines"}


@dataclass
class Stage:
    """Decides every step at once, as the command side would, and keeps everything."""

    steps: list[Step] = field(default_factory=list)
    tickets: dict[TicketNumber, Ticket] = field(default_factory=dict)
    events: list[TicketEvent] = field(default_factory=list)

    def play(self, run: Run) -> "Stage":
        for story in stories(run):
            step = next_in_time(story.script, None, run.until)
            while step is not None:
                step = next_in_time(story.script, self.give(step), run.until)
        return self

    def give(self, step: Step) -> Ticket:
        self.steps.append(step)
        before = self.tickets.get(step.number)
        context = self._context(step)
        if isinstance(step.command, c.Merge | c.Unmerge):
            assert before is not None
            other = step.command.into if isinstance(step.command, c.Merge) else before.parent
            assert other is not None
            events = decide_pair(before, self.tickets[other], step.command, context)
        else:
            events, _ = decide_and_evolve(before, step.command, context)
        for event in events:
            self.tickets[event.number] = evolve(self.tickets.get(event.number), event)
        self.events += events
        return self.tickets[step.number]

    def _context(self, step: Step) -> Context:
        resident = step.actor.role is Role.RESIDENT
        actor = step.actor if not resident else type(step.actor)(self._person(step), step.actor.role)
        return Context(
            now=step.at,
            recorded_at=step.at,
            actor=actor,
            command_id=uuid5(SOMEBODY, str(len(self.steps))),
            rules=default_rulebook().in_force(step.at),
            new_id=lambda: uuid5(SOMEBODY, f"event {len(self.events)}"),
            number=step.number,
            person=UUID(self._person(step)),
        )

    @staticmethod
    def _person(step: Step) -> str:
        return str(uuid5(SOMEBODY, step.actor.id))


def played(seed: int = 1, count: int = 300, days: int = 10, rates: Rates | None = None) -> Stage:
    return Stage().play(Run(seed, count, UNTIL, days, rates or Rates(), default_rulebook()))


@pytest.fixture(scope="module")
def month() -> Stage:
    return played(seed=7, count=2000, days=30)


@pytest.fixture(scope="module")
def day() -> Stage:
    return played(seed=7, count=2000, days=1)


def test_every_command_has_its_turn_in_a_month(month: Stage) -> None:
    given = {step.command.NAME for step in month.steps}
    assert given == set(c.COMMANDS) - NOT_PLAYED


def test_a_day_has_all_but_what_takes_longer(day: Stage) -> None:
    given = {step.command.NAME for step in day.steps}
    assert given == set(c.COMMANDS) - NOT_PLAYED - {"lapse-rating"}


def test_exactly_as_many_tickets_as_asked_for_within_the_time(month: Stage, day: Stage) -> None:
    for stage, days in ((month, 30), (day, 1)):
        assert len(stage.tickets) == 2000
        times = [step.at for step in stage.steps]
        assert UNTIL - timedelta(days=days) <= min(times)
        assert max(times) <= UNTIL
        assert {number[:6] for number in stage.tickets} == set(COUNTIES)


def test_the_same_run_is_the_same_and_another_seed_another() -> None:
    one, same, other = played(), played(), played(seed=2)
    assert one.steps == same.steps
    assert set(one.tickets).isdisjoint(other.tickets)


def test_longer_serials_than_new_tickets_get_so_that_they_never_meet(day: Stage) -> None:
    assert {len(number.rsplit("-", 1)[1]) for number in day.tickets} == {7}
    assert all(TicketNumber.parse(number) == number for number in day.tickets)


def test_detours_are_there_at_believable_rates(month: Stage) -> None:
    kinds = Counter(type(event.payload).__name__ for event in month.events)
    tickets = len(month.tickets)
    for kind, low, high in (
        ("OrderRejected", 0.03, 0.1),
        ("OrderReturned", 0.02, 0.1),
        ("OrderTransferred", 0.002, 0.05),
        ("ReworkOrdered", 0.02, 0.1),
        ("ExtensionRequested", 0.01, 0.1),
        ("ExtensionGranted", 0.005, 0.08),
        ("TicketSuspended", 0.005, 0.05),
        ("TicketReopened", 0.005, 0.06),
        ("OrderWithdrawn", 0.005, 0.04),
        ("OrderRated", 0.3, 0.8),
        ("RatingLapsed", 0.1, 0.5),
    ):
        assert low < kinds[kind] / tickets < high, kind
    assert kinds["EmergencyDeclared"] == kinds["EmergencyStoodDown"] == 1


def test_the_county_rules_after_a_second_return_and_crossing_matters_go_to_it(month: Stage) -> None:
    rulings = [event for event in month.events if getattr(event.payload, "binding", False)]
    assert rulings
    assert {event.actor.role for event in rulings} <= {Role.COUNTY, Role.PREFECTURE}
    crossing = [ticket for ticket in month.tickets.values() if ticket.matter_class == "cross_county"]
    assert len(crossing) > 5


def test_some_are_rated_badly_and_some_matters_and_orders_are_late(month: Stage) -> None:
    rated = [ticket.score for ticket in month.tickets.values() if ticket.score is not None]
    assert 0.02 < sum(score <= 2 for score in rated) / len(rated) < 0.2
    late = sum(ticket.overdue(UNTIL) for ticket in month.tickets.values())
    assert 0.02 < late / len(month.tickets) < 0.15
    assert 0.01 < late_orders(month) < 0.2


def late_orders(stage: Stage) -> float:
    """The share of orders that were done after their time, or are open past it."""
    due: dict[TicketNumber, tuple[datetime, datetime] | None] = {}
    late = done = 0
    for event in stage.events:
        entered, stage_due = event.ticket["stage_entered_at"], event.ticket["stage_due"]
        before = due.get(event.number)
        if before is not None and before[0] != entered:
            done += 1
            late += event.occurred_at > before[1]
        due[event.number] = (entered, stage_due) if stage_due else None
    return late / done


def test_tickets_are_left_in_every_state_by_the_end_of_the_day(day: Stage) -> None:
    assert {ticket.state for ticket in day.tickets.values()} == set(State)


def test_nights_are_quiet() -> None:
    times = placing_times(Chance("x"), 5000, UNTIL, 2)
    hours = Counter(time.astimezone(CHINA).hour for time in times)
    assert times == sorted(times)
    assert sum(hours[hour] for hour in range(6)) < 0.05 * len(times)
    assert hours[9] > 5 * hours[23]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(), count=st.integers(0, 40), days=st.integers(1, 90))
def test_no_seed_breaks_a_rule(seed: int, count: int, days: int) -> None:
    assert len(played(seed, count, days).tickets) == count


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    likely=st.sampled_from([0.0, 0.5, 0.95]),
)
def test_no_mood_breaks_a_rule(seed: int, likely: float) -> None:
    detours = Rates(
        withdraw=likely / 4, reject=likely / 4, cross_county=likely, village_rejects=likely / 4,
        village_returns=likely, township_returns=likely, first_return=likely, second_return=likely,
        wrong_department=likely, passed_on=likely, cohandler=likely, other_handler=likely, extension=likely,
        extension_granted=likely, suspension=likely, reclassified=likely, urged=likely, rework=likely,
        unsolved=likely, reopened_by_resident=likely, reopened_by_superior=likely, merge_undone=likely,
        same_matter_again=likely, escalated_when_stage_late=likely, grid_could_not=likely,
    )  # fmt: skip
    assert len(played(seed, 30, 60, detours).tickets) == 30
