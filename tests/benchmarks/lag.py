"""How soon an answered command is visible in the list."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import uvloop
from clickhouse_connect.driver.client import Client

from consumers.supervisor.parts import free_port
from infra.broker.provision import why_no_kafka
from infra.clickhouse.accounts import ANALYST, read_password
from infra.clickhouse.connect import connect
from infra.read_store.open import ReadStore, open_read_store
from infra.read_store.ticket_queries import SqlTicketQueries
from projections.ticket_state import TicketFilter
from tests.benchmarks.http_client import Connection
from tests.benchmarks.http_orders import Prepared, number_of, prepared
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides, Unavailable, percentile
from tests.benchmarks.processes import python_process

COMMANDS_A_SECOND = 100
ANALYSTS_COMMANDS_A_SECOND = 200
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
        with _installation(place) as (port, home), ExitStack() as stack:
            reads = stack.enter_context(closing(open_read_store(f"sqlite:///{home / 'read.db'}")))
            yield _sides(place, port, _in_the_list(reads), COMMANDS_A_SECOND)


class LagToAnalysts:
    """Milliseconds from a command's answer until an analyst's query shows its event, on a full installation.

    As `lag`, with 200 commands a second; what is asked again and again is ClickHouse, as the analyst and over
    its own HTTP endpoint: the newest version of the tickets that wait.
    """

    name = "analyst-lag"
    unit = "ms p99"
    against = "–"
    limit = Limit(Direction.AT_MOST, 3000)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Start the installation and warm it up."""
        with _installation(place) as (port, home), ExitStack() as stack:
            url = json.loads((home / "running.json").read_bytes())["clickhouse"]
            password = read_password(home / "clickhouse", ANALYST)
            client = stack.enter_context(closing(connect(url, ANALYST, password)))
            yield _sides(place, port, _for_analysts(client), ANALYSTS_COMMANDS_A_SECOND)


Look = Callable[[Sequence[str]], Iterable[tuple[str, int]]]
"""Give, of these tickets, the version that is visible now."""
_VERSIONS = """
SELECT number, max(sequence) FROM liudan.ticket_events WHERE number IN {numbers:Array(String)} GROUP BY number
"""


def _in_the_list(reads: ReadStore) -> Look:
    queries = SqlTicketQueries(reads)
    return lambda _: [(row.number, row.version) for row in queries.list(TicketFilter(), limit=_LIST).items]


def _for_analysts(client: Client) -> Look:
    def look(numbers: Sequence[str]) -> Iterable[tuple[str, int]]:
        rows = client.query(_VERSIONS, parameters={"numbers": list(numbers)}).result_rows
        return [(str(number), int(version)) for number, version in rows]

    return look


@contextmanager
def _installation(place: Place) -> Iterator[tuple[int, Path]]:
    if missing := why_no_kafka():
        raise Unavailable(missing)
    port, home = free_port(), place.folder / "home"
    arguments = ["-m", "infra.cli", "up", "--home", str(home), "--port", str(port), "--log", "kafka"]
    url = f"http://127.0.0.1:{port}/livez"
    with python_process(arguments, place.folder / "up.log", {"LIUDAN_DEV_IDENTITY": "1"}, url):
        yield port, home


def _sides(place: Place, port: int, look: Look, a_second: int) -> Sides:
    serials = count()
    uvloop.run(_Session(port, look, serials, a_second).run(seconds=2))
    seconds = place.pick(10, 3)
    return Sides(lambda: uvloop.run(_Session(port, look, serials, a_second).run(seconds)))


class _Session:
    """One run: tickets on their way, and what is answered but not seen yet."""

    def __init__(self, port: int, look: Look, serials: Iterator[int], a_second: int) -> None:
        self._port = port
        self._look = look
        self._a_second = a_second
        self._serials = serials
        self._unseen: dict[str, deque[tuple[int, float]]] = {}
        self._lags: list[float] = []
        self._waiting = 0
        self._done = False

    async def run(self, seconds: float) -> Figure:
        """Give commands at the fixed rate, then wait until all are visible."""
        watcher = asyncio.create_task(self._watch())
        every = _TICKETS / self._a_second
        async with asyncio.TaskGroup() as residents:
            for index in range(_TICKETS):
                residents.create_task(self._walk(index / self._a_second, every, int(seconds / every)))
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
                found = await asyncio.to_thread(self._look, list(self._unseen))
                seen = time.perf_counter()
                for number, version in found:
                    self._settle(number, version, seen)
            await asyncio.sleep(_LOOK_SECONDS)

    def _settle(self, number: str, version: int, seen: float) -> None:
        waiting = self._unseen.get(number, deque())
        while waiting and waiting[0][0] <= version:
            self._lags.append(seen - waiting.popleft()[1])
        if number in self._unseen and not waiting:
            del self._unseen[number]
