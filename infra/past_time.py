"""Whoever writes what has happened in the past lets nobody judge the deadlines meanwhile.

A day that is played in seconds is told ticket by ticket, step by step: until it is told, an order that was
done in time looks as if it had been forgotten for hours.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.event_store.port import EventStore

LOCK = "sla-watch"
"""The store's lock that the watch on the deadlines holds while it looks."""
_AGAIN_SECONDS = 0.05


@contextmanager
def deadlines_unwatched(store: EventStore, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Keep the watch on the deadlines still; waits, with `pause(seconds)`, until it has finished looking."""
    while True:
        with store.lock(LOCK) as is_mine:
            if is_mine:
                yield
                return
        pause(_AGAIN_SECONDS)
