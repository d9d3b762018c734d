"""How soon an answered command is visible in the list."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count

import uvloop

from consumers.supervisor.parts import free_port
from infra.broker.provision import why_no_kafka
from infra.read_store.open import ReadStore, open_read_store
from infra.read_store.ticket_queries import SqlTicketQueries
from projections.ticket_state import TicketFilter
from tests.benchmarks.http_client import Connection
from tests.benchmarks.http_orders import Prepared, number_of, prepared
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides, Unavailable, percentile
from tests.benchmarks.processes import python_process

COMMANDS_A_SECOND = 100
_TICKETS = 50
_LIST = 100
_LOOK_SECONDS = 0.005


class LagToList:
    """Milliseconds from a command's answer until the ticket list shows its version, on a full installation.

    `liudan up` with a real Kafka broker: store, relay, projector (ticket state, SLA clocks, ClickHouse)
    and API in processes of their own. Commands of six-order journeys come over HTTP at 100 a second for
    10 s (--quick: 3 s), on 50 tickets at a time, whether or not earlier ones were answered; the query
    behind `GET /v1/tickets` is asked again and again for the newest 100, and the time until it has been
    answered counts, too.
    """

    name = "lag"
    unit = "ms p99"
    against = "–"
    limit = Limit(Direction.AT_MOST, 250)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Start the installation and warm it up."""
        if missing := why_no_kafka():
            raise Unavailable(missing)
        port, home = free_port(), place.folder / "home"
        arguments = ["-m", "infra.cli", "up", "--home", str(home), "--port", str(port), "--log", "kafka"]
        environment = {"LIUDAN_DEV_IDENTITY": "1"}
        with ExitStack() as stack:
            url = f"http://127.0.0.1:{port}/livez"
            stack.enter_context(python_process(arguments, place.folder / "up.log", environment, url))
            reads = stack.enter_context(closing(open_read_store(f"sqlite:///{home / 'read.db'}")))
            serials = count()
            uvloop.run(_Session(port, reads, serials).run(seconds=2))
            seconds = place.pick(10, 3)
            yield Sides(lambda: uvloop.run(_Session(port, reads, serials).run(seconds)))


class _Session:
    """One run: tickets on their way, and what is answered but not seen yet."""

    def __init__(self, port: int, reads: ReadStore, serials: Iterator[int]) -> None:
        self._port = port
        self._queries = SqlTicketQueries(reads)
        self._serials = serials
        self._unseen: dict[str, deque[tuple[int, float]]] = {}
        self._lags: list[float] = []
        self._waiting = 0
        self._done = False

    async def run(self, seconds: float) -> Figure:
        """Give commands at the fixed rate, then wait until all are visible."""
        watcher = asyncio.create_task(self._watch())
        every = _TICKETS / COMMANDS_A_SECOND
        async with asyncio.TaskGroup() as residents:
            for index in range(_TICKETS):
                residents.create_task(self._walk(index / COMMANDS_A_SECOND, every, int(seconds / every)))
        self._done = True
        await watcher
        lags = [lag * 1000 for lag in self._lags]
        return Figure(percentile(lags, 0.99), (("p50", percentile(lags, 0.5)), ("commands", len(lags))))

    async def _walk(self, first: float, every: float, commands: int) -> None:
        """Give a command every so often; when a ticket has come to its end, place another."""
        connection = await Connection.to(self._port)
        loop = asyncio.get_running_loop()
        due = loop.time() + first
        left: deque[Prepared] = deque()
        number = ""
        for _ in range(commands):
            left = left or deque(prepared(next(self._serials)))
            await asyncio.sleep(max(0.0, due - loop.time()))
            due += every
            number = await self._give(connection, left.popleft(), number)
        connection.close()

    async def _give(self, connection: Connection, request: Prepared, number: str) -> str:
        reply = await connection.request(request.message("" if request.name == "place" else number))
        answered = time.perf_counter()
        if reply.status >= 300 or reply.etag is None:
            raise Unavailable(f"{request.name} was answered with {reply.status}")
        number = number_of(reply) or number
        self._unseen.setdefault(number, deque()).append((int(reply.etag.strip('"')), answered))
        return number

    async def _watch(self) -> None:
        """Ask for the list until all is visible that was answered."""
        while self._unseen or not self._done:
            if self._unseen:
                page = await asyncio.to_thread(self._queries.list, TicketFilter(), limit=_LIST)
                seen = time.perf_counter()
                for row in page.items:
                    self._settle(row.number, row.version, seen)
            await asyncio.sleep(_LOOK_SECONDS)

    def _settle(self, number: str, version: int, seen: float) -> None:
        waiting = self._unseen.get(number, deque())
        while waiting and waiting[0][0] <= version:
            self._lags.append(seen - waiting.popleft()[1])
        if number in self._unseen and not waiting:
            del self._unseen[number]
