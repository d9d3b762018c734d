"""Days, weeks, months, quarters and years of the Chinese calendar day: what a report is about.

A moment belongs to the period that it is in China. Written `2026`, `2026-Q3`, `2026-10`, `2026-W41` (ISO 8601
weeks, which begin on Monday) or `2026-10-05`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Self

from domain.errors import Invalid
from domain.months import CHINA

FIRST_YEAR, LAST_YEAR = 1902, 2259
"""The years that the times of events can lie in."""


class Grain(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """From the first moment of `first_day` up to, without it, the first moment of the period after it."""

    grain: Grain
    first_day: date

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a period; raises Invalid."""
        for grain, form in _FORMS.items():
            if form.pattern.fullmatch(text):
                try:
                    period = cls(grain, form.read(text))
                except ValueError:
                    break
                if FIRST_YEAR <= period.first_day.year <= LAST_YEAR:
                    return period
        raise Invalid(
            f"{text!r} is not a period like 2026, 2026-Q3, 2026-10, 2026-W41 or 2026-10-05",
            rule="bad-period",
            field="period",
        )

    @classmethod
    def containing(cls, moment: datetime, grain: Grain) -> Self:
        """Give the period that a moment is in."""
        return cls(grain, _FIRST_DAY[grain](moment.astimezone(CHINA).date()))

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return _midnight(self.first_day)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return _midnight(self.following.first_day)

    @property
    def last_moment(self) -> datetime:
        """The last one that a clock of microseconds can tell."""
        return self.end - timedelta(microseconds=1)

    @property
    def following(self) -> "Period":
        """The period after this one."""
        return Period(self.grain, _NEXT[self.grain](self.first_day))

    @property
    def before(self) -> "Period":
        """The period before this one."""
        return Period(self.grain, _FIRST_DAY[self.grain](self.first_day - timedelta(days=1)))

    @property
    def last_year(self) -> "Period":
        """The same period of the year before; of a week, the week with the same number, or the last one."""
        day = self.first_day
        if self.grain is Grain.WEEK:
            year, week, _ = day.isocalendar()
            return Period(Grain.WEEK, _week(year - 1, min(week, _weeks_in(year - 1))))
        leap_day = (day.month, day.day) == (2, 29)
        return Period(self.grain, day.replace(year=day.year - 1, day=28 if leap_day else day.day))

    def parts(self, grain: Grain) -> tuple["Period", ...]:
        """Give the shorter periods that begin in this one, or end in it; those at the edges may reach out."""
        part = Period(grain, _FIRST_DAY[grain](self.first_day))
        found = []
        while part.start < self.end:
            found.append(part)
            part = part.following
        return tuple(found)

    def __str__(self) -> str:
        return _FORMS[self.grain].write(self.first_day)


@dataclass(frozen=True, slots=True)
class _Form:
    pattern: re.Pattern[str]
    read: Callable[[str], date]
    write: Callable[[date], str]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, CHINA)


def _quarter_start(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def _months_later(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _week(year: int, week: int) -> date:
    return date.fromisocalendar(year, week, 1)


def _weeks_in(year: int) -> int:
    return date(year, 12, 28).isocalendar().week


def _write_week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


_FIRST_DAY: Mapping[Grain, Callable[[date], date]] = {
    Grain.DAY: lambda day: day,
    Grain.WEEK: lambda day: day - timedelta(days=day.weekday()),
    Grain.MONTH: lambda day: day.replace(day=1),
    Grain.QUARTER: _quarter_start,
    Grain.YEAR: lambda day: date(day.year, 1, 1),
}
_NEXT: Mapping[Grain, Callable[[date], date]] = {
    Grain.DAY: lambda day: day + timedelta(days=1),
    Grain.WEEK: lambda day: day + timedelta(days=7),
    Grain.MONTH: lambda day: _months_later(day, 1),
    Grain.QUARTER: lambda day: _months_later(day, 3),
    Grain.YEAR: lambda day: date(day.year + 1, 1, 1),
}
_FORMS: Mapping[Grain, _Form] = {
    Grain.YEAR: _Form(
        re.compile(r"\d{4}", re.ASCII), lambda text: date(int(text), 1, 1), lambda day: f"{day:%Y}"
    ),
    Grain.QUARTER: _Form(
        re.compile(r"\d{4}-Q[1-4]", re.ASCII),
        lambda text: date(int(text[:4]), int(text[6]) * 3 - 2, 1),
        lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
    ),
    Grain.MONTH: _Form(
        re.compile(r"\d{4}-\d{2}", re.ASCII),
        lambda text: date(int(text[:4]), int(text[5:]), 1),
        lambda day: f"{day:%Y-%m}",
    ),
    Grain.WEEK: _Form(
        re.compile(r"\d{4}-W\d{2}", re.ASCII), lambda text: _week(int(text[:4]), int(text[6:])), _write_week
    ),
    Grain.DAY: _Form(re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII), date.fromisoformat, date.isoformat),
}
