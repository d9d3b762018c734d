"""A long history replayed in process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from domain import commands as c
from domain.cloudevent import decode, encode
from domain.replay import replay
from domain.vocabulary import Role
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides
from tests.benchmarks.profiled import profiled
from tests.journeys import walked

STEPS = 1000


class ReplayOfALongHistory:
    """Milliseconds from the stored bytes of 1,000 events of one ticket to its steps and what each changed.

    `decoding` is how much of it turns bytes into events.
    """

    name = "replay"
    unit = "ms"
    against = "–"
    limit = Limit(Direction.AT_MOST, 50)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Make the history: suspended and resumed again and again, so that its pauses add up."""
        journey = walked(5)
        while len(journey.events) < STEPS:
            journey.give(c.Suspend(reason="parts"), Role.COUNTY, timedelta(minutes=1))
            journey.give(c.Resume(), Role.COUNTY, timedelta(minutes=1))
        stored = [encode(event) for event in journey.events[:STEPS]]
        _replay(stored)
        yield Sides(lambda: profiled(place.profile, lambda: _replay(stored)))


def _replay(stored: list[bytes]) -> Figure:
    began = time.perf_counter()
    events = [decode(each) for each in stored]
    decoded = time.perf_counter()
    history = replay(events)
    ended = time.perf_counter()
    assert history.version == STEPS
    return Figure((ended - began) * 1e3, (("decoding", (decoded - began) * 1e3),))
