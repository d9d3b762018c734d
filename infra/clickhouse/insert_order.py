"""Let a query see every insert whose request had begun before it.

A writer that lost its connection asks how far it had come. Were that question answered while its last insert
is still being received or written, it would write those rows a second time.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count


class Entry:
    """One request, from its first line until it is known to be no insert, or its rows are written."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.settled = asyncio.Event()


class InsertOrder:
    """The requests under way, in the order in which they began; used on the event loop only."""

    def __init__(self) -> None:
        self._numbers = count()
        self._open: dict[int, Entry] = {}

    @contextmanager
    def entered(self) -> Iterator[Entry]:
        """Hold a place from here on; it is given back at the end at the latest."""
        entry = Entry(next(self._numbers))
        self._open[entry.number] = entry
        try:
            yield entry
        finally:
            self.leave(entry)

    def leave(self, entry: Entry) -> None:
        """Say that this request writes nothing (any more)."""
        self._open.pop(entry.number, None)
        entry.settled.set()

    async def earlier_settled(self, entry: Entry) -> None:
        """Wait for every request that began before `entry` and may still write."""
        for earlier in [other for other in self._open.values() if other.number < entry.number]:
            await earlier.settled.wait()
