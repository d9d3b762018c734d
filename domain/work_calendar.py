"""Calendars: which days and hours are worked where, as versioned data, and what kind of day a day is.

The default hours (Monday to Friday, 08:30-12:00 and 14:30-18:00) are an assumption: the sources give
none, and these are common office hours in the north-west. A calendar's published version names its own
version and the last year whose public holidays it knows (`cn-1/2026`), so that it computes the same for
ever, also when newer holiday data is installed.
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from domain import chinese_days
from domain.regions import Region

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SATURDAY = 5
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAY_SECONDS = 86_400


class Segment(NamedTuple):
    """A stretch of working hours, in seconds after midnight on the local clock."""

    opens: int
    closes: int


def _segment(text: object) -> object:
    """Read `08:30-12:00`; 24:00 is the end of the day."""
    if not isinstance(text, str):
        return text
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time like 08:30-12:00")
    h1, m1, h2, m2 = map(int, found.groups())
    opens, closes = h1 * 3600 + m1 * 60, h2 * 3600 + m2 * 60
    if not opens < closes <= _DAY_SECONDS:
        raise ValueError(f"{text!r} ends before it begins, or after the day")
    return Segment(opens, closes)


def _in_order(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    if any(after.opens <= before.closes for before, after in pairwise(segments)):
        raise ValueError("the hours of a day must be in order and must not touch")
    return segments


Segments = tuple[Annotated[Segment, BeforeValidator(_segment)], ...]
_OFFICE = (Segment(30_600, 43_200), Segment(52_200, 64_800))


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(_Frozen):
    """The working hours of every weekday, from a day on (None: from the beginning)."""

    since: date | None = None
    monday: Segments = _OFFICE
    tuesday: Segments = _OFFICE
    wednesday: Segments = _OFFICE
    thursday: Segments = _OFFICE
    friday: Segments = _OFFICE
    saturday: Segments = ()
    sunday: Segments = ()
    make_up: Segments = _OFFICE
    """The hours of a make-up workday; the notices do not say which weekday's hours it has."""

    _ordered = field_validator(*WEEKDAYS, "make_up")(_in_order)

    @model_validator(mode="after")
    def _works_at_all(self) -> Self:
        if not any(self.of(weekday) for weekday in range(7)):
            raise ValueError("a week without working hours has no deadlines")
        return self

    def of(self, weekday: int) -> tuple[Segment, ...]:
        """Give the hours of a weekday, 0 for Monday."""
        segments: tuple[Segment, ...] = getattr(self, WEEKDAYS[weekday])
        return segments


class Closure(_Frozen):
    """Days on which a region does not work, on top of the public holidays, both days included."""

    region: Region
    first: date
    last: date
    reason: str = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.last < self.first:
            raise ValueError("last is before first")
        return self


class Holidays(StrEnum):
    """Whose public holidays a calendar keeps."""

    CHINA = "china"
    NONE = "none"


class CalendarRules(_Frozen):
    """One version of one calendar, as the policy file writes it."""

    version: str = Field(min_length=1, max_length=60, pattern=r"^[^/\s]+$")
    region: Region | None = None
    """Where it holds; None for everywhere that no other calendar names."""
    zone: str = "Asia/Shanghai"
    holidays: Holidays = Holidays.CHINA
    hours: tuple[Hours, ...] = (Hours(),)
    closures: tuple[Closure, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            raise ValueError(f"{name!r} is not a time zone like Asia/Shanghai") from None
        return name

    @field_validator("hours")
    @classmethod
    def _from_the_beginning(cls, hours: tuple[Hours, ...]) -> tuple[Hours, ...]:
        if not hours or hours[0].since is not None:
            raise ValueError("the first hours hold from the beginning: they have no since")
        since = [season.since for season in hours[1:]]
        known = [day for day in since if day is not None]
        if len(known) != len(since) or any(b <= a for a, b in pairwise(known)):
            raise ValueError("further hours each have a later since")
        return hours


class DayKind(StrEnum):
    """What a day is to a clock that counts working time."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKE_UP = "make_up"
    CLOSURE = "closure"


class Day(NamedTuple):
    """One day of one calendar."""

    kind: DayKind
    zh: str
    en: str
    segments: tuple[Segment, ...] = ()


_PLAIN_NAMES: Mapping[DayKind, tuple[str, str]] = {
    DayKind.WORKING: ("工作日", "working day"),
    DayKind.WEEKEND: ("周末", "weekend"),
}
_REST_DAY = ("休息日", "day of rest")


class WorkCalendar:
    """One version of a calendar as it holds in one region. Immutable; days are looked up, never guessed."""

    def __init__(self, rules: CalendarRules, region: Region | None = None, *, known_until: int | None = None):
        self.rules = rules
        self.zone = ZoneInfo(rules.zone)
        china = rules.holidays is Holidays.CHINA
        self.known_until = (
            min(known_until or chinese_days.LAST_YEAR, chinese_days.LAST_YEAR) if china else None
        )
        """The last year whose public holidays are known; None where none are kept."""
        self.known_years = (
            range(chinese_days.FIRST_YEAR, self.known_until + 1) if self.known_until else range(1, 9999)
        )
        """The years of which nothing is a guess; in any other the days follow the plain week."""
        self.version = f"{rules.version}/{self.known_until}" if china else rules.version
        self.closures = tuple(
            closure for closure in rules.closures if region is not None and closure.region.contains(region)
        )

    def day(self, day: date) -> Day:
        """Say what kind of day it is, its name in Chinese and English, and its hours."""
        for closure in self.closures:
            if closure.first <= day <= closure.last:
                return Day(DayKind.CLOSURE, closure.reason, closure.reason)
        hours = self._hours(day)
        if self.known_until is not None and day.year in self.known_years:
            public = chinese_days.public_day(day)
            if public is not None:
                kind = DayKind.MAKE_UP if public.works else DayKind.HOLIDAY
                return Day(kind, public.zh, public.en, hours.make_up if public.works else ())
        return _plain_day(day.weekday(), hours)

    def _hours(self, day: date) -> Hours:
        found = self.rules.hours[0]
        for season in self.rules.hours[1:]:
            if season.since is not None and season.since <= day:
                found = season
        return found


def _plain_day(weekday: int, hours: Hours) -> Day:
    segments = hours.of(weekday)
    if segments:
        return Day(DayKind.WORKING, *_PLAIN_NAMES[DayKind.WORKING], segments)
    names = _PLAIN_NAMES[DayKind.WEEKEND] if weekday >= _SATURDAY else _REST_DAY
    return Day(DayKind.WEEKEND, *names)
