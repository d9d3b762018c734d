"""How long to wait before the next try: twice as long each time, with jitter, up to a limit."""

import random
from collections.abc import Callable


class Backoff:
    """Exponential backoff with jitter, so that many consumers do not come back at the same moment."""

    def __init__(
        self,
        first_seconds: float = 0.1,
        longest_seconds: float = 15.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._first = first_seconds
        self._longest = longest_seconds
        self._draw = draw
        self._tries = 0

    def next_seconds(self) -> float:
        """Give the next waiting time, between a half and the whole of the step."""
        step = min(self._longest, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return step * (0.5 + self._draw() / 2)

    def reset(self) -> None:
        """Begin again with the first step: it has worked."""
        self._tries = 0
