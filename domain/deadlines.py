"""When a ticket's orders are due: a versioned policy, applied when an event is decided.

The defaults are assumptions (the sources are silent) in plain elapsed time, around the clock; working
hours, holidays and overrides belong to the policy file of the deadlines engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from domain.vocabulary import MatterClass, State


class Deadlines(BaseModel):
    """Due times as facts inside an event, with the policy that they follow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage_due: datetime | None = None
    """When the order that is now running must be done."""
    resolve_due: datetime | None = None
    """When the whole matter must be resolved."""
    rating_due: datetime | None = None
    """When the resident's time for rating ends."""
    policy: str

    def later(self, pause: timedelta) -> "Deadlines":
        """Give the deadlines moved back by a pause that does not count."""
        return Deadlines(
            stage_due=self.stage_due and self.stage_due + pause,
            resolve_due=self.resolve_due and self.resolve_due + pause,
            rating_due=self.rating_due,
            policy=self.policy,
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """How long each class and each order may take."""

    version: str
    resolve: Mapping[MatterClass, timedelta]
    extension: Mapping[MatterClass, timedelta]
    stage: Mapping[State, timedelta]
    rating: timedelta
    reopening: timedelta
    emergency_stage: timedelta
    emergency_resolve: timedelta

    def resolve_due(self, matter_class: MatterClass, start: datetime) -> datetime:
        """When a matter whose clock started at `start` must be resolved."""
        return start + self.resolve[matter_class]

    def stage_due(self, state: State, start: datetime) -> datetime | None:
        """When the order that runs in `state` must be done; None where nothing is waited for."""
        limit = self.stage.get(state)
        return start + limit if limit else None


_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
DEFAULT_POLICY = Policy(
    version="default-1",
    resolve={
        MatterClass.SIMPLE: _DAY,
        MatterClass.GENERAL: 5 * _DAY,
        MatterClass.LARGER: 10 * _DAY,
        MatterClass.DIFFICULT: 30 * _DAY,
        MatterClass.CROSS_COUNTY: 60 * _DAY,
    },
    extension={
        MatterClass.SIMPLE: timedelta(0),
        MatterClass.GENERAL: 3 * _DAY,
        MatterClass.LARGER: 5 * _DAY,
        MatterClass.DIFFICULT: 15 * _DAY,
        MatterClass.CROSS_COUNTY: 30 * _DAY,
    },
    stage={
        State.PLACED: 4 * _HOUR,
        State.VERIFIED: 4 * _HOUR,
        State.ISSUED: 4 * _HOUR,
        State.DISPATCHED: _DAY,
        State.RESOLVED: _DAY,
    },
    rating=7 * _DAY,
    reopening=15 * _DAY,
    emergency_stage=2 * _HOUR,
    emergency_resolve=_DAY,
)
