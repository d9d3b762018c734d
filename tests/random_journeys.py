"""Random histories of a ticket, made of accepted commands."""

from datetime import timedelta

from hypothesis import strategies as st

from domain.errors import Refused
from tests.journeys import HAPPY_PATH, Journey
from tests.unit.test_domain_properties import next_step


def random_journey(data: st.DataObject, serial: int) -> Journey:
    """A ticket that went through accepted commands of any kind, at any pace."""
    journey = Journey(serial=serial)
    for command, role in HAPPY_PATH[: data.draw(st.integers(1, len(HAPPY_PATH)))]:
        journey.give(command, role, timedelta(minutes=10))
    for seconds in data.draw(st.lists(st.integers(0, 200_000), max_size=12)):
        assert journey.ticket is not None
        command, role = next_step(data, journey.ticket)
        try:
            journey.give(command, role, timedelta(seconds=seconds))
        except Refused:
            continue
    return journey
