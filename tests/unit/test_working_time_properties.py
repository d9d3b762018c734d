"""Working time under any start, any amount and any pause: it adds up, and never gives more than there was."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.time_intervals import intervals
from domain.vocabulary import Unit
from domain.work_calendar import WEEKDAYS, CalendarRules, Hours, WorkCalendar
from domain.working_time import WorkingTime

DEFAULT = WorkingTime(WorkCalendar(CalendarRules(version="cn-1")))
UNEVEN = WorkingTime(
    WorkCalendar(
        CalendarRules.model_validate(
            {
                "version": "uneven-1",
                "zone": "America/New_York",
                "holidays": "none",
                "hours": [
                    {"friday": ["09:00-12:00"], "saturday": ["10:00-11:00", "22:00-24:00"]},
                    Hours.model_validate({"since": "2025-07-01", "wednesday": []}),
                    {"since": "2026-01-01", **{day: ["00:00-24:00"] for day in WEEKDAYS}},
                ],
            }
        )
    )
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
UNITS = st.sampled_from(Unit)
WORKED = st.sampled_from([Unit.WORKING_HOUR, Unit.WORKING_DAY])
AMOUNTS = st.integers(1, 60)
TIMES = st.sampled_from([DEFAULT, UNEVEN])
FIRST = datetime(2024, 12, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=760)).map(lambda after: FIRST + after) | st.integers(
    0, 760 * 48
).map(lambda halves: FIRST.astimezone(SHANGHAI) + halves * timedelta(minutes=30))
"""Any microsecond of two years, and often the very second of an opening or a closing."""
PAUSES = st.timedeltas(timedelta(0), timedelta(days=40))


@given(TIMES, MOMENTS, MOMENTS, AMOUNTS, WORKED)
def test_a_later_start_is_never_due_earlier(
    time: WorkingTime, one: datetime, other: datetime, amount: int, unit: Unit
) -> None:
    earlier, later = sorted((one, other))
    assert time.add(earlier, amount, unit).at <= time.add(later, amount, unit).at


@given(MOMENTS, MOMENTS, AMOUNTS, UNITS)
def test_a_later_start_is_never_due_earlier_in_any_unit(
    one: datetime, other: datetime, amount: int, unit: Unit
) -> None:
    earlier, later = sorted((one, other))
    assert DEFAULT.add(earlier, amount, unit).at <= DEFAULT.add(later, amount, unit).at


@given(TIMES, MOMENTS, AMOUNTS, UNITS)
def test_more_is_due_later(time: WorkingTime, start: datetime, amount: int, unit: Unit) -> None:
    assert start < time.add(start, amount, unit).at < time.add(start, amount + 1, unit).at


@given(MOMENTS, AMOUNTS, AMOUNTS, UNITS)
def test_adding_twice_is_adding_the_sum(start: datetime, one: int, other: int, unit: Unit) -> None:
    twice = DEFAULT.add(DEFAULT.add(start, one, unit).at, other, unit).at
    assert twice == DEFAULT.add(start, one + other, unit).at


@given(MOMENTS, AMOUNTS, AMOUNTS)
def test_working_days_of_unequal_length_add_up_to_the_microsecond(
    start: datetime, one: int, other: int
) -> None:
    unit = Unit.WORKING_DAY
    twice = UNEVEN.add(UNEVEN.add(start, one, unit).at, other, unit).at
    assert abs(twice - UNEVEN.add(start, one + other, unit).at) <= timedelta(microseconds=24)


@given(MOMENTS, AMOUNTS)
def test_what_was_added_lies_between(start: datetime, amount: int) -> None:
    due = DEFAULT.add(start, amount, Unit.WORKING_HOUR).at
    assert DEFAULT.between(start, due, Unit.WORKING_HOUR) == amount * 3600
    due = DEFAULT.add(start, amount, Unit.WORKING_DAY).at
    assert DEFAULT.between(start, due, Unit.WORKING_DAY) == amount * 7 * 3600


@given(TIMES, MOMENTS, MOMENTS, PAUSES, UNITS)
def test_a_pause_moves_a_due_time_by_its_own_time_and_never_more(
    time: WorkingTime, due: datetime, start: datetime, pause: timedelta, unit: Unit
) -> None:
    moved = time.shift(due, start, start + pause, unit).at
    had = time.measure(start, start + pause, unit)
    # a whole microsecond, on the shortest day of an uneven calendar
    tolerance = time.ticks(1, unit) // 3_600_000_000 if time is UNEVEN else 0
    assert abs(time.measure(due, moved, unit) - had) <= tolerance
    assert moved >= due
    if had == 0:
        assert moved == due


@given(MOMENTS, MOMENTS, PAUSES, UNITS)
def test_in_seconds_too_a_pause_never_gives_more_than_it_took(
    due: datetime, start: datetime, pause: timedelta, unit: Unit
) -> None:
    moved = DEFAULT.shift(due, start, start + pause, unit).at
    assert DEFAULT.between(due, moved, unit) == DEFAULT.between(start, start + pause, unit)


@given(TIMES, MOMENTS, PAUSES, UNITS)
def test_the_intervals_are_what_is_counted(
    time: WorkingTime, start: datetime, length: timedelta, unit: Unit
) -> None:
    found = intervals(time.calendar, start, start + length, unit)
    counted = sum((one.end - one.start for one in found if one.counted), timedelta(0))
    assert counted == timedelta(seconds=time.between(start, start + length, unit))
    assert all(before.end == after.start for before, after in pairwise(found))
    if found:
        assert (found[0].start, found[-1].end) == (start, start + length)


@given(TIMES, st.lists(st.tuples(MOMENTS, AMOUNTS, UNITS), min_size=2, max_size=6))
def test_it_does_not_matter_what_was_asked_before(
    time: WorkingTime, asked: list[tuple[datetime, int, Unit]]
) -> None:
    fresh = WorkingTime(time.calendar)
    answers = [fresh.add(*question) for question in reversed(asked)]
    assert answers == [time.add(*question) for question in reversed(asked)]
