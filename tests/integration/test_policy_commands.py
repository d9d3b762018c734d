"""A policy is checked, compared and put into force: the commands, and the setting that they prepare."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from domain import commands as c
from domain.errors import Invalid
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.cli import liudan
from infra.policy_file import DEFAULT_POLICY_FILE, read_rulebook
from infra.settings import Settings
from infra.tickets import Request, new_event_id
from tests.journeys import ACTORS, VILLAGE

SHIPPED = DEFAULT_POLICY_FILE.read_text(encoding="utf-8")
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def changed(folder: Path, *changes: tuple[str, str], name: str = "changed.toml") -> Path:
    """The shipped policy with other words in some places, under another version."""
    text = SHIPPED
    for old, new in (('version = "default-2"', 'version = "other-1"'), *changes):
        assert old in text, old
        text = text.replace(old, new)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def run(*words: object) -> Result:
    return CliRunner().invoke(liudan, ["policy", *map(str, words)])


def test_the_shipped_policy_can_be_used() -> None:
    result = run("check", DEFAULT_POLICY_FILE)
    assert result.exit_code == 0
    assert "can be used, version default-2" in result.output
    assert "problem" not in result.output


def test_every_fault_is_a_sentence_that_names_its_place(tmp_path: Path) -> None:
    file = changed(
        tmp_path,
        ("simple = { amount = 1, ", "simple = { amount = 0, "),
        ('issue = { amount = 4, unit = "working_hour" }', 'issue = { amount = 4, unit = "hour" }'),
        ('region = "us-nyc"\nzone = "America/New_York"', 'region = "us-nyc"\nzone = "America/York"'),
    )
    result = run("check", file)
    assert result.exit_code == 1
    places = [line.split(": ")[1] for line in result.output.splitlines() if line.startswith("problem: ")]
    assert places == ["resolve.simple.amount", "stage.issue.unit", "calendar[2].zone"]
    assert result.output.endswith("cannot be used\n")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("warn = [50, 80]", "warn = [80, 50]", "warn: the percentages are not in order"),
        ('"14:30-18:00"', '"14:00-18:00"', "calendar: policy other-1 changes calendar cn-1"),
        ('version = "other-1"', 'version = "default-2"\nwarn = [60]', "version: two different policies"),
    ],
)
def test_what_cannot_be_meant_is_a_problem(tmp_path: Path, old: str, new: str, said: str) -> None:
    drop = ("warn = [50, 80]", "") if "warn = [60]" in new else ("version", "version")
    file = changed(tmp_path, drop, (old, new))
    result = run("check", file)
    assert result.exit_code == 1
    assert f"problem: {said}" in result.output
    with pytest.raises(Invalid, match=said.partition(": ")[2]):
        read_rulebook(file)


def test_a_file_that_is_none_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("version = ")
    for name, said in (("missing.toml", "No such file"), ("broken.toml", "not TOML")):
        result = run("check", tmp_path / name)
        assert (result.exit_code, said in result.output) == (1, True)


def test_the_answers_as_json(tmp_path: Path) -> None:
    file = changed(tmp_path, ("larger = { amount = 10,", "larger = { amount = 12,"))
    answer = json.loads(run("check", file, "--json").stdout)
    assert (answer["version"], answer["usable"]) == ("other-1", True)
    difference = json.loads(run("diff", DEFAULT_POLICY_FILE, file, "--json").stdout)
    assert difference["differences"] == [
        {"place": "resolve.larger", "old": "10 working days", "new": "12 working days"},
        {"place": "version", "old": "default-2", "new": "other-1"},
    ]


def test_a_difference_is_one_line(tmp_path: Path) -> None:
    file = changed(tmp_path, ("larger = { amount = 10,", "larger = { amount = 12,"))
    with file.open("a") as more:
        more.write('[[override]]\nregion = "622901"\nrating = { amount = 3, unit = "calendar_day" }\n')
    lines = run("diff", DEFAULT_POLICY_FILE, file).output.splitlines()
    assert "resolve.larger: 10 working days → 12 working days" in lines
    assert "override[622901].rating: added, 3 calendar days" in lines
    assert run("diff", file, file).output == "They say the same.\n"


def test_a_configured_policy_is_in_force(tmp_path: Path) -> None:
    file = changed(tmp_path, ("general = { amount = 5,", "general = { amount = 7,"))
    days = {}
    for name, path in (("shipped", None), ("own", file)):
        with Installation(Settings(home=tmp_path / name, policy=path)) as parts:
            parts.home.create()
            wish = Request(
                c.Place(region=VILLAGE, category="roads.surface"),
                ACTORS[Role.GRID_WORKER],
                new_event_id(),
                occurred_at=MONDAY,
            )
            deadlines = asyncio.run(parts.tickets.handle(wish)).ticket.deadlines
            assert deadlines is not None
            assert deadlines.resolve_due is not None
            days[deadlines.policy] = deadlines.resolve_due - MONDAY
    assert days == {"default-2": timedelta(days=7), "other-1": timedelta(days=9)}


def test_versions_in_a_folder_follow_each_other_and_the_shipped_one_is_never_forgotten(
    tmp_path: Path,
) -> None:
    since = 'version = "other-1"', 'version = "v{0}"\neffective_from = 202{0}-01-01T00:00:00+08:00'
    for year in (7, 8):
        changed(tmp_path, (since[0], since[1].format(year)), name=f"{year}.toml")
    book = read_rulebook(tmp_path)
    versions = [book.in_force(datetime(2026 + n, 6, 1, tzinfo=UTC)).version for n in range(3)]
    assert versions == ["default-2", "v7", "v8"]
    replaced = read_rulebook(changed(tmp_path))
    assert replaced.in_force(MONDAY).version == "other-1"
    assert replaced.rules("default-2") is not None


def test_an_installation_says_what_is_wrong_with_its_policy(tmp_path: Path) -> None:
    file = changed(tmp_path, ("simple = { amount = 1, ", "simple = { amount = 0, "))
    with (
        Installation(Settings(home=tmp_path, policy=file)) as parts,
        pytest.raises(Invalid, match=r"changed.toml: resolve.simple.amount: Input should be"),
    ):
        _ = parts.tickets
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Invalid, match=r"no .*toml file"):
        read_rulebook(empty)
