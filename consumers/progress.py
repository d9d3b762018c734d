"""Where a consumer stands, for `/readyz`, `/metrics` and the supervisor."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Condition(StrEnum):
    """What the consumer is doing."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """Something is away; it is tried again."""
    STOPPED = "stopped"
    HALTED = "halted"
    """It will not go on by itself; `problem` says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A moment's view of a consumer."""

    condition: Condition = Condition.STARTING
    applied: int = 0
    parked: int = 0
    positions: Mapping[int, int] = field(default_factory=dict)
    """Per partition, the offset that comes next."""
    lag: Mapping[int, int] = field(default_factory=dict)
    """Per partition, how many records were still to come when it was last asked."""
    problem: str | None = None

    @property
    def total_lag(self) -> int:
        """How many records are still to come."""
        return sum(self.lag.values())


class Progress:
    """A `Standing` that the consumer's thread writes and any thread reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing = Standing()

    def standing(self) -> Standing:
        """Give the present view."""
        with self._lock:
            return self._standing

    def advance(self, applied: int, parked: int, positions: Mapping[int, int]) -> None:
        """Count records and remember the new positions; the consumer is running."""
        with self._lock:
            now = self._standing
            self._standing = replace(
                now,
                condition=Condition.RUNNING,
                problem=None,
                applied=now.applied + applied,
                parked=now.parked + parked,
                positions={**now.positions, **positions},
            )

    def place(self, positions: Mapping[int, int]) -> None:
        """Forget the positions of before: partitions were assigned anew."""
        with self._lock:
            self._standing = replace(
                self._standing, condition=Condition.RUNNING, problem=None, positions=dict(positions), lag={}
            )

    def report_lag(self, lag: Mapping[int, int]) -> None:
        """Remember the lag."""
        with self._lock:
            self._standing = replace(self._standing, lag=dict(lag))

    def enter(self, condition: Condition, problem: str | None = None) -> None:
        """Change the condition."""
        with self._lock:
            self._standing = replace(self._standing, condition=condition, problem=problem)
