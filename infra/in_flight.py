"""Many pieces of work at once, but never more than a number of them: memory stays constant.

A store that commits in groups is only fast when many commands wait for it together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")

IN_FLIGHT = 256
"""As measured: a group commit gains little beyond this many waiting commands."""


async def each(
    items: Iterable[Item], work: Callable[[Item], Awaitable[None]], limit: int = IN_FLIGHT
) -> None:
    """Run `work` on every item, `limit` at a time, taking items only when there is room.

    The first error ends it and is raised when nothing is in flight any more.
    """
    source = iter(items)

    async def worker() -> None:
        for item in source:
            await work(item)

    workers = {asyncio.create_task(worker()) for _ in range(limit)}
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
