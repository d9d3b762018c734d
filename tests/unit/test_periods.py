"""Periods: what they are called, where they begin and end in China, and which come before."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.periods import Grain, Period

MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", "2025-12-31T16:00", "2026-12-31T16:00"),
        ("2026-Q3", "2026-06-30T16:00", "2026-09-30T16:00"),
        ("2026-Q4", "2026-09-30T16:00", "2026-12-31T16:00"),
        ("2026-12", "2026-11-30T16:00", "2026-12-31T16:00"),
        ("2026-W41", "2026-10-04T16:00", "2026-10-11T16:00"),
        ("2026-W53", "2026-12-27T16:00", "2027-01-03T16:00"),
        ("2026-10-05", "2026-10-04T16:00", "2026-10-05T16:00"),
        ("1990-07-01", "1990-06-30T15:00", "1990-07-01T15:00"),  # summer time, China had it until 1991
    ],
)
def test_they_begin_and_end_at_midnight_in_china(text: str, start: str, end: str) -> None:
    period = Period.parse(text)
    assert str(period) == text
    assert period.start == datetime.fromisoformat(f"{start}+00:00")
    assert period.end == datetime.fromisoformat(f"{end}+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-13",
        "2026-Q5",
        "2026-W54",
        "2025-W53",
        "2026-02-30",
        "2026-1",
        "２０２６",
        "0001",
        "9999",
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Period.parse(text)


@given(MOMENTS, st.sampled_from(Grain))
def test_every_moment_is_in_one_period_of_each_grain(moment: datetime, grain: Grain) -> None:
    period = Period.containing(moment, grain)
    assert period.start <= moment < period.end
    assert Period.parse(str(period)) == period
    assert period.before.end == period.start
    assert period.following.before == period
    assert period.following.start == period.end
    assert Period.containing(period.end - timedelta(microseconds=1), grain) == period


@given(MOMENTS, st.sampled_from(Grain), st.sampled_from(Grain))
def test_its_parts_cover_it(moment: datetime, grain: Grain, shorter: Grain) -> None:
    period = Period.containing(moment, grain)
    parts = period.parts(shorter)
    assert parts[0].start <= period.start
    assert parts[-1].end >= period.end
    assert all(one.following == other for one, other in pairwise(parts))


@pytest.mark.parametrize(
    ("text", "earlier"),
    [("2026-10", "2025-10"), ("2024-02-29", "2023-02-28"), ("2026-W53", "2025-W52"), ("2026-Q1", "2025-Q1")],
)
def test_the_same_period_of_last_year(text: str, earlier: str) -> None:
    assert str(Period.parse(text).last_year) == earlier
