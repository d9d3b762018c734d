"""One ticket's full history by its number, in a large store."""

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

import uvloop

from domain.numbers import TicketNumber
from infra.tickets import Tickets
from tests.benchmarks.commands_in_process import command_side
from tests.benchmarks.histories import fill_with_copies, number_of
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides, percentile
from tests.benchmarks.orders import EVENTS_A_JOURNEY
from tests.benchmarks.profiled import profiled

_LOOKS = 2000
_SELECT = "SELECT version, topic, state FROM events WHERE stream_id = ? ORDER BY version"


class FullHistory:
    """Microseconds for all events of one ticket, in a SQLite store of 1,000,000 events (--quick: 100,000).

    Ours: from the ticket's number to its stored events, read by the event store. Theirs: one prepared
    `SELECT` of the same rows by stream id on an open sqlite3 connection. Both: the same random tickets,
    one after the other; medians. `served` is the same through `Tickets.history`, which reads on another
    thread so that the event loop never waits for a disk.
    """

    name = "history"
    unit = "µs"
    against = "bare SQL select of the same rows"
    limit = Limit(Direction.AT_MOST, 3)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Fill a store."""
        journeys = place.pick(1_000_000, 100_000) // EVENTS_A_JOURNEY + 1
        file = place.folder / "events.db"
        with ExitStack() as stack:
            tickets = stack.enter_context(command_side(f"sqlite:///{file}", place.folder))
            fill_with_copies(tickets.store, 0, journeys)
            bare = stack.enter_context(closing(sqlite3.connect(file)))
            chosen = [
                number_of(serial) for serial in random.Random(622901).choices(range(journeys), k=_LOOKS)
            ]
            _look(tickets, chosen)
            _select(bare, chosen)
            yield Sides(
                lambda: profiled(place.profile, lambda: _look(tickets, chosen)), lambda: _select(bare, chosen)
            )


def _look(tickets: Tickets, numbers: Sequence[TicketNumber]) -> Figure:
    taken: list[float] = []
    for number in numbers:
        began = time.perf_counter()
        history = tickets.store.stream(number.stream_id)
        taken.append(time.perf_counter() - began)
        assert len(history) == EVENTS_A_JOURNEY
    served = uvloop.run(_serve(tickets, numbers))
    return _figure(taken, ("served", percentile(served, 0.5) * 1e6))


async def _serve(tickets: Tickets, numbers: Sequence[TicketNumber]) -> list[float]:
    taken: list[float] = []
    for number in numbers:
        began = time.perf_counter()
        await tickets.history(number)
        taken.append(time.perf_counter() - began)
    return taken


def _select(connection: sqlite3.Connection, numbers: Sequence[TicketNumber]) -> Figure:
    taken: list[float] = []
    for number in numbers:
        stream_id = number.stream_id.bytes
        began = time.perf_counter()
        rows = connection.execute(_SELECT, (stream_id,)).fetchall()
        taken.append(time.perf_counter() - began)
        assert len(rows) == EVENTS_A_JOURNEY
    return _figure(taken)


def _figure(seconds: Sequence[float], *more: tuple[str, float]) -> Figure:
    micro = [each * 1e6 for each in seconds]
    return Figure(percentile(micro, 0.5), (("p99", percentile(micro, 0.99)), *more))
