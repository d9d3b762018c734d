"""The response log of an emergency 应急处置记录: when it is open, for whom, and what it shows."""

from datetime import timedelta

import pytest

from domain import commands as c
from domain.errors import Forbidden, Refused
from domain.lifecycle import permitted_commands
from domain.response_log import response_log
from domain.vocabulary import ResponseKind, Role
from tests.journeys import ACTORS, HAPPY_PATH, Journey, walked

HOUR = timedelta(hours=1)


def entry(kind: ResponseKind) -> c.LogResponse:
    return c.LogResponse(kind=kind, words="the street is closed")


def in_emergency(steps: int = 5) -> Journey:
    journey = walked(steps)
    journey.give(c.DeclareEmergency(reason="flood"), Role.COUNTY, HOUR)
    return journey


def refusal(journey: Journey, kind: ResponseKind) -> str:
    with pytest.raises(Refused) as refused:
        journey.give(entry(kind), Role.COUNTY)
    return refused.value.rule


@pytest.mark.parametrize("kind", ResponseKind)
def test_there_is_no_log_without_an_emergency(kind: ResponseKind) -> None:
    journey = walked(5)
    assert refusal(journey, kind) == "no-emergency"
    assert journey.ticket is not None
    assert "log-response" not in permitted_commands(journey.ticket, ACTORS[Role.COUNTY])


@pytest.mark.parametrize("kind", ResponseKind)
@pytest.mark.parametrize(
    "role", [Role.GRID_WORKER, Role.VILLAGE, Role.TOWNSHIP, Role.COUNTY, Role.PREFECTURE, Role.DEPARTMENT]
)
def test_the_officers_of_the_region_and_the_holder_write_it(kind: ResponseKind, role: Role) -> None:
    journey = in_emergency()
    assert journey.ticket is not None
    assert "log-response" in permitted_commands(journey.ticket, ACTORS[role])
    journey.give(entry(kind), role, HOUR)
    assert journey.events[-1].type == "liudan.ticket.response-logged.v1"


@pytest.mark.parametrize("role", [Role.RESIDENT, Role.SYSTEM, Role.DATA_PROTECTION])
def test_others_do_not(role: Role) -> None:
    with pytest.raises(Forbidden):
        in_emergency().give(entry(ResponseKind.REPORT), role)


def test_a_suspended_ticket_has_an_open_log() -> None:
    journey = in_emergency()
    journey.give(c.Suspend(reason="no access"), Role.TOWNSHIP)
    journey.give(entry(ResponseKind.TRACKING), Role.COUNTY)


@pytest.mark.parametrize("kind", ResponseKind)
def test_when_it_is_over_only_the_aftermath_is_logged(kind: ResponseKind) -> None:
    journey = in_emergency()
    journey.give(c.StandDown(), Role.COUNTY, HOUR)
    for command, role in HAPPY_PATH[5:]:
        if kind is ResponseKind.AFTERMATH:
            journey.give(entry(kind), Role.COUNTY, HOUR)
        else:
            assert refusal(journey, kind) == "emergency-over"
        journey.give(command, role, HOUR)
    assert (kind is ResponseKind.AFTERMATH) or refusal(journey, kind) == "emergency-over"


def test_a_ticket_that_was_closed_in_an_emergency_has_only_an_aftermath() -> None:
    journey = in_emergency()
    for command, role in HAPPY_PATH[5:]:
        journey.give(command, role, HOUR)
    assert refusal(journey, ResponseKind.REPORT) == "emergency-over"
    journey.give(entry(ResponseKind.AFTERMATH), Role.COUNTY)


def test_the_log_is_read_off_the_events() -> None:
    journey = in_emergency()
    declared = journey.now
    journey.give(entry(ResponseKind.WARNING), Role.COUNTY, HOUR)
    journey.give(entry(ResponseKind.REPORT), Role.DEPARTMENT, HOUR)
    journey.give(c.StandDown(), Role.PREFECTURE, HOUR)
    journey.give(entry(ResponseKind.AFTERMATH), Role.TOWNSHIP, HOUR)
    journey.give(c.DeclareEmergency(reason="again"), Role.COUNTY, HOUR)
    log = response_log(journey.events)
    first, second = log.emergencies
    assert (log.number, log.version) == (journey.events[0].number, len(journey.events))
    assert (first.declared_at, first.declared_by, first.reason) == (declared, "officer:county", "flood")
    assert (first.stood_down_at, first.stood_down_by) == (declared + 3 * HOUR, "officer:prefecture")
    assert [(one.kind.value, one.at - declared, one.role) for one in first.entries] == [
        ("warning", HOUR, Role.COUNTY),
        ("report", 2 * HOUR, Role.DEPARTMENT),
        ("aftermath", 4 * HOUR, Role.TOWNSHIP),
    ]
    assert (second.reason, second.stood_down_at, second.entries) == ("again", None, ())
    ids = [one.event_id for one in first.entries]
    assert ids == [event.id for event in journey.events if event.type.endswith("response-logged.v1")]
    assert response_log(walked(3).events).emergencies == ()
