"""Waiting for what another thread or process brings about."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], timeout_seconds: float = 60) -> None:
    """Return as soon as the condition holds; fail when it does not within the time."""
    until = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass in time"
        time.sleep(0.02)
