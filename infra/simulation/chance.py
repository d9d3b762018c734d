"""Chance that can be repeated: the same seed makes the same choices, on every machine."""

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


class Chance:
    """A source of believable choices, seeded by text."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret: it has to be repeatable

    def happens(self, probability: float) -> bool:
        """Whether something that happens with this probability does."""
        return self._random.random() < probability

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Choose one, all alike."""
        return self._random.choice(choices)

    def weighted(self, choices: Mapping[Choice, float]) -> Choice:
        """Choose one by weight."""
        return self._random.choices(list(choices), list(choices.values()))[0]

    def whole(self, first: int, last: int) -> int:
        """Choose a whole number, both ends included."""
        return self._random.randint(first, last)

    def share(self) -> float:
        """Choose a number from 0 to 1."""
        return self._random.random()

    def around(self, median: float, spread: float) -> float:
        """Choose a positive number around a median, log-normally: how long people take for things.

        A spread of 0.7 puts one in ten beyond 2.5 times the median, a spread of 1 beyond 3.6 times.
        """
        return median * self._random.lognormvariate(0, spread)
