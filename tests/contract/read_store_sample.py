"""A read store with tickets of many kinds in it, and the rows that it must hold."""

from datetime import timedelta

import pytest

from domain import commands as c
from domain.regions import Grid, Region
from domain.ticket_event import TicketEvent
from domain.vocabulary import Role
from infra.read_store.open import ReadStore
from projections.ticket_state import TicketRow
from tests.contract.read_store_fixtures import project
from tests.journeys import HAPPY_PATH, START, Journey
from tests.read_models import ticket_row

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = START + 30 * DAY
GRID = Grid("622901001001-U003")
PLACES = (
    "622901001001", "622901001002", "622901002001", "622921001001", "622901", "653101001001",
    "us-nyc", "us-nyc:queens", "us-nyc:queens:09", "us-nyc:queens:10", "us-nyc:queens-west", "us-nyc2:queens",
)  # fmt: skip


def _at(place: str, serial: int) -> Journey:
    """A matter that another system knew of, at any place; they differ in day, due time and end."""
    journey = Journey(serial=serial, now=START + serial * HOUR)
    placed_at = START - (serial % 7) * DAY
    command = c.Import(
        origin="nyc311" if serial % 2 else "boston311",
        source_id=str(serial),
        region=Region.parse(place),
        category="nyc311:noise" if serial % 3 else "nyc311:heating_off",
        category_text="Noise – Loud Music" if serial % 3 else "HEATING 暖气 – 100% Building",
        agency="nyc:nypd" if serial % 4 else None,
        placed_at=placed_at,
        resolve_due=placed_at + 2 * DAY if serial % 5 else None,
        closed_at=placed_at + (serial % 4) * DAY if serial % 3 == 0 else None,
        closed=serial % 3 == 0,
    )
    journey.give(command, Role.SYSTEM)
    return journey


@pytest.fixture
def histories() -> list[list[TicketEvent]]:
    """Tickets in many places and in every state."""
    found = [_at(place, serial).events for serial, place in enumerate(PLACES * 4)]
    for serial, steps in enumerate([1, 2, 3, 4, 5, 6, 7, 8], 100):
        journey = Journey(serial=serial)
        for command, role in HAPPY_PATH[:steps]:
            journey.give(command, role, HOUR)
        if steps == 5:
            journey.give(c.Suspend(reason="winter"), Role.TOWNSHIP, HOUR)
        if steps == 3:
            journey.give(c.DeclareEmergency(reason="fire"), Role.COUNTY, HOUR)
        found.append(journey.events)
    in_grid = Journey(serial=200)
    in_grid.give(c.Place(region=Region("622901"), grid=GRID), Role.RESIDENT)
    return [*found, in_grid.events]


@pytest.fixture
def rows(reads: ReadStore, histories: list[list[TicketEvent]]) -> list[TicketRow]:
    """Their rows, which are in the read store."""
    project(reads, [event for events in histories for event in events])
    return [ticket_row(events) for events in histories]
