"""Read model "matters" 件次: a row for every ticket and cycle, with what the indicators count.

A row is a function of its ticket's events alone, whatever the hour, so that it can be made again at any time
and is always the same. A reopened ticket is a further matter: its row begins when it was reopened, and the
earlier one says when that was. Dimensions are those after the matter's last event.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

LATE = timedelta(hours=24)
"""An event that was recorded more than this after it happened is a late one."""


class Matter(NamedTuple):
    """One matter; the columns of the table, in their order. Missing words are empty, unknown times None."""

    number: str
    cycle: int
    version: int
    """The sequence of the ticket's newest event that is in the row."""
    area: str
    """The county, or a foreign scheme's root: the part of the place that never changes."""
    region: str
    grid: str
    category: str
    matter_class: str
    urgency: str
    channel: str
    level: str
    """Of the unit that answers for it 承办: the one that resolved it, else the last one that held it."""
    holder: str
    first_handler: str
    """The one who was named last."""
    state: str
    end: str
    origin: str
    untouched: bool
    """Whether it was imported and nothing has happened to it here since."""
    filed_at: datetime
    """When it was placed, or reopened."""
    first_step: str
    """The first state after `placed`; of a reopened matter, the one it was reopened to."""
    respond_due: datetime | None
    """Until when somebody had to verify it on the spot; unknown for what was imported."""
    responded_at: datetime | None
    """When `first_step` was reached."""
    resolve_due: datetime | None
    broken_due: datetime | None
    """The first due time that had passed before it was moved: a broken limit stays broken."""
    first_resolved_at: datetime | None
    """The first time somebody here said that it was solved, also if that did not stand."""
    resolved_at: datetime | None
    """When it was resolved, as far as that stands; for what was imported, when its source closed it."""
    closed_at: datetime | None
    """When it was closed, rejected, withdrawn or merged, as far as that stands."""
    reopened_at: datetime | None
    """When the ticket's next matter began."""
    suspended_at: datetime | None
    """Since when it is suspended; None when it is not."""
    outcome: str
    resolver_level: str
    """Empty unless it is resolved."""
    resolver: str
    surveyed_at: datetime | None
    """When the resident had rated it, or the time for that was over."""
    rated: bool
    solved: bool
    """What the resident said; false unless rated."""
    score: int
    """1 to 5; 0 unless rated."""
    reworks: int
    returns: int
    transfers: int
    extensions: int
    """Granted."""
    suspensions: int
    urges: int
    escalations: int
    emergency_at: datetime | None
    """When an emergency was first declared."""
    emergency_response_at: datetime | None
    """The first entry in the response log after that."""
    emergency_over_at: datetime | None
    """The first time the emergency was stood down."""
    grid_microseconds: int
    """How long the grid held it, in stretches that are over: plain time, suspensions left out."""
    village_microseconds: int
    township_microseconds: int
    department_microseconds: int
    above_microseconds: int
    """County and prefecture."""
    holding: str
    """The level that holds it still, suspended or not; empty when nobody does."""
    holding_since: datetime | None
    """Since when the last stretch runs; None while it is suspended, and when nobody holds it."""
    late_events: int
    """How many of its events were recorded more than 24 hours after they happened."""
