"""Whether a figure is final, or provisional and why.

A figure is final when its period is over, the day for late entries is over too, nothing that it counts can
change it in the ordinary course of things, and the log has arrived. What a superior does later (reopening
after the residents' 15 days, say) can still change it: that is a restatement, and `compare_with` shows it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from projections.indicators.matter import LATE
from projections.indicators.question import Question

PROMPT = timedelta(seconds=60)
"""Events that are younger than this are still on their way; older ones are missing."""


class Provisional(StrEnum):
    """Why a figure is not final."""

    RUNNING = "running"
    """The period is not over."""
    SETTLING = "settling"
    """It has been over for less than a day: what happened in it may still be entered."""
    UNDECIDED = "undecided"
    """Some of its matters may still change it."""
    BEHIND = "behind"
    """Events that were recorded more than a minute ago are not in it yet."""


def standing(question: Question, undecided: int, oldest_missing: datetime | None) -> tuple[Provisional, ...]:
    """Say why a figure is provisional, nothing when it is final.

    `undecided` counts the matters that may still change it; `oldest_missing` says when the first event was
    recorded that the figures do not know.
    """
    as_of, end = question.as_of, question.period.end
    reasons = (
        (Provisional.RUNNING, as_of < end),
        (Provisional.SETTLING, end <= as_of < end + LATE),
        (Provisional.UNDECIDED, undecided > 0),
        (Provisional.BEHIND, oldest_missing is not None and oldest_missing < as_of - PROMPT),
    )
    return tuple(reason for reason, holds in reasons if holds)
