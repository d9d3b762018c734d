"""What a resident writes never stands in an event: every field of every command that a resident may give."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain import commands as c
from domain.cloudevent import encode
from domain.commands import Command
from domain.lifecycle import LIFECYCLE, Who
from domain.personal import SEALED_REASON
from domain.vocabulary import Role
from tests.journeys import HAPPY_PATH, Journey

SECRET = "马小明十三楼"


def free_text(command: type[Command]) -> set[str]:
    """Name the fields that take any text."""
    found = set()
    for name in command.model_fields:
        try:
            command.__pydantic_validator__.validate_assignment(command.model_construct(), name, SECRET)
        except ValidationError:
            continue
        found.add(name)
    return found


def of_residents() -> list[type[Command]]:
    return [rule.command for rule in LIFECYCLE.values() if rule.by & {Who.RESIDENT, Who.ANYONE}]


@pytest.mark.parametrize("command", of_residents(), ids=lambda command: command.NAME)
def test_all_free_text_of_a_resident_is_personal(command: type[Command]) -> None:
    fields = free_text(command)
    values: dict[str, Any] = {name: f"{SECRET}{name}" for name in fields}
    given = command.model_construct(None, **values)
    sealed = given.personal(Role.RESIDENT)
    stays = {"category"} if command is c.Place else set()  # a code of the catalogue, or it is refused
    assert (set(sealed.model_dump(exclude_none=True)) if sealed else set()) == fields - stays


def test_the_fields_are_really_found() -> None:
    assert free_text(c.Place) == {"name", "contact", "address", "words", "category"}
    assert free_text(c.Reopen) == {"words", "reason"}
    assert free_text(c.Attach) == {"words"}


def test_a_residents_reason_for_reopening_is_not_in_the_event() -> None:
    for role, stands in ((Role.RESIDENT, SEALED_REASON), (Role.COUNTY, SECRET)):
        journey = Journey()
        for command, by in HAPPY_PATH:
            journey.give(command, by)
        journey.give(c.Reopen(reason=SECRET), role)
        event = journey.events[-1]
        assert event.payload.model_dump()["reason"] == stands
        assert (SECRET.encode() in encode(event)) == (stands == SECRET)
