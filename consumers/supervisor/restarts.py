"""When a part that has ended is started again: soon, and ever later while it keeps ending."""

import time
from collections.abc import Callable

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 20.0
"""A part that has run for so long had no trouble starting; its next pause is a short one again."""


class Restarts:
    """The pauses of one part."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_at = clock()
        self._pause = 0.0
        self._due: float | None = None

    def started(self) -> None:
        """Say that the part was started just now."""
        self._started_at = self._clock()
        self._due = None

    def ended(self) -> bool:
        """Say that the part is not running; tell whether that is news."""
        if self._due is not None:
            return False
        steady = self._clock() - self._started_at >= STEADY_SECONDS
        self._pause = FIRST_PAUSE_SECONDS if steady or not self._pause else self._pause * 2
        self._pause = min(self._pause, LONGEST_PAUSE_SECONDS)
        self._due = self._clock() + self._pause
        return True

    def is_due(self) -> bool:
        """Whether the part is to be started again now."""
        return self._due is not None and self._clock() >= self._due
