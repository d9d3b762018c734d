"""Exact arithmetic with working time: when a limit ends, how much of it lies between two moments.

Every unit is a measure that grows with time and stands still where nothing counts, kept in whole ticks,
so that adding is exact and additive over breaks, nights, holidays, closures and changes of the clock.

- *urgent working hour* 紧急工作时: an hour, round the clock.
- *working hour* 工作时: an hour of the calendar's working time. What is used up exactly at closing time is
  due then, not at the next opening.
- *working day* 工作日: a whole day's working time, whatever its length. From Monday 10:00 one working day
  ends on Tuesday at 10:00: the same clock time n working days later or, where the days differ in
  length, the same share of the day's working time; closing time is the next opening. (Assumption: what a
  resident would expect. The Civil Code, articles 201 and 203, would not count the first day and would end
  at closing time, which is later.)
- *calendar day* 自然日: the same local clock time n days later, on whatever day that is. Where the clock
  change skips that time it is read with the offset before the change, and a repeated time is its first
  occurrence (RFC 5545, 3.3.5). Parts of calendar days, such as pauses, count as plain time.

A start outside working time counts from the next opening; the second of closing is outside. Whatever
happens exactly at the due time is in time: only what comes later is late. Results are UTC; they are
*provisional* if they rest on a year without published holidays.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from math import lcm
from typing import NamedTuple

from domain.errors import Invalid
from domain.vocabulary import Unit
from domain.work_calendar import WorkCalendar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_HOUR, _DAY = 3600 * _SECOND, 86_400 * _SECOND
_ONE_DAY = timedelta(days=1)
_LAST_YEAR = 4_000
_CALENDAR_DAY, _WORKING_DAY = Unit.CALENDAR_DAY, Unit.WORKING_DAY
_WORKED = (Unit.WORKING_HOUR, Unit.WORKING_DAY)


class Due(NamedTuple):
    """A moment that was computed."""

    at: datetime
    provisional: bool


class _Opening(NamedTuple):
    """A stretch of working time, in microseconds since 1970, with the working time of its whole day."""

    start: int
    end: int
    day_total: int


@dataclass(frozen=True, slots=True)
class _Table:
    """A measure as arrays over its stretches of working time: it grows by `rates` inside, else stands."""

    first_year: int
    last_year: int
    lo: int
    hi: int
    starts: list[int]
    ends: list[int]
    positions: list[int]
    rates: list[int]
    total: int

    def position(self, moment: int) -> int:
        """How many ticks have passed from the beginning of the table to a moment."""
        index = bisect_right(self.starts, moment) - 1
        if index < 0:
            return 0
        end = self.ends[index]
        inside = min(end, moment) - self.starts[index]
        return self.positions[index] + inside * self.rates[index]

    def moment(self, position: int, *, at_opening: bool) -> int:
        """The moment at which so many ticks have passed; `position` lies within the table.

        Between a closing and the next opening nothing passes: it is the one or the other.
        """
        search = bisect_right if at_opening else bisect_left
        index = search(self.positions, position) - 1
        return self.starts[index] + (position - self.positions[index]) // self.rates[index]


def _microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds


def _datetime(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


class WorkingTime:
    """The arithmetic of one calendar in one region. The tables it grows as it is used are only a cache."""

    def __init__(self, calendar: WorkCalendar) -> None:
        self.calendar = calendar
        self.version = calendar.version
        self._day_ticks = _ticks_of_a_day(calendar)
        self._tables: dict[Unit, _Table] = {}
        self._years: dict[int, list[_Opening]] = {}
        known = calendar.known_years
        self._known_from = self._utc(date(known.start, 1, 1), 0)
        self._known_to = self._utc(date(known.stop, 1, 1), 0)

    def add(self, start: datetime, amount: int, unit: Unit) -> Due:
        """When a limit that starts at `start` (aware) ends."""
        if unit is _CALENDAR_DAY:
            return Due(self._same_clock_time(start, amount), False)
        return self.add_ticks(start, self.ticks(amount, unit), unit)

    def ticks(self, amount: int, unit: Unit) -> int:
        """How many ticks an amount has: microseconds, for working days parts that divide every day."""
        if unit is _WORKING_DAY:
            return amount * self._day_ticks
        return amount * (_DAY if unit is _CALENDAR_DAY else _HOUR)

    def add_ticks(self, start: datetime, ticks: int, unit: Unit | None) -> Due:
        """Go on from `start` until so many ticks of a unit have passed (None: plain time); 0 stays there."""
        if ticks <= 0 or unit not in _WORKED:
            return Due(start.astimezone(UTC) + timedelta(microseconds=max(ticks, 0)), False)
        begin = _microseconds(start)
        table = self._tables.get(unit)
        if table is None or not table.lo <= begin < table.hi:
            table = self._cover(unit, begin)
        position = table.position(begin) + ticks
        while position >= table.total:
            years = table.last_year - table.first_year + 1
            table = self._grow(unit, table.first_year, table.last_year + years)
        end = table.moment(position, at_opening=unit is _WORKING_DAY)
        return Due(_datetime(end), not (self._known_from <= begin and end <= self._known_to))

    def measure(self, start: datetime, end: datetime, unit: Unit | None) -> int:
        """How many ticks of a unit (None: plain time) lie between two moments; never negative."""
        begin, finish = _microseconds(start), _microseconds(end)
        if finish <= begin:
            return 0
        if unit not in _WORKED:
            return finish - begin
        self._cover(unit, begin)
        table = self._cover(unit, finish)
        return table.position(finish) - table.position(begin)

    def between(self, start: datetime, end: datetime, unit: Unit) -> float:
        """How many seconds that count for a unit lie between two moments."""
        return self.measure(start, end, Unit.WORKING_HOUR if unit in _WORKED else None) / _SECOND

    def shift(self, due: datetime, start: datetime, end: datetime, unit: Unit | None) -> Due:
        """Move a due time by what a pause took of its own unit, which is never more than the pause had."""
        return self.add_ticks(due, self.measure(start, end, unit), unit)

    def is_provisional(self, moment: datetime) -> bool:
        """Whether a moment lies in a year whose public holidays are not known."""
        return not self._known_from <= _microseconds(moment) <= self._known_to

    def _same_clock_time(self, start: datetime, days: int) -> datetime:
        local = start.astimezone(self.calendar.zone)
        return (local + days * _ONE_DAY).replace(fold=0).astimezone(UTC)

    # --- tables ---

    def _cover(self, unit: Unit, moment: int) -> _Table:
        table = self._tables.get(unit)
        if table is not None and table.lo <= moment < table.hi:
            return table
        year = _datetime(moment).astimezone(self.calendar.zone).year
        first, last = year, year + 1
        if table is not None:
            first, last = min(first, table.first_year), max(last, table.last_year)
        return self._grow(unit, first, last)

    def _grow(self, unit: Unit, first_year: int, last_year: int) -> _Table:
        if last_year > _LAST_YEAR:
            raise Invalid(f"the limit never ends in calendar {self.version}", rule="endless-limit")
        openings = [opening for year in range(first_year, last_year + 1) for opening in self._openings(year)]
        if unit is Unit.WORKING_HOUR:
            rates = [1] * len(openings)
        else:
            rates = [self._day_ticks // opening.day_total for opening in openings]
        lengths = [
            (opening.end - opening.start) * rate for opening, rate in zip(openings, rates, strict=True)
        ]
        positions = [0, *accumulate(lengths)]
        table = _Table(
            first_year,
            last_year,
            self._utc(date(first_year, 1, 1), 0),
            self._utc(date(last_year + 1, 1, 1), 0),
            [opening.start for opening in openings],
            [opening.end for opening in openings],
            positions[:-1],
            rates,
            positions[-1],
        )
        self._tables[unit] = table
        return table

    def _openings(self, year: int) -> list[_Opening]:
        known = self._years.get(year)
        if known is None:
            first = date(year, 1, 1)
            length = (date(year + 1, 1, 1) - first).days
            days = (first + timedelta(days=number) for number in range(length))
            known = self._years[year] = [opening for day in days for opening in self._of_day(day)]
        return known

    def _of_day(self, day: date) -> Iterable[_Opening]:
        stretches = [
            (self._utc(day, segment.opens), self._utc(day, segment.closes))
            for segment in self.calendar.day(day).segments
        ]
        total = sum(end - start for start, end in stretches)
        return [_Opening(start, end, total) for start, end in stretches if end > start]

    def _utc(self, day: date, seconds: int) -> int:
        """A time on a day's local clock as microseconds since 1970."""
        midnight = datetime.combine(day, time(), self.calendar.zone)
        return _microseconds(midnight + timedelta(seconds=seconds))


def _ticks_of_a_day(calendar: WorkCalendar) -> int:
    """A number of ticks that the working time of every kind of day divides, so that days add exactly.

    A day on which the clock is changed may be an hour longer or shorter.
    """
    totals = {
        sum(segment.closes - segment.opens for segment in segments)
        for hours in calendar.rules.hours
        for segments in (*map(hours.of, range(7)), hours.make_up)
    }
    lengths = {total + change for total in totals if total for change in (-3600, 0, 3600)}
    return lcm(*(length for length in lengths if length > 0)) * _SECOND
