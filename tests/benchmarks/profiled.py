"""A profile of our side, when it is asked for."""

import cProfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


def profiled(file: Path | None, work: Callable[[], Value]) -> Value:
    """Do the work, with a cProfile of this thread written to `file`; the last run's profile stays."""
    if file is None:
        return work()
    profile = cProfile.Profile()
    try:
        return profile.runcall(work)
    finally:
        profile.dump_stats(file)
