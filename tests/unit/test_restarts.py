"""A part that ends is always started again, and never in a tight loop."""

from itertools import pairwise

from consumers.supervisor.restarts import LONGEST_PAUSE_SECONDS, STEADY_SECONDS, Restarts


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def pause_until_due(restarts: Restarts, clock: Clock) -> float:
    """Look every 0.1 s, as the supervisor does, until the part may be started again."""
    began = clock.now
    assert restarts.ended()
    while not restarts.is_due():
        clock.now += 0.1
        assert not restarts.ended(), "the same end counts once"
        assert clock.now - began < 2 * LONGEST_PAUSE_SECONDS, "it is never due"
    restarts.started()
    return clock.now - began


def test_a_part_that_keeps_ending_is_started_ever_later_but_always_again() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    pauses = [pause_until_due(restarts, clock) for _ in range(10)]
    assert pauses[0] < 0.5
    assert all(later >= sooner - 0.1 for sooner, later in pairwise(pauses))
    assert LONGEST_PAUSE_SECONDS - 0.1 <= pauses[-1] <= LONGEST_PAUSE_SECONDS + 0.2


def test_a_part_that_ran_well_comes_back_soon() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(10):
        pause_until_due(restarts, clock)
    clock.now += STEADY_SECONDS
    assert pause_until_due(restarts, clock) < 0.5


def test_a_part_that_runs_is_not_due() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    clock.now += 1000
    assert not restarts.is_due()
