"""What the indicators say of tickets whose story is known."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from domain import commands as c
from domain.decide import decide_pair
from domain.errors import Invalid
from domain.evolve import evolve
from domain.periods import Grain, Period
from domain.ticket_event import TicketEvent
from domain.vocabulary import Role
from projections.indicators.figures import Figure, figures
from projections.indicators.matter_fold import matters_of
from projections.indicators.question import Breakdown, Question
from projections.indicators.registry import REGISTRY
from projections.indicators.standing import Provisional, standing
from tests.journeys import ACTORS, HAPPY_PATH, START, Journey, walked

DAY = timedelta(days=1)
LATER = START + 60 * DAY


def figure(
    name: str, histories: Sequence[Sequence[TicketEvent]], as_of: datetime = LATER, year: int = 0
) -> Figure:
    matters = [matter for history in histories for matter in matters_of(history)]
    period = Period.parse(str(year or START.year))
    return figures(REGISTRY[name], matters, Question(period, as_of))[()]


def given(steps: int, *further: tuple[c.Command, Role, timedelta]) -> Journey:
    journey = walked(steps)
    for command, role, after in further:
        journey.give(command, role, after)
    return journey


def test_due_closed_in_time_and_late() -> None:
    in_time = walked(len(HAPPY_PATH))
    late = given(5, (c.Resolve(), Role.DEPARTMENT, 20 * DAY))
    still_open = walked(5)
    events = [in_time.events, late.events, still_open.events]
    closing, on_time = figure("closing-rate", events), figure("on-time-rate", events)
    assert (closing.numerator, closing.denominator) == (2, 3)
    assert (on_time.numerator, on_time.denominator) == (1, 3)
    # nothing is due yet
    assert figure("closing-rate", events, START + DAY).denominator == 0


def test_a_reopened_ticket_is_open_again_whatever_was_said_before() -> None:
    journey = walked(len(HAPPY_PATH))
    assert figure("closing-rate", [journey.events]).numerator == 1
    assert figure("backlog", [journey.events]).numerator == 0
    journey.give(c.Reopen(reason="again"), Role.RESIDENT, DAY)
    closing = figure("closing-rate", [journey.events], START + 5 * DAY)
    assert (closing.numerator, closing.denominator) == (0, 0)
    closing = figure("closing-rate", [journey.events])
    assert (closing.numerator, closing.denominator) == (0, 2)
    assert figure("backlog", [journey.events]).numerator == 1
    assert figure("reopening-rate", [journey.events]).value == 1
    assert figure("cases-filed", [journey.events]).numerator == 1


def test_suspended_in_time_leaves_the_denominator_suspended_too_late_does_not() -> None:
    in_time = given(5, (c.Suspend(reason="frost"), Role.TOWNSHIP, DAY))
    too_late = given(5, (c.Suspend(reason="frost"), Role.TOWNSHIP, 20 * DAY))
    for name in ("closing-rate", "on-time-rate"):
        found = figure(name, [in_time.events, too_late.events])
        assert (found.numerator, found.denominator) == (0, 1)
        assert found.counted.excluded == {"suspended": 1}
    assert figure("backlog", [in_time.events, too_late.events]).numerator == 2


def test_a_limit_that_was_moved_after_it_had_passed_stays_broken() -> None:
    revised = c.ReviseDeadlines(resolve_due=START + 30 * DAY, policy="default-2", reason="calendar")
    journey = given(5, (revised, Role.SYSTEM, 20 * DAY), (c.Resolve(), Role.DEPARTMENT, DAY))
    assert figure("closing-rate", [journey.events]).value == 1
    assert figure("on-time-rate", [journey.events]).value == 0


def _merge(after: timedelta) -> tuple[list[TicketEvent], list[TicketEvent]]:
    child, parent = walked(3), Journey(serial=8)
    for command, role in HAPPY_PATH[:3]:
        parent.give(command, role)
    assert child.ticket
    assert parent.ticket
    child.now += after
    context = child.context(ACTORS[Role.TOWNSHIP])
    first, second = decide_pair(child.ticket, parent.ticket, c.Merge(into=parent.ticket.number), context)
    assert evolve(child.ticket, first).state == "merged"
    return [*child.events, first], [*parent.events, second]


def test_a_merged_child_is_left_out_by_name_unless_it_was_late_already() -> None:
    child, parent = _merge(timedelta(hours=1))
    found = figure("closing-rate", [child, parent])
    assert (found.denominator, found.counted.excluded) == (1, {"merged": 1})
    assert figure("cases-filed", [child, parent]).numerator == 2
    child, parent = _merge(30 * DAY)
    found = figure("closing-rate", [child, parent])
    assert (found.numerator, found.denominator, found.counted.excluded) == (0, 2, {})


def test_silence_is_not_an_answer() -> None:
    rated = walked(len(HAPPY_PATH))
    unhappy = given(7, (c.Rate(solved=False, score=2), Role.RESIDENT, DAY))
    silent = given(7, (c.LapseRating(), Role.SYSTEM, 8 * DAY))
    for name in ("solution-rate", "satisfaction-rate"):
        found = figure(name, [rated.events, unhappy.events, silent.events])
        assert (found.numerator, found.denominator) == (1, 2)
        assert found.counted.excluded == {"silent": 1}


def test_time_is_charged_to_the_level_that_held_it_and_not_while_it_was_suspended() -> None:
    journey = given(
        5, (c.Suspend(reason="frost"), Role.TOWNSHIP, DAY), (c.Resume(), Role.SYSTEM, 3 * DAY),
        (c.Resolve(), Role.DEPARTMENT, DAY),
    )  # fmt: skip
    at_department = figure("time-at-department", [journey.events])
    assert at_department.value == 2 * 86400 + 600  # ten minutes until it was accepted
    assert figure("time-at-grid", [journey.events], journey.now + DAY).counted.hits == 0
    assert figure("resolution-time", [journey.events]).value == 5 * 86400 + 5 * 600 - 600


def test_what_is_open_counts_as_long_as_it_has_been_open() -> None:
    fast = [walked(len(HAPPY_PATH)).events for _ in range(2)]
    slow = [walked(5).events for _ in range(3)]
    found = figure("resolution-time", [*fast, *slow])
    assert (found.numerator, found.denominator) == (2, 5)
    assert found.value is None, "most of them are open: the median is not known"


def test_a_figure_is_final_when_nothing_can_change_it_any_more() -> None:
    period = Period.containing(START, Grain.MONTH)
    for as_of, undecided, missing, expected in (
        (period.end - DAY, 0, None, (Provisional.RUNNING,)),
        (period.end, 0, None, (Provisional.SETTLING,)),
        (period.end + DAY, 0, None, ()),
        (period.end + DAY, 3, None, (Provisional.UNDECIDED,)),
        (period.end + DAY, 0, period.end, (Provisional.BEHIND,)),
        (period.end + DAY, 0, period.end + DAY - timedelta(seconds=5), ()),
    ):
        assert standing(Question(period, as_of), undecided, missing) == expected


def test_a_closing_is_undecided_while_the_resident_may_reopen_it() -> None:
    journey = walked(len(HAPPY_PATH))
    early, late = journey.now + 14 * DAY, journey.now + 16 * DAY
    assert figure("closing-rate", [journey.events], early).counted.undecided == 1
    assert figure("closing-rate", [journey.events], late).counted.undecided == 0


@pytest.mark.parametrize("text", ["", "region", "region:6", "region:x", "class:2", "colour", "month:1"])
def test_what_cannot_be_broken_down_by_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Breakdown.parse(text)


def test_senseless_questions_are_refused() -> None:
    period = Period.parse("2026")
    for by in (("day", "month"), ("class", "class"), ("class", "level", "channel", "holder")):
        with pytest.raises(Invalid):
            Question(period, LATER, by=tuple(map(Breakdown.parse, by)))
    with pytest.raises(Invalid):
        Question(period, LATER.replace(tzinfo=None))
    with pytest.raises(Invalid):
        Question(period, LATER, narrowed={"colour": "red"})
