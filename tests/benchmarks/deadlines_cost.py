"""What the deadlines of an event cost, of deciding and committing it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import ParamSpec, TypeVar
from unittest.mock import patch

import uvloop

from domain import orders
from infra.in_flight import IN_FLIGHT, each
from infra.tickets import Tickets
from tests.benchmarks.commands_in_process import command_side
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides
from tests.benchmarks.orders import COMMANDS_A_JOURNEY, journey, walk

_WARM_UP = 64
_COMPUTED_BY = ("opening_deadlines", "reclassed", "stage_deadlines")

P = ParamSpec("P")
T = TypeVar("T")


class DeadlinesCost:
    """Per cent of the time of durable commands that goes into computing their deadlines.

    `Tickets.handle` on uvloop over SQLite, six-order journeys with 256 in flight, with a stopwatch around
    every computation of the deadlines that an event states (two calls of the clock included); its sum is
    divided by the time of the whole run, decisions, encoding, sealing and commits together.
    """

    name = "deadlines-cost"
    unit = "%"
    against = "–"
    limit = Limit(Direction.AT_MOST, 20)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Open a store and warm it up."""
        with command_side(f"sqlite:///{place.folder}/events.db", place.folder) as tickets:
            serials = count()
            _run(tickets, serials, _WARM_UP)
            yield Sides(lambda: _run(tickets, serials, place.pick(4000, 800)))


class _Stopwatch:
    """Sums up what the functions that it is put around take."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0

    def around(self, work: Callable[P, T]) -> Callable[P, T]:
        def timed(*arguments: P.args, **named: P.kwargs) -> T:
            began = time.perf_counter()
            try:
                return work(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - began
                self.calls += 1

        return timed


def _run(tickets: Tickets, serials: Iterator[int], journeys: int) -> Figure:
    watch = _Stopwatch()
    timed = {name: watch.around(getattr(orders, name)) for name in _COMPUTED_BY}

    async def go(serial: int) -> None:
        await walk(tickets.handle, journey(serial))

    with ExitStack() as patched:
        for name, work in timed.items():
            patched.enter_context(patch.object(orders, name, work))
        began = time.perf_counter()
        uvloop.run(each([next(serials) for _ in range(journeys)], go, IN_FLIGHT))
        taken = time.perf_counter() - began
    micro = watch.seconds / watch.calls * 1e6
    more = (("µs each", micro), ("commands/s", journeys * COMMANDS_A_JOURNEY / taken))
    return Figure(100 * watch.seconds / taken, more)
