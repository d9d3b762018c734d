"""Commands at a fixed rate, and how long each takes, while something else is going on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import count

from infra.tickets import Answer, Request, Tickets
from tests.benchmarks.orders import COMMANDS_A_JOURNEY, journey, walk

_LOOK_SECONDS = 0.1


class SteadyCommands:
    """Six-order journeys, each begun when it is due, whether or not those before it have ended."""

    def __init__(self, tickets: Tickets, commands_a_second: float) -> None:
        self._tickets = tickets
        self._every_seconds = COMMANDS_A_JOURNEY / commands_a_second
        self._serials: Iterator[int] = count(10_000_000)

    async def run(self, seconds: float, until: Callable[[], bool] = lambda: True) -> list[float]:
        """Go on for so long and then until a condition holds; give the seconds that each command took."""
        taken: list[float] = []
        loop = asyncio.get_running_loop()
        began = due = loop.time()
        looked = began
        over = False
        async with asyncio.TaskGroup() as walking:
            while not over:
                walking.create_task(self._walk(taken))
                due += self._every_seconds
                await asyncio.sleep(max(0.0, due - loop.time()))
                now = loop.time()
                if now - began >= seconds and now - looked >= _LOOK_SECONDS:
                    looked = now
                    over = await asyncio.to_thread(until)
        return taken

    async def _walk(self, taken: list[float]) -> None:
        async def handle(request: Request) -> Answer:
            began = time.perf_counter()
            answer = await self._tickets.handle(request)
            taken.append(time.perf_counter() - began)
            return answer

        await walk(handle, journey(next(self._serials)))
