"""Ctrl-C, or a signal that asks the supervisor to end, wherever it is at that moment.

The handler raises nothing: an exception out of nowhere can leave a lock held, or be swallowed by a
destructor that happened to run. It takes a note, wakes whatever waits, and the work asks between its steps.
"""

import asyncio
import os
import select
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from domain.errors import LiudanError

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
T = TypeVar("T")


class Stopped(LiudanError):
    """The supervisor was asked to end."""


class StopRequest:
    """Whether the supervisor was asked to end; belongs to the main thread."""

    def __init__(self) -> None:
        self._requested = False
        self._bell, self._ringer = os.pipe()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def ask(self) -> None:
        """Ask the supervisor to end; safe in a signal handler, and once is enough."""
        if self._requested:
            return
        self._requested = True
        os.write(self._ringer, b"!")
        if self._running is not None:
            loop, task = self._running
            loop.call_soon_threadsafe(task.cancel)

    def check(self) -> None:
        """Raise Stopped if the supervisor was asked to end."""
        if self._requested:
            raise Stopped("asked to end")

    def sleep(self, seconds: float | None) -> None:
        """Wait for so long, None for ever; raises Stopped as soon as the supervisor is asked to end."""
        select.select([self._bell], [], [], seconds)
        self.check()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; it is cancelled, and Stopped raised, when asked to end."""
        try:
            return asyncio.run(self._watched(work))
        except asyncio.CancelledError:
            self.check()
            raise

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._bell)
        os.close(self._ringer)

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        self._running = asyncio.get_running_loop(), task
        try:
            if self._requested:
                task.cancel()
            return await task
        finally:
            self._running = None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Give what SIGINT, SIGTERM and SIGHUP ask to end inside; stopping is not interrupted by more of them."""
    request = StopRequest()
    before = {number: signal.signal(number, lambda *_: request.ask()) for number in _NUMBERS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        request.close()
