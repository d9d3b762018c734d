"""The statements under way: let in, led to the client through a pipe, and ended when somebody wants that."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Self

from infra.clickhouse.http_errors import ServerError

_READ_BYTES = 256 << 10
_ASK_AGAIN_SECONDS = 0.2


class Names:
    """Who runs what: every query id is there once."""

    def __init__(self) -> None:
        self._running: set[str] = set()

    @contextmanager
    def taken(self, user: str, query_id: str) -> Iterator[str]:
        """Give the name under which the engine runs the statement; raises ServerError for an id in use."""
        name = f"{user}:{query_id}"
        if name in self._running:
            raise ServerError(
                216, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                f"Query with id = {query_id} is already running",
            )  # fmt: skip
        self._running.add(name)
        try:
            yield name
        finally:
            self._running.discard(name)


class Admission:
    """Lets so many statements of one user run at once, and so many others wait for a while."""

    def __init__(self, user: str, *, at_once: int, waiting: int, wait_seconds: float) -> None:
        self._user = user
        self._room = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._waiting = 0
        self._wait_seconds = wait_seconds

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Wait for room; raises ServerError when too many wait already, or for too long."""
        if self._waiting >= self._most_waiting:
            raise self._too_many()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._room.acquire()
        except TimeoutError:
            raise self._too_many() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._room.release()

    def _too_many(self) -> ServerError:
        return ServerError(
            202, "TOO_MANY_SIMULTANEOUS_QUERIES",
            f"Too many simultaneous queries for user {self._user}: wait until some have ended",
        )  # fmt: skip


class Running:
    """One statement on a thread, whose answer comes through a pipe; `end` it before letting go of it."""

    def __init__(self, name: str, kill: Callable[[str], None], killers: Executor) -> None:
        self._name = name
        self._kill = kill
        self._killers = killers
        self._outcome: Future[None] | None = None

    async def start(self, threads: ThreadPoolExecutor, run: Callable[[int], None]) -> Self:
        """Run `run`, which writes its answer into the file descriptor that it is given."""
        reading, self._writing = os.pipe()
        self.answer = asyncio.StreamReader(limit=_READ_BYTES)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self.answer), os.fdopen(reading, "rb", buffering=0)
        )
        self._outcome = threads.submit(self._run, run)
        return self

    def _run(self, run: Callable[[int], None]) -> None:
        try:
            run(self._writing)
        finally:
            os.close(self._writing)

    async def read(self) -> bytes:
        """Give the next piece of the answer; nothing at its end. Raises the engine's error at the end."""
        piece = await self.answer.read(_READ_BYTES)
        if not piece and self._outcome is not None:
            await asyncio.wrap_future(self._outcome)
        return piece

    async def end(self) -> None:
        """See to it that the statement has ended and nothing of it is left."""
        if self._outcome is None:
            return
        if self._outcome.cancel():
            os.close(self._writing)
        while not self._outcome.done():
            await asyncio.get_running_loop().run_in_executor(self._killers, self._kill, self._name)
            await self._drained(_ASK_AGAIN_SECONDS)
        self._transport.close()

    async def _drained(self, seconds: float) -> None:
        """Take what the engine still writes, so that it is not stuck in a full pipe."""
        try:
            async with asyncio.timeout(seconds):
                while await self.answer.read(_READ_BYTES):
                    pass
                while self._outcome is not None and not self._outcome.done():
                    await asyncio.sleep(0.001)
        except TimeoutError:
            pass
