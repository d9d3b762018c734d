"""How long work says how far it is, without knowing who shows it."""

from typing import Protocol


class Progress(Protocol):
    """What a progress bar has to understand."""

    def begin(self, total: int, unit: str) -> None:
        """Say how much there is to do, in what unit ("bytes", "tickets")."""
        ...

    def advance(self, amount: int) -> None:
        """Say how much more has been done."""
        ...


class Unwatched:
    """Nobody is looking."""

    def begin(self, total: int, unit: str) -> None:
        """Take note of nothing."""

    def advance(self, amount: int) -> None:
        """Take note of nothing."""
