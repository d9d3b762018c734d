"""The policy file: what is shipped, what is refused and where, which override wins, which version holds."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Invalid, Refused
from domain.policy import Limit, Policy, parse_policy
from domain.policy_review import Severity, check, diff
from domain.regions import Region
from domain.rulebook import Rulebook
from domain.vocabulary import ClockKind, MatterClass, Unit
from infra.policy_file import DEFAULT_POLICY_FILE, default_rulebook, read_policy, read_rulebook

LINXIA, HEZUO = Region("622901001001"), Region("623001")


def content() -> dict[str, Any]:
    return tomllib.loads(DEFAULT_POLICY_FILE.read_text(encoding="utf-8"))


def changed(**changes: Any) -> Policy:
    return parse_policy({**content(), **changes})


def limit(amount: int, unit: Unit = Unit.WORKING_DAY) -> dict[str, object]:
    return {"amount": amount, "unit": unit}


def test_the_shipped_policy_is_the_table_of_the_design() -> None:
    terms = default_rulebook().in_force(datetime(2026, 1, 1, tzinfo=UTC)).terms(LINXIA, "roads.surface")
    assert {kind.value: str(one) for kind, one in terms.resolve.items()} == {
        "simple": "1 working day", "general": "5 working days", "larger": "10 working days",
        "difficult": "30 calendar days", "cross_county": "60 calendar days",
    }  # fmt: skip
    assert {kind.value: one.amount for kind, one in terms.extension.items()} == {
        "general": 3, "larger": 5, "difficult": 15, "cross_county": 30,
    }  # fmt: skip
    four_hours, one_day = Limit(amount=4, unit=Unit.WORKING_HOUR), Limit(amount=1, unit=Unit.WORKING_DAY)
    assert terms.stage == {
        ClockKind.VERIFY: four_hours, ClockKind.ISSUE: four_hours, ClockKind.DISPATCH: four_hours,
        ClockKind.ACCEPT: one_day, ClockKind.FEED_BACK: one_day,
    }  # fmt: skip
    assert (str(terms.rating), str(terms.reopening)) == ("7 calendar days", "15 calendar days")
    assert terms.thresholds == (50, 80, 100, 150)
    assert [(step.percent, step.to.value) for step in terms.escalate] == [
        (100, "one_level_up"), (150, "county"),
    ]  # fmt: skip


def test_an_emergency_gives_two_hours_and_the_utilities_a_day() -> None:
    rules = default_rulebook().in_force(datetime(2026, 1, 1, tzinfo=UTC))
    for category, hours in (
        ("roads.surface", 2),
        ("water.supply", 24),
        ("safety.gas", 24),
        ("safety.fire", 2),
    ):
        found = rules.terms(LINXIA, category).emergency_limit(category)
        assert (found.amount, found.unit) == (hours, Unit.URGENT_WORKING_HOUR), category


def test_the_shipped_policy_has_no_problem() -> None:
    findings = check(read_policy(DEFAULT_POLICY_FILE))
    assert [finding for finding in findings if finding.severity is Severity.PROBLEM] == []
    assert [finding.place for finding in findings] == ["calendar[cn-1]"]
    assert "provisional" in findings[0].message


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"resolve": {**content()["resolve"], "simple": limit(0)}}, "resolve.simple.amount"),
        (
            {"resolve": {**content()["resolve"], "simple": {"amount": 1, "unit": "week"}}},
            "resolve.simple.unit",
        ),
        ({"resolve": {"simple": limit(1)}}, "resolve"),
        ({"resolve": {**content()["resolve"], "huge": limit(1)}}, "resolve.huge"),
        ({"stage": {"resolve": limit(1)}}, "stage.resolve"),
        ({"warn": [50, 180]}, "warn[2]"),
        ({"wran": [50]}, "wran"),
        ({"override": [{"resolve": {"simple": limit(1)}}]}, "override[1]"),
        ({"override": [{"region": "Linxia", "rating": limit(1)}]}, "override[1].region"),
        ({"calendar": [{"version": "a", "region": "62"}]}, "calendar"),
        ({"calendar": [{"version": "a", "hours": [{"friday": ["9-5"]}]}]}, "calendar[1].hours[1].friday[1]"),
        ({"effective_from": "2026-01-01T00:00:00"}, "effective_from"),
    ],
)
def test_an_error_names_its_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as refused:
        changed(**changes)
    assert refused.value.field == place
    assert f"{place}: " in str(refused.value)


def test_the_most_specific_override_wins_limit_by_limit() -> None:
    policy = changed(
        override=[
            {"region": "622901", "category": "water", "resolve": {"general": limit(4)}},
            {"category": "water.supply", "resolve": {"general": limit(9), "simple": limit(9)}},
            {"category": "water", "resolve": {"general": limit(8), "larger": limit(8)}},
            {"region": "6229", "resolve": {"general": limit(7)}, "warn": [60]},
            {"region": "622901", "resolve": {"general": limit(6)}},
        ]
    )

    def general(region: Region, category: str) -> int:
        return policy.terms(region, category).resolve[MatterClass.GENERAL].amount

    assert general(HEZUO, "roads.surface") == 5
    assert general(HEZUO, "water.supply") == 9
    assert general(HEZUO, "waterways") == 5
    assert general(Region("622902"), "water.supply") == 7
    assert general(LINXIA, "roads.surface") == 6
    assert general(LINXIA, "water.supply") == 4
    water = policy.terms(LINXIA, "water.supply")
    assert [water.resolve[one].amount for one in (MatterClass.SIMPLE, MatterClass.LARGER)] == [9, 8]
    assert water.warn == (60,)
    assert policy.terms(HEZUO, "water.supply").warn == (50, 80)


def test_checking_finds_what_cannot_be_meant() -> None:
    policy = changed(
        warn=[80, 50],
        escalate=[],
        stage={"verify": limit(1)},
        resolve={**content()["resolve"], "larger": limit(2)},
        extension={"general": limit(30)},
        override=[
            {"region": "62", "rating": limit(3)},
            {"region": "62", "rating": limit(4)},
            {"category": "wather"},
        ],
        calendar=[
            {"version": "a"},
            {
                "version": "b",
                "region": "6229",
                "closures": [{"region": "62", "first": "2026-01-01", "last": "2026-01-01", "reason": "x"}],
            },
        ],
    )
    found = {(finding.severity.value, finding.place) for finding in check(policy)}
    assert found >= {
        ("problem", "warn"), ("warning", "escalate"), ("warning", "stage.issue"),
        ("warning", "resolve.larger"), ("warning", "extension.general"), ("problem", "override[2]"),
        ("warning", "override[3].category"), ("warning", "override[3]"), ("problem", "calendar[b]"),
    }  # fmt: skip


def test_a_difference_can_be_read() -> None:
    new = changed(
        version="default-3",
        resolve={**content()["resolve"], "general": limit(4)},
        extension={name: one for name, one in content()["extension"].items() if name != "larger"},
        override=[{"region": "622901", "category": "heating", "resolve": {"general": limit(2)}}],
    )
    old = read_policy(DEFAULT_POLICY_FILE)
    assert [str(difference) for difference in diff(old, new)] == [
        "extension.larger: removed, was 5 working days",
        "override[622901 heating].resolve.general: added, 2 working days",
        "resolve.general: 5 working days → 4 working days",
        "version: default-2 → default-3",
    ]
    assert diff(old, old) == []


def test_every_moment_has_its_version() -> None:
    first = read_policy(DEFAULT_POLICY_FILE)
    second = changed(version="default-3", effective_from="2026-07-01T00:00:00+08:00")
    book = Rulebook([second, first])
    start = datetime(2026, 6, 30, 16, tzinfo=UTC)
    assert book.in_force(datetime(1999, 1, 1, tzinfo=UTC)).version == "default-2"
    assert book.in_force(start.replace(hour=15, minute=59, second=59)).version == "default-2"
    assert book.in_force(start).version == "default-3"
    assert [rules and rules.version for rules in map(book.rules, ("default-3", "nyc311", None))] == [
        "default-3", None, None,
    ]  # fmt: skip


def test_versions_must_not_contradict_each_other() -> None:
    first = read_policy(DEFAULT_POLICY_FILE)
    with pytest.raises(Invalid, match="same version"):
        Rulebook([first, changed(effective_from="2026-07-01T00:00:00+08:00")])
    with pytest.raises(Invalid, match="effective_from"):
        Rulebook([first, changed(version="default-3")])
    with pytest.raises(Invalid, match="changes calendar cn-1; give it a new version"):
        Rulebook(
            [
                first,
                changed(
                    version="default-3",
                    effective_from="2026-07-01T00:00:00+08:00",
                    calendar=[{"version": "cn-1", "hours": [{"friday": ["08:30-12:00"]}]}],
                ),
            ]
        )


def test_a_calendar_is_found_by_its_published_version_and_by_region() -> None:
    book = default_rulebook()
    rules = book.in_force(datetime(2026, 1, 1, tzinfo=UTC))
    assert rules.working_time(LINXIA).version == "cn-1/2026"
    assert rules.working_time(Region("us-nyc:queens:09")).version == "us-nyc-1"
    assert rules.working_time(Region("us-boston:roxbury")).version == "us-boston-1"
    assert book.working_time("cn-1/2025", LINXIA).version == "cn-1/2025"
    assert book.working_time("cn-1/2026", LINXIA) is rules.working_time(HEZUO)
    for unknown in ("cn-0/2026", "cn-1/2999", "cn-1/x"):
        with pytest.raises(Refused) as refused:
            book.working_time(unknown, LINXIA)
        assert refused.value.rule == "unknown-calendar"


def test_files_are_read_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert read_rulebook() is default_rulebook()
    later = tmp_path / "later.toml"
    text = DEFAULT_POLICY_FILE.read_text(encoding="utf-8").replace("default-2", "default-3")
    later.write_text("effective_from = 2026-07-01T00:00:00+08:00\n" + text, encoding="utf-8")
    book = read_rulebook(tmp_path)
    assert [policy.version for policy in book.policies] == ["default-2", "default-3"]
    broken = tmp_path / "broken.toml"
    broken.write_text("version = ", encoding="utf-8")
    for path in (broken, tmp_path / "missing.toml"):
        with pytest.raises(Invalid, match=path.name):
            read_policy(path)
