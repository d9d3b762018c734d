"""The commands on a worklist are the lifecycle table's, and pages do not take a cursor for what it is not."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import commands as c
from domain.errors import Invalid
from domain.vocabulary import Level, Role
from projections.page import checked_limit, read_cursor, write_cursor
from projections.ticket_state import Because
from projections.worklist import Desk, commands_for
from tests.journeys import COUNTY, PREFECTURE, ROADS, TOWNSHIP, VILLAGE, walked
from tests.read_models import ticket_row

NOW = datetime(2026, 11, 23, 6, 12, 9, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("steps", "role", "unit", "expected"),
    [
        (1, Role.GRID_WORKER, VILLAGE, ("verify", "transfer", "request-extension")),
        (2, Role.VILLAGE, VILLAGE, ("reject", "issue", "return", "transfer", "resolve", "request-extension")),
        (3, Role.TOWNSHIP, TOWNSHIP, ("dispatch", "return", "transfer", "resolve", "request-extension")),
        (4, Role.DEPARTMENT, ROADS, ("accept", "return", "transfer", "request-extension")),
        (5, Role.DEPARTMENT, ROADS, ("return", "transfer", "resolve", "request-extension")),
        (6, Role.GRID_WORKER, VILLAGE, ("rework", "feed-back")),
    ],
)
def test_what_a_holder_can_do_at_each_step(
    steps: int, role: Role, unit: str, expected: tuple[str, ...]
) -> None:
    row = ticket_row(walked(steps).events)
    assert commands_for(row, Desk(role, unit), Because.HELD) == expected


def test_what_a_superior_can_do() -> None:
    journey = walked(5)
    journey.give(c.RequestExtension(until=journey.now + timedelta(days=9), reason="parts"), Role.DEPARTMENT)
    asked = ticket_row(journey.events)
    township = Desk(Role.TOWNSHIP, TOWNSHIP)
    assert commands_for(asked, township, Because.EXTENSION) == ("grant-extension", "refuse-extension")
    journey.give(c.Suspend(reason="parts"), Role.TOWNSHIP)
    suspended = ticket_row(journey.events)
    assert commands_for(suspended, township, Because.SUSPENDED) == ("resume",)
    assert commands_for(suspended, Desk(Role.DEPARTMENT, ROADS), Because.HELD) == ("resume",)


def test_an_emergency_is_the_countys_to_dispatch_from_the_first_step() -> None:
    journey = walked(1)
    journey.give(c.DeclareEmergency(reason="fire"), Role.COUNTY)
    row = ticket_row(journey.events)
    assert commands_for(row, Desk(Role.COUNTY, COUNTY), Because.EMERGENCY) == ("dispatch",)


def test_each_desk_looks_at_the_levels_just_below() -> None:
    assert Desk(Role.TOWNSHIP, TOWNSHIP).below == {Level.VILLAGE, Level.DEPARTMENT}
    assert Desk(Role.COUNTY, COUNTY).below == {Level.TOWNSHIP}
    assert Desk(Role.PREFECTURE, PREFECTURE).below == {Level.COUNTY}
    assert Desk(Role.GRID_WORKER, VILLAGE).below == frozenset()
    assert Desk(Role.DEPARTMENT, ROADS).below == frozenset()
    assert Desk(Role.SYSTEM, "").level is None


@pytest.mark.parametrize("key", [(NOW, "622901-261123-222AX"), (None, "x"), (5, "六单")])
def test_a_cursor_comes_back_as_it_was(key: tuple[datetime | int | None, str]) -> None:
    cursor = write_cursor("placed_at", key)
    assert cursor.isascii()
    assert read_cursor(cursor, "placed_at", 2) == key


def test_a_cursor_that_was_changed_or_is_of_another_list_is_refused() -> None:
    cursor = write_cursor("placed_at", (NOW, "622901-261123-222AX"))
    wrong = [cursor[:-1], cursor[1:], cursor + "A", "", "%%%", "六单", "a" * 5000]
    wrong += [
        cursor[:n] + ("A" if char != "A" else "B") + cursor[n + 1 :] for n, char in enumerate(cursor[:-1])
    ]
    for bad in wrong:
        with pytest.raises(Invalid) as refused:
            read_cursor(bad, "placed_at", 2)
        assert refused.value.field == "cursor"
    for order, length in (("resolve_due", 2), ("placed_at", 3)):
        with pytest.raises(Invalid):
            read_cursor(cursor, order, length)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_limits(limit: int) -> None:
    with pytest.raises(Invalid) as refused:
        checked_limit(limit)
    assert refused.value.field == "limit"
