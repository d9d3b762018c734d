"""Cases over many months in which one concern breaks out in one place at the end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from domain import commands as c
from domain.context import Context
from domain.decide import decide
from domain.numbers import TicketNumber
from domain.regions import Region
from domain.ticket_event import TicketEvent
from domain.vocabulary import Role
from infra.policy_file import default_rulebook
from tests.journeys import ACTORS, RESIDENT_ID

FIRST_MONTH = datetime(2025, 9, 10, tzinfo=UTC)
MONTHS = 14
"""The last one is October 2026."""
A_MONTH, OUTBREAK = 6, 30
PLACES = (Region("622901001001"), Region("622921100200"))
CATEGORIES = ("safety.gas", "roads.surface", "water.supply")


def outbreak() -> Iterator[TicketEvent]:
    """Every month six of each concern in each place; in the last one, thirty of gas in the second place."""
    serials, ids, book = count(1), (UUID(int=n) for n in count(1)), default_rulebook()
    for month in range(MONTHS):
        begin = FIRST_MONTH + timedelta(days=30.4 * month)
        for place, category in ((place, category) for place in PLACES for category in CATEGORIES):
            breaks_out = (month, place, category) == (MONTHS - 1, PLACES[1], CATEGORIES[0])
            for n in range(OUTBREAK if breaks_out else A_MONTH):
                at = begin + timedelta(hours=n)
                context = Context(
                    now=at,
                    recorded_at=at,
                    actor=ACTORS[Role.RESIDENT],
                    command_id=next(ids),
                    rules=book.in_force(at),
                    new_id=ids.__next__,
                    number=TicketNumber.compose(place, at.date(), next(serials)),
                    person=RESIDENT_ID,
                )
                yield from decide(None, c.Place(region=place, category=category), context)
