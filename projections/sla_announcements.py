"""What is said when a share of a clock's limit is used up: a warning, a breach, and how each is published.

An announcement is a pure function of its ticket's events: whoever works it out, whenever and however often,
gets the same id and the same bytes. It is dated by when the share was used up, never by when somebody looked,
and speaks of the ticket as it was then.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.errors import Poison
from domain.vocabulary import ClockKind, Level, MatterClass, State

_IDS = UUID("6e0f6c0e-0d0c-5b7c-9f0a-5d2b3d8f4c11")
_PREFIX, _SUFFIX = "liudan.sla.", ".v1"


class Kind(StrEnum):
    """The kinds of announcement; each is a published event type."""

    WARNING = "warning"
    """Less than the whole limit is used up."""
    BREACHED = "breached"
    """The limit has passed."""
    OVERRUN = "overrun"
    """More than the whole limit again and again: half as much more, for example."""
    RATING_OVER = "rating-over"
    """The resident's time for rating has ended: nobody's breach."""

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return f"{_PREFIX}{self.value}{_SUFFIX}"


class Key(NamedTuple):
    """What makes two announcements the same one."""

    number: str
    cycle: int
    clock: str
    run: int
    """The ticket's version with which this run of the clock began."""
    percent: int

    @property
    def kind(self) -> Kind:
        """What it is, which follows from the clock and the percentage."""
        if self.clock == ClockKind.RATING:
            return Kind.RATING_OVER
        if self.percent == 100:
            return Kind.BREACHED
        return Kind.WARNING if self.percent < 100 else Kind.OVERRUN

    @property
    def id(self) -> UUID:
        """The published id: the same whoever works it out."""
        return uuid5(_IDS, "/".join(map(str, self)))


class Facts(NamedTuple):
    """The ticket and the clock's terms when the share was used up."""

    due_at: datetime
    level: str | None
    holder: str | None
    region: str
    category: str
    matter_class: str | None
    state: str
    version: int
    """The ticket's version that this speaks of."""
    policy: str | None
    calendar: str | None
    origin: str | None
    source_id: str | None


class Announcement(NamedTuple):
    """A share of a clock's limit that is used up, or will be if nothing more happens."""

    key: Key
    at: datetime
    """When it is used up."""
    known_at: datetime
    """From when that holds: `at`, or when a later event made it so."""
    facts: Facts


class AnnouncementData(BaseModel):
    """The `data` of the events on the SLA topic: the published form. Nothing personal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clock: ClockKind
    cycle: int
    run: int
    percent: int
    due_at: AwareDatetime
    known_at: AwareDatetime
    level: Level | None
    holder: str | None
    region: str
    category: str
    matter_class: MatterClass | None
    state: State
    version: int
    policy: str | None
    calendar: str | None
    origin: str | None
    source_id: str | None


def encode(announcement: Announcement) -> bytes:
    """Write the CloudEvents 1.0 JSON object that is published; the same bytes every time."""
    key = announcement.key
    data: dict[str, Any] = {
        "clock": key.clock,
        "cycle": key.cycle,
        "run": key.run,
        "percent": key.percent,
        "known_at": announcement.known_at,
        **announcement.facts._asdict(),
    }
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": key.id,
            "source": f"urn:liudan:{key.number.split('-', 1)[0].lower()}",
            "type": key.kind.type,
            "subject": key.number,
            "time": announcement.at,
            "datacontenttype": "application/json",
            "data": data,
        },
        option=orjson.OPT_UTC_Z,
    )


def decode(encoded: bytes) -> Announcement:
    """Read an announcement back; raises Poison when it is not one of ours."""
    try:
        event = orjson.loads(encoded)
        data = event["data"]
        key = Key(event["subject"], data["cycle"], data["clock"], data["run"], data["percent"])
        if event["type"] != key.kind.type or event["id"] != str(key.id):
            raise ValueError(event["type"])
        stated = {name: data[name] for name in Facts._fields}
        facts = Facts(**{**stated, "due_at": datetime.fromisoformat(data["due_at"])})
        at, known_at = datetime.fromisoformat(event["time"]), datetime.fromisoformat(data["known_at"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Poison(f"not an announcement: {type(error).__name__}: {error}") from error
    return Announcement(key, at, known_at, facts)
