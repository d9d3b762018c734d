"""Who may read what is sealed: the table, row by row, and what it does not give."""

import pytest

from domain import commands as c
from domain.errors import Forbidden, Invalid
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.unsealing import Purpose, SealedField, check_may_unseal, check_reason, readable_fields
from domain.vocabulary import Role
from tests.journeys import ACTORS, HAPPY_PATH, Journey

ALL = frozenset(SealedField)
MATTER = ALL - {SealedField.NAME, SealedField.CONTACT}
TEXT = MATTER - {SealedField.ADDRESS}
NOTHING: frozenset[SealedField] = frozenset()
HELPER = Actor("officer:water", Role.DEPARTMENT, "dept:622901:water")


def walked(steps: int, *further: tuple[c.Command, Role]) -> Ticket:
    journey = Journey()
    for command, role in (*HAPPY_PATH[:steps], *further):
        journey.give(command, role)
    assert journey.ticket is not None
    return journey.ticket


@pytest.mark.parametrize(
    ("role", "placed", "accepted", "closed"),
    [
        (Role.RESIDENT, ALL, ALL, ALL),
        (Role.GRID_WORKER, ALL, ALL, NOTHING),
        (Role.VILLAGE, MATTER, MATTER, NOTHING),
        (Role.TOWNSHIP, TEXT, TEXT, NOTHING),
        (Role.DEPARTMENT, NOTHING, ALL, NOTHING),
        (Role.COUNTY, TEXT, TEXT, NOTHING),
        (Role.PREFECTURE, TEXT, TEXT, NOTHING),
        (Role.DATA_PROTECTION, ALL, ALL, ALL),
        (Role.SYSTEM, NOTHING, NOTHING, NOTHING),
    ],
)
def test_who_reads_what_when(
    role: Role,
    placed: frozenset[SealedField],
    accepted: frozenset[SealedField],
    closed: frozenset[SealedField],
) -> None:
    found = [readable_fields(walked(steps), ACTORS[role]) for steps in (1, 5, len(HAPPY_PATH))]
    assert found == [placed, accepted, closed]


@pytest.mark.parametrize(
    "stranger",
    [
        Actor("somebody", Role.RESIDENT),
        Actor("officer:1", Role.GRID_WORKER, "622901001002"),
        Actor("officer:2", Role.VILLAGE, "622901001002"),
        Actor("officer:3", Role.TOWNSHIP, "622901002"),
        Actor("officer:4", Role.COUNTY, "622921"),
        Actor("officer:5", Role.PREFECTURE, "6230"),
        HELPER,
    ],
)
def test_others_read_nothing(stranger: Actor) -> None:
    emergency = walked(5, (c.DeclareEmergency(reason="flood"), Role.COUNTY))
    assert readable_fields(emergency, stranger) == NOTHING


def test_who_helps_reads_the_matter_and_not_the_person() -> None:
    ticket = walked(5, (c.AddCohandler(unit=str(HELPER.unit)), Role.DEPARTMENT))
    assert readable_fields(ticket, HELPER) == MATTER


def test_an_emergency_opens_it_to_who_commands() -> None:
    ticket = walked(5, (c.DeclareEmergency(reason="flood"), Role.COUNTY))
    assert readable_fields(ticket, ACTORS[Role.COUNTY]) == ALL
    assert readable_fields(ticket, ACTORS[Role.TOWNSHIP]) == ALL
    assert readable_fields(ticket, ACTORS[Role.PREFECTURE]) == TEXT
    over = walked(5, (c.DeclareEmergency(reason="flood"), Role.COUNTY), (c.StandDown(), Role.COUNTY))
    assert readable_fields(over, ACTORS[Role.COUNTY]) == TEXT


def test_one_field_too_many_refuses_all_and_is_named() -> None:
    with pytest.raises(Forbidden, match="contact") as refusal:
        check_may_unseal(walked(1), ACTORS[Role.COUNTY], [SealedField.WORDS, SealedField.CONTACT])
    assert refusal.value.rule == "not-for-your-role"
    with pytest.raises(Forbidden) as refusal:
        check_may_unseal(walked(len(HAPPY_PATH)), ACTORS[Role.GRID_WORKER], [SealedField.WORDS])
    assert refusal.value.rule == "no-need"


def test_officers_say_why() -> None:
    check_reason(ACTORS[Role.RESIDENT], Purpose.OWN_DATA, None)
    check_reason(ACTORS[Role.COUNTY], Purpose.SUPERVISE, "超期督办")
    for purpose, why in ((Purpose.SUPERVISE, None), (Purpose.SUPERVISE, ""), (Purpose.OWN_DATA, "mine")):
        with pytest.raises(Invalid):
            check_reason(ACTORS[Role.COUNTY], purpose, why)
