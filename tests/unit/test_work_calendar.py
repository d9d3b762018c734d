"""Working time, hand-checked: every expected moment was worked out with a wall calendar and a pencil.

Holidays and make-up workdays are those of the State Council's notices 国办发明电〔2023〕7号 (for 2024),
〔2024〕12号 (for 2025) and 〔2025〕7号 (for 2026). Hours: 08:30-12:00 and 14:30-18:00, seven a day.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from domain import chinese_days
from domain.errors import Invalid
from domain.regions import Region
from domain.time_intervals import IntervalKind, intervals
from domain.vocabulary import Unit
from domain.work_calendar import WEEKDAYS, CalendarRules, Closure, DayKind, Holidays, Hours, WorkCalendar
from domain.working_time import WorkingTime

H, D, U, C = Unit.WORKING_HOUR, Unit.WORKING_DAY, Unit.URGENT_WORKING_HOUR, Unit.CALENDAR_DAY
SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
TIME = WorkingTime(WorkCalendar(CalendarRules(version="cn-1")))


def new_york_hours() -> Hours:
    return Hours.model_validate({day: ["09:00-17:00"] for day in WEEKDAYS[:5]} | {"saturday": []})


NEW_YORK_TIME = WorkingTime(
    WorkCalendar(
        CalendarRules(
            version="ny-1", zone="America/New_York", holidays=Holidays.NONE, hours=(new_york_hours(),)
        )
    )
)


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


CASES = [
    # an ordinary week: Monday 2 March 2026 to Monday 9 March
    ("2026-03-02 09:00", 1, H, "2026-03-02 10:00", "in the morning"),
    ("2026-03-02 08:30", 4, H, "2026-03-02 15:00", "over the break"),
    ("2026-03-02 10:00", 4, H, "2026-03-02 16:30", "over the break"),
    ("2026-03-02 10:00", 2, H, "2026-03-02 12:00", "used up at closing is due at closing"),
    ("2026-03-02 12:00", 1, H, "2026-03-02 15:30", "from the second of closing"),
    ("2026-03-02 13:00", 1, H, "2026-03-02 15:30", "from the break"),
    ("2026-03-02 14:30", 1, H, "2026-03-02 15:30", "from the second of opening"),
    ("2026-03-02 11:59:59", 1, H, "2026-03-02 15:29:59", "one second before the break"),
    ("2026-03-02 16:00", 2, H, "2026-03-02 18:00", "used up at the end of the day"),
    ("2026-03-02 16:00", 4, H, "2026-03-03 10:30", "over a night"),
    ("2026-03-02 18:00", 1, H, "2026-03-03 09:30", "from the end of the day"),
    ("2026-03-02 23:59:59", 1, H, "2026-03-03 09:30", "just before midnight"),
    ("2026-03-03 00:00", 1, H, "2026-03-03 09:30", "at midnight"),
    ("2026-03-03 08:29:59", 4, H, "2026-03-03 15:00", "one second before opening"),
    ("2026-03-02 09:00", 7, H, "2026-03-03 09:00", "seven hours are a day"),
    ("2026-03-02 10:00", 35, H, "2026-03-09 10:00", "thirty-five hours are a week"),
    ("2026-03-06 17:00", 4, H, "2026-03-09 11:30", "over a weekend"),
    ("2026-03-06 18:00", 7, H, "2026-03-09 18:00", "from Friday's closing: all of Monday"),
    ("2026-03-07 10:00", 4, H, "2026-03-09 15:00", "from a Saturday"),
    ("2026-03-08 23:59:59", 4, H, "2026-03-09 15:00", "from the end of a Sunday"),
    ("2026-03-02 10:00", 1, D, "2026-03-03 10:00", "the same time on the next day"),
    ("2026-03-02 08:30", 1, D, "2026-03-03 08:30", "from opening to opening"),
    ("2026-03-02 17:59:59", 1, D, "2026-03-03 17:59:59", "from the last second"),
    ("2026-03-02 13:00", 1, D, "2026-03-03 14:30", "from the break: counts from 14:30"),
    ("2026-03-02 20:00", 1, D, "2026-03-04 08:30", "from the evening: counts from Tuesday 08:30"),
    ("2026-03-02 05:00", 1, D, "2026-03-03 08:30", "from the early morning: counts from 08:30"),
    ("2026-03-06 10:00", 1, D, "2026-03-09 10:00", "over a weekend"),
    ("2026-03-06 18:00", 1, D, "2026-03-10 08:30", "Friday's closing second is outside: from Monday"),
    ("2026-03-07 10:00", 1, D, "2026-03-10 08:30", "from a Saturday: counts from Monday 08:30"),
    ("2026-03-02 10:00", 5, D, "2026-03-09 10:00", "five days are a week"),
    ("2026-03-02 10:00", 10, D, "2026-03-16 10:00", "ten days are two weeks"),
    # Spring Festival 2026: off 15 to 23 February; worked on Saturday 14 and Saturday 28
    ("2026-02-13 10:00", 1, D, "2026-02-14 10:00", "the Saturday before is a make-up workday"),
    ("2026-02-14 10:00", 1, D, "2026-02-24 10:00", "over the nine days"),
    ("2026-02-14 16:00", 4, H, "2026-02-24 10:30", "over the nine days"),
    ("2026-02-16 09:00", 4, H, "2026-02-24 15:00", "from a holiday that is a Monday"),
    ("2026-02-23 23:00", 1, D, "2026-02-25 08:30", "from the last evening"),
    ("2026-02-13 10:00", 5, D, "2026-02-27 10:00", "Sat 14, Tue 24, Wed 25, Thu 26, Fri 27"),
    ("2026-02-27 10:00", 1, D, "2026-02-28 10:00", "the Saturday after is a make-up workday"),
    ("2026-02-28 10:00", 1, D, "2026-03-02 10:00", "from a make-up Saturday to Monday"),
    ("2026-02-12 10:00", 30, C, "2026-03-14 10:00", "calendar days know no holidays"),
    ("2026-02-14 23:30", 2, U, "2026-02-15 01:30", "round the clock into the festival"),
    # Spring Festival 2025: off 28 January to 4 February; worked on Sunday 26 January, Saturday 8 February
    ("2025-01-24 10:00", 1, D, "2025-01-26 10:00", "Saturday off, Sunday worked"),
    ("2025-01-26 15:00", 1, D, "2025-01-27 15:00", "from the make-up Sunday"),
    ("2025-01-27 10:00", 1, D, "2025-02-05 10:00", "over the festival"),
    ("2025-01-27 17:00", 4, H, "2025-02-05 11:30", "over the festival"),
    ("2025-02-07 10:00", 1, D, "2025-02-08 10:00", "to the make-up Saturday"),
    ("2025-02-08 10:00", 1, D, "2025-02-10 10:00", "from the make-up Saturday"),
    # Spring Festival 2024: off 10 to 17 February; worked on Sunday 4 and Sunday 18
    ("2024-02-02 10:00", 1, D, "2024-02-04 10:00", "to the make-up Sunday"),
    ("2024-02-09 10:00", 1, D, "2024-02-18 10:00", "New Year's Eve was worked in 2024"),
    # National Day and Mid-Autumn 2025: off 1 to 8 October; worked on Sunday 28 September, Saturday 11
    ("2025-09-26 10:00", 1, D, "2025-09-28 10:00", "to the make-up Sunday"),
    ("2025-09-30 10:00", 1, D, "2025-10-09 10:00", "over the eight days"),
    ("2025-09-30 17:30", 4, H, "2025-10-09 12:00", "half an hour, then to the break"),
    ("2025-10-01 12:00", 1, H, "2025-10-09 09:30", "from the holiday itself"),
    ("2025-10-10 10:00", 1, D, "2025-10-11 10:00", "to the make-up Saturday"),
    ("2025-10-11 10:00", 1, D, "2025-10-13 10:00", "from the make-up Saturday"),
    ("2025-09-30 10:00", 10, D, "2025-10-21 10:00", "9 10 11 13 14 15 16 17 20 21 October"),
    # National Day 2026: off 1 to 7 October; worked on Sunday 20 September, Saturday 10 October
    ("2026-09-18 10:00", 1, D, "2026-09-20 10:00", "to the make-up Sunday"),
    ("2026-09-24 10:00", 1, D, "2026-09-28 10:00", "over Mid-Autumn, 25 to 27 September"),
    ("2026-09-30 10:00", 1, D, "2026-10-08 10:00", "over the seven days"),
    ("2026-10-09 10:00", 1, D, "2026-10-10 10:00", "to the make-up Saturday"),
    # the shorter holidays
    ("2026-04-30 10:00", 1, D, "2026-05-06 10:00", "Labour Day, 1 to 5 May"),
    ("2026-05-08 10:00", 1, D, "2026-05-09 10:00", "to the make-up Saturday"),
    ("2026-04-03 10:00", 1, D, "2026-04-07 10:00", "Tomb-sweeping, 4 to 6 April"),
    ("2026-06-18 10:00", 1, D, "2026-06-22 10:00", "Dragon Boat, 19 to 21 June"),
    ("2025-04-26 10:00", 4, H, "2025-04-27 15:00", "from Saturday to the make-up Sunday"),
    # year ends
    ("2025-12-31 10:00", 1, D, "2026-01-04 10:00", "New Year 2026: off 1 to 3, Sunday 4 worked"),
    ("2025-12-31 17:00", 4, H, "2026-01-04 11:30", "over New Year"),
    ("2026-01-04 10:00", 1, D, "2026-01-05 10:00", "from the make-up Sunday"),
    ("2025-12-31 23:59:59", 1, C, "2026-01-01 23:59:59", "calendar day over the year's end"),
    ("2025-12-31 23:00", 24, U, "2026-01-01 23:00", "round the clock over the year's end"),
    ("2024-02-28 10:00", 1, C, "2024-02-29 10:00", "a leap day"),
    ("2026-02-28 10:00", 1, C, "2026-03-01 10:00", "no leap day"),
    ("2026-12-31 08:30", 7, H, "2026-12-31 18:00", "to the last closing of a known year"),
]


@pytest.mark.parametrize(("start", "amount", "unit", "due", "why"), CASES)
def test_a_limit_ends_when_the_wall_calendar_says(
    start: str, amount: int, unit: Unit, due: str, why: str
) -> None:
    found = TIME.add(china(start), amount, unit)
    assert found.at.astimezone(SHANGHAI) == china(due), why
    assert found.at.tzinfo is UTC
    assert not found.provisional


NEW_YORK_CASES = [
    ("2026-03-06 16:00-05:00", 2, H, "2026-03-09 10:00-04:00", "a weekend with 23 and 24 hours"),
    ("2026-03-06 10:00-05:00", 1, D, "2026-03-09 10:00-04:00", "the same clock time"),
    ("2026-03-07 10:00-05:00", 1, C, "2026-03-08 10:00-04:00", "23 hours"),
    ("2026-03-07 10:00-05:00", 24, U, "2026-03-08 11:00-04:00", "24 hours"),
    ("2026-03-07 02:30-05:00", 1, C, "2026-03-08 03:30-04:00", "02:30 is skipped"),
    ("2026-03-08 01:30-05:00", 1, U, "2026-03-08 03:30-04:00", "an hour over the gap"),
    ("2026-10-30 16:00-04:00", 2, H, "2026-11-02 10:00-05:00", "a weekend with 25 and 24 hours"),
    ("2026-10-31 10:00-04:00", 1, C, "2026-11-01 10:00-05:00", "25 hours"),
    ("2026-10-31 10:00-04:00", 24, U, "2026-11-01 09:00-05:00", "24 hours"),
    ("2026-10-31 01:30-04:00", 1, C, "2026-11-01 01:30-04:00", "01:30 comes twice: the first"),
    ("2026-11-01 01:30-05:00", 1, U, "2026-11-01 02:30-05:00", "from the second 01:30"),
    ("2026-07-03 10:00-04:00", 1, D, "2026-07-06 10:00-04:00", "no holidays are kept there"),
]


@pytest.mark.parametrize(("start", "amount", "unit", "due", "why"), NEW_YORK_CASES)
def test_the_clock_change_in_new_york(start: str, amount: int, unit: Unit, due: str, why: str) -> None:
    found = NEW_YORK_TIME.add(datetime.fromisoformat(start), amount, unit)
    assert found.at == datetime.fromisoformat(due), why


PROVISIONAL = [
    ("2026-12-31 10:00", 1, D, "2027-01-01 10:00", True),
    ("2026-12-31 17:00", 4, H, "2027-01-01 11:30", True),
    ("2027-03-01 10:00", 1, H, "2027-03-01 11:00", True),
    ("2026-12-31 10:00", 1, H, "2026-12-31 11:00", False),
    ("2026-12-31 10:00", 1, C, "2027-01-01 10:00", False),
    ("2026-12-31 10:00", 48, U, "2027-01-02 10:00", False),
    ("2003-12-31 10:00", 1, D, "2004-01-02 10:00", True),
]


@pytest.mark.parametrize(("start", "amount", "unit", "due", "provisional"), PROVISIONAL)
def test_a_year_that_is_not_published_follows_the_plain_week_and_says_so(
    start: str, amount: int, unit: Unit, due: str, provisional: bool
) -> None:
    time = WorkingTime(WorkCalendar(CalendarRules(version="cn-1"), known_until=2026))
    assert time.version == "cn-1/2026"
    found = time.add(china(start), amount, unit)
    assert (found.at, found.provisional) == (china(due), provisional)


NOTICES = {
    # 2025
    "off": "2025-01-01 2025-01-28..2025-02-04 2025-04-04..2025-04-06 2025-05-01..2025-05-05"
    " 2025-05-31..2025-06-02 2025-10-01..2025-10-08"
    " 2026-01-01..2026-01-03 2026-02-15..2026-02-23 2026-04-04..2026-04-06 2026-05-01..2026-05-05"
    " 2026-06-19..2026-06-21 2026-09-25..2026-09-27 2026-10-01..2026-10-07",
    "worked": "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11"
    " 2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10",
}


def days(text: str) -> set[date]:
    found = set()
    for item in text.split():
        first, _, last = item.partition("..")
        day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        while day <= end:
            found.add(day)
            day += timedelta(days=1)
    return found


def test_the_library_says_what_the_notices_of_2025_and_2026_say() -> None:
    off, worked = days(NOTICES["off"]), days(NOTICES["worked"])
    for number in range((date(2027, 1, 1) - date(2025, 1, 1)).days):
        day = date(2025, 1, 1) + timedelta(days=number)
        said = chinese_days.public_day(day)
        assert (said is not None and not said.works) == (day in off), day
        assert (said is not None and said.works) == (day in worked), day


def test_every_day_has_its_kind_and_its_name() -> None:
    calendar = TIME.calendar
    assert calendar.day(date(2026, 3, 2))[:3] == (DayKind.WORKING, "工作日", "working day")
    assert calendar.day(date(2026, 3, 7))[:3] == (DayKind.WEEKEND, "周末", "weekend")
    assert calendar.day(date(2026, 2, 17))[:3] == (DayKind.HOLIDAY, "春节", "Spring Festival")
    make_up = calendar.day(date(2026, 2, 14))
    assert make_up[:3] == (DayKind.MAKE_UP, "春节调休上班", "make-up workday for Spring Festival")
    assert len(make_up.segments) == 2


def closed(region: str) -> WorkingTime:
    eid = Closure(region=Region("6229"), first=date(2026, 3, 20), last=date(2026, 3, 20), reason="开斋节")
    return WorkingTime(WorkCalendar(CalendarRules(version="cn-2", closures=(eid,)), Region(region)))


def test_a_closure_holds_in_its_region_only() -> None:
    start = china("2026-03-19 10:00")  # a Thursday
    assert closed("622901001001").add(start, 1, D).at == china("2026-03-23 10:00")
    assert closed("620102001").add(start, 1, D).at == china("2026-03-20 10:00")
    assert closed("622901").calendar.day(date(2026, 3, 20))[:2] == (DayKind.CLOSURE, "开斋节")


def test_hours_can_change_with_the_season_and_days_of_unequal_length_count_by_share() -> None:
    summer = Hours(since=date(2026, 5, 4)).model_dump() | {
        day: ["08:00-12:00", "15:00-18:00"] for day in WEEKDAYS[:5]
    }
    friday = Hours().model_dump() | {"friday": ["08:30-12:00"]}
    seasonal = WorkingTime(
        WorkCalendar(CalendarRules.model_validate({"version": "s", "hours": [Hours(), summer]}))
    )
    assert seasonal.add(china("2026-04-30 10:00"), 1, H).at == china("2026-04-30 11:00")
    assert seasonal.add(china("2026-05-06 11:00"), 2, H).at == china("2026-05-06 16:00")
    half = WorkingTime(WorkCalendar(CalendarRules.model_validate({"version": "f", "hours": [friday]})))
    assert half.add(china("2026-03-05 12:00"), 1, D).at == china("2026-03-06 10:15")
    assert half.add(china("2026-03-05 12:00"), 2, D).at == china("2026-03-09 14:30")


def test_between_counts_working_seconds() -> None:
    monday, next_monday = china("2026-03-02 10:00"), china("2026-03-09 10:00")
    assert TIME.between(monday, next_monday, H) == 35 * 3600
    assert TIME.between(monday, next_monday, D) == 35 * 3600
    assert TIME.between(monday, next_monday, C) == 7 * 86_400
    assert TIME.between(next_monday, monday, H) == 0
    assert TIME.between(china("2026-02-15 00:00"), china("2026-02-24 08:30"), H) == 0


def test_intervals_tell_the_whole_story_without_a_gap() -> None:
    start, end = china("2026-02-13 16:00"), china("2026-02-24 09:00")
    found = intervals(TIME.calendar, start, end, H)
    assert [interval.kind for interval in found] == [
        IntervalKind.WORKING, IntervalKind.OFF_HOURS, IntervalKind.MAKE_UP, IntervalKind.BREAK,
        IntervalKind.MAKE_UP, IntervalKind.OFF_HOURS, IntervalKind.HOLIDAY, IntervalKind.OFF_HOURS,
        IntervalKind.WORKING,
    ]  # fmt: skip
    assert found[6][1:3] == ("春节", "Spring Festival")
    assert (found[6].start, found[6].end) == (china("2026-02-15 00:00"), china("2026-02-24 00:00"))
    assert found[0].start == start
    assert found[-1].end == end
    assert all(before.end == after.start for before, after in pairwise(found))
    counted = sum((one.end - one.start).total_seconds() for one in found if one.counted)
    assert counted == TIME.between(start, end, H) == (2 + 7 + 0.5) * 3600
    assert [one.kind for one in intervals(TIME.calendar, start, end, C)] == [IntervalKind.ALL_HOURS]


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ({"hours": [{"monday": ["12:00-08:30"]}]}, "ends before it begins"),
        ({"hours": [{"monday": ["08:30-12:00", "11:00-18:00"]}]}, "in order"),
        ({"hours": [{"monday": ["8-12"]}]}, "not a time like"),
        ({"hours": [{day: [] for day in WEEKDAYS}]}, "without working hours"),
        ({"hours": [{"since": "2026-01-01"}]}, "from the beginning"),
        ({"zone": "Asia/Linxia"}, "not a time zone"),
        (
            {"closures": [{"region": "62", "first": "2026-02-02", "last": "2026-02-01", "reason": "x"}]},
            "before",
        ),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(rules: dict[str, object], where: str) -> None:
    with pytest.raises(ValidationError, match=where):
        CalendarRules.model_validate({"version": "x", **rules})


def test_a_limit_that_never_ends_is_refused_and_not_searched_for_ever() -> None:
    shut = Closure(region=Region("62"), first=date(2026, 1, 1), last=date(9998, 1, 1), reason="moved away")
    time = WorkingTime(WorkCalendar(CalendarRules(version="x", closures=(shut,)), Region("622901")))
    with pytest.raises(Invalid) as refused:
        time.add(china("2026-03-02 10:00"), 1, H)
    assert refused.value.rule == "endless-limit"


def test_the_version_says_which_holidays_are_known_and_computes_the_same_for_ever() -> None:
    rules = CalendarRules(version="cn-1")
    older = WorkingTime(WorkCalendar(rules, known_until=2025))
    assert older.version == "cn-1/2025"
    found = older.add(china("2026-02-13 10:00"), 1, D)
    assert (found.at, found.provisional) == (china("2026-02-16 10:00"), True)
    assert WorkCalendar(rules, known_until=9999).known_until == chinese_days.LAST_YEAR
