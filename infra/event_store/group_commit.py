"""Group commit: many callers, one writer thread, one durable transaction for all that is waiting.

An fsync costs more than everything else a command does, so the writer takes whatever was queued while
the last transaction was being made durable and commits it together. Nobody is answered before that.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar, cast

import structlog

Work = TypeVar("Work")
Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class _Waiter:
    """A caller's thread, asleep on a lock until the outcome is there."""

    __slots__ = ("lock", "outcome")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.outcome: object = None


_Caller = _Waiter | asyncio.Future[object]
_Delivery = tuple[asyncio.Future[object], object]


class GroupCommit(Generic[Work, Result]):
    """Hands queued work to `commit` in batches and its outcomes back to the callers.

    `commit` runs on the writer thread, at most `limit` pieces at a time. It returns, for every piece
    and in order, a result or the exception that its caller shall see; when it returns, what it reports
    as done must be durable. The thread starts with the first piece of work, so an object that was only
    constructed survives a fork.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[list[Work]], Sequence[Result | Exception]],
        *,
        when_closed: Callable[[], Exception],
        limit: int = 512,
    ) -> None:
        self._name = name
        self._commit = commit
        self._when_closed = when_closed
        self._limit = limit
        self._queue: SimpleQueue[tuple[Work, _Caller] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._finished = False

    def submit(self, work: Work) -> Result:
        """Queue a piece of work and block until it is durable, or raise what went wrong with it."""
        waiter = _Waiter()
        self._enqueue(work, waiter)
        waiter.lock.acquire()
        if isinstance(waiter.outcome, Exception):
            raise waiter.outcome
        return cast("Result", waiter.outcome)

    async def submit_async(self, work: Work) -> Result:
        """As `submit`, for the event loop. A cancelled caller's work is done all the same."""
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._enqueue(work, future)
        return cast("Result", await future)

    def close(self) -> None:
        """Finish what is queued, then stop; later work is refused."""
        with self._starting:
            thread = self._thread
            if thread is None:
                self._finished = True
                return
        self._queue.put(None)
        thread.join()

    def _enqueue(self, work: Work, caller: _Caller) -> None:
        if self._thread is None:
            self._start()
        self._queue.put((work, caller))
        if self._finished:
            self._refuse_leftovers()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._finished:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                _answer(batch, self._outcomes([work for work, _ in batch]))
        finally:
            self._finished = True
            self._refuse_leftovers()

    def _next_batch(self) -> list[tuple[Work, _Caller]]:
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        with contextlib.suppress(Empty):
            while len(batch) < self._limit:
                item = self._queue.get_nowait()
                if item is None:
                    self._queue.put(None)
                    break
                batch.append(item)
        return batch

    def _outcomes(self, works: list[Work]) -> Sequence[Result | Exception]:
        try:
            return self._commit(works)
        except Exception as error:  # noqa: BLE001 - the writer must outlive any failure; the callers raise it
            _log.exception("group commit failed", writer=self._name, jobs=len(works))
            return [error] * len(works)

    def _refuse_leftovers(self) -> None:
        """Answer what was queued too late. Writer and callers may do this at the same time."""
        with contextlib.suppress(Empty):
            while True:
                if item := self._queue.get_nowait():
                    _answer([item], [self._when_closed()])


def _answer(batch: Sequence[tuple[Work, _Caller]], outcomes: Sequence[Result | Exception]) -> None:
    """Wake every caller, each event loop once: `call_soon_threadsafe` costs a system call."""
    loops: dict[asyncio.AbstractEventLoop, list[_Delivery]] = {}
    for (_, caller), outcome in zip(batch, outcomes, strict=True):
        if isinstance(caller, _Waiter):
            caller.outcome = outcome
            caller.lock.release()
        else:
            loops.setdefault(caller.get_loop(), []).append((caller, outcome))
    for loop, deliveries in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody is waiting there any more
            loop.call_soon_threadsafe(_deliver, deliveries)


def _deliver(deliveries: list[_Delivery]) -> None:
    for future, outcome in deliveries:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
