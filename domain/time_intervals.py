"""What the time between two moments consists of, in words: the raw material of a clock's ledger."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.vocabulary import Unit
from domain.work_calendar import Day, DayKind, WorkCalendar

_ONE_DAY = timedelta(days=1)


class IntervalKind(StrEnum):
    """Why a stretch of time counts, or does not."""

    WORKING = "working"
    MAKE_UP = "make_up"
    BREAK = "break"
    OFF_HOURS = "off_hours"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    CLOSURE = "closure"
    ALL_HOURS = "all_hours"
    SUSPENDED = "suspended"


class Interval(NamedTuple):
    """A stretch of time of one kind."""

    kind: IntervalKind
    zh: str
    en: str
    counted: bool
    start: datetime
    end: datetime


_NAMES = {
    IntervalKind.BREAK: ("午休", "break"),
    IntervalKind.OFF_HOURS: ("下班时间", "off hours"),
    IntervalKind.ALL_HOURS: ("不分昼夜", "round the clock"),
}
_CLOSED = {
    DayKind.WEEKEND: IntervalKind.WEEKEND,
    DayKind.HOLIDAY: IntervalKind.HOLIDAY,
    DayKind.CLOSURE: IntervalKind.CLOSURE,
}


def intervals(
    calendar: WorkCalendar, start: datetime, end: datetime, unit: Unit | None
) -> tuple[Interval, ...]:
    """Split the time between two moments by kind, in order and without a gap; like follows like merged.

    Units that run round the clock (and plain time, None) have one interval. Times are UTC.
    """
    if end <= start:
        return ()
    if unit not in (Unit.WORKING_HOUR, Unit.WORKING_DAY):
        return (_interval(IntervalKind.ALL_HOURS, start.astimezone(UTC), end.astimezone(UTC)),)
    found: list[Interval] = []
    for interval in _days(calendar, start, end):
        first, last = max(interval.start, start), min(interval.end, end)
        if first >= last:
            continue
        cut = interval._replace(start=first.astimezone(UTC), end=last.astimezone(UTC))
        if found and not cut.counted and found[-1][:4] == cut[:4]:
            cut = cut._replace(start=found.pop().start)
        found.append(cut)
    return tuple(found)


def _interval(kind: IntervalKind, start: datetime, end: datetime, day: Day | None = None) -> Interval:
    zh, en = (day.zh, day.en) if day else _NAMES[kind]
    counted = kind in (IntervalKind.WORKING, IntervalKind.MAKE_UP, IntervalKind.ALL_HOURS)
    return Interval(kind, zh, en, counted, start, end)


def _days(calendar: WorkCalendar, start: datetime, end: datetime) -> Iterator[Interval]:
    day, last = start.astimezone(calendar.zone).date(), end.astimezone(calendar.zone).date()
    while day <= last:
        yield from _of_day(calendar, day)
        day += _ONE_DAY


def _of_day(calendar: WorkCalendar, day: date) -> Iterator[Interval]:
    known = calendar.day(day)
    edge, midnight = _utc(calendar, day, 0), _utc(calendar, day + _ONE_DAY, 0)
    if not known.segments:
        yield _interval(_CLOSED.get(known.kind, IntervalKind.OFF_HOURS), edge, midnight, known)
        return
    worked = IntervalKind.MAKE_UP if known.kind is DayKind.MAKE_UP else IntervalKind.WORKING
    pause = IntervalKind.OFF_HOURS
    for segment in known.segments:
        opens, closes = _utc(calendar, day, segment.opens), _utc(calendar, day, segment.closes)
        yield _interval(pause, edge, opens)
        yield _interval(worked, opens, closes, known)
        edge, pause = closes, IntervalKind.BREAK
    yield _interval(IntervalKind.OFF_HOURS, edge, midnight)


def _utc(calendar: WorkCalendar, day: date, seconds: int) -> datetime:
    midnight = datetime.combine(day, time(), calendar.zone)
    return (midnight + timedelta(seconds=seconds)).astimezone(UTC)
