"""How long personal data are kept: months of the Chinese calendar, the most specific rule first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import BadPolicy
from domain.retention import add_months, parse_retention
from infra.privacy.retention import read_retention

RULES = parse_retention(
    {
        "version": "test-1",
        "months": 24,
        "override": [
            {"category": "safety", "months": 36},
            {"category": "safety.gas", "months": 60},
            {"region": "6229", "months": 12},
            {"region": "622901", "category": "safety", "months": 48},
        ],
    },
    "test",
)


@pytest.mark.parametrize(
    ("category", "place", "months"),
    [
        ("roads.surface", "130225001001", 24),
        ("safety.gas", "130225001001", 60),
        ("safety.fire", "130225001001", 36),
        ("safetyless", "130225001001", 24),
        ("roads.surface", "622921001001-U003", 12),
        ("safety.gas", "622921001001", 12),
        ("safety.gas", "622901001001", 48),
        ("roads.surface", "us-nyc:queens:09", 24),
    ],
)
def test_the_most_specific_rule_counts(category: str, place: str, months: int) -> None:
    assert RULES.months_for(category, place) == months


@pytest.mark.parametrize(
    ("moment", "months", "then"),
    [
        ("2026-01-31T02:00:00+00:00", 1, "2026-02-28T02:00:00+00:00"),
        ("2024-02-29T02:00:00+00:00", 12, "2025-02-28T02:00:00+00:00"),
        ("2026-11-25T02:00:00+00:00", 24, "2028-11-25T02:00:00+00:00"),
        ("2026-01-31T20:00:00+00:00", 1, "2026-02-28T20:00:00+00:00"),  # already February 1st in China
        ("2026-03-31T02:00:00+00:00", -1, "2026-02-28T02:00:00+00:00"),
    ],
)
def test_months_are_the_calendars(moment: str, months: int, then: str) -> None:
    assert add_months(datetime.fromisoformat(moment), months) == datetime.fromisoformat(then)


@given(st.integers(0, 3_500_000_000), st.integers(0, 1200))
def test_what_is_due_lies_within_what_is_looked_at(seconds: int, months: int) -> None:
    """Candidates are what ended before `now` less the shortest period: none that is due may be missed."""
    moment = datetime.fromtimestamp(seconds, UTC)
    due = add_months(moment, months)
    assert timedelta(0) <= due - moment
    assert moment <= add_months(due, -months) + timedelta(days=3)


def test_the_shipped_rules_are_sound_and_a_bad_file_is_said(tmp_path: Path) -> None:
    assert read_retention(None).months == 24
    bad = tmp_path / "bad.toml"
    for text, said in (("months = 24", "version"), ("version = 'x'\nmonths = -1", "months"), ("=", "TOML")):
        bad.write_text(text)
        with pytest.raises(BadPolicy, match=said):
            read_retention(bad)
