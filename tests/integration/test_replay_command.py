"""`liudan replay`: one history, or all of a region, as people and programs read them."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from consumers.replay_command import replay_command
from domain.regions import Region
from infra.bootstrap import Installation
from infra.settings import Settings
from infra.simulation.run import simulate

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    with Installation(Settings(home=folder, kafka="embedded")) as parts:
        asyncio.run(simulate(parts.tickets, seed=3, count=30, until=NOON))
    return folder


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        replay_command,
        [*arguments, "--home", str(home)],
        catch_exceptions=False,
        env={"LIUDAN_KAFKA": "embedded"},
    )


def histories(home: Path, *arguments: str) -> list[dict[str, object]]:
    done = run(home, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return [orjson.loads(line) for line in done.stdout.splitlines() if line.startswith('{"number"')]


def test_a_region_s_histories_are_whole_and_each_is_that_of_its_ticket(home: Path) -> None:
    everything = histories(home, "--region", "6229")
    assert len(everything) == 30
    for history in everything:
        number = history["number"]
        assert isinstance(number, str)
        assert histories(home, number) == [history]
    counties = {Region(str(history["number"])[:6]) for history in everything}
    parts = [len(histories(home, "--region", county)) for county in counties]
    assert sum(parts) == 30


def test_days_narrow_a_region(home: Path) -> None:
    assert histories(home, "--region", "6229", "--to", "2026-11-18") == []
    first = histories(home, "--region", "6229", "--from", "2026-11-19", "--to", "2026-11-19")
    second = histories(home, "--region", "6229", "--from", "2026-11-20", "--to", "2026-11-20")
    assert len(first) + len(second) == 30
    assert first
    assert second


def test_as_it_was_then_leaves_out_what_came_later(home: Path) -> None:
    cut = NOON - timedelta(hours=6)
    everything = histories(home, "--region", "6229")
    then = histories(home, "--region", "6229", "--as-of", f"{cut:%Y-%m-%dT%H:%M:%S}+0000")
    assert 0 < len(then) < len(everything)
    for history in then:
        steps = history["steps"]
        assert isinstance(steps, list)
        assert all(datetime.fromisoformat(step["occurred_at"]) <= cut for step in steps)
    assert histories(home, "--region", "6229", "--known-at", "2026-11-20T04:00:00+0000") == []


def test_it_reads_well_and_draws_causes(home: Path) -> None:
    closed = next(h for h in histories(home, "--region", "6229") if h["state"] == "closed")
    number = str(closed["number"])
    told = run(home, number).output
    assert "点单 Placed" in told
    assert "state: fed_back → closed" in told
    assert "核单 verify, due" in told
    assert "command " in run(home, number, "--causes").output
    drawn = orjson.loads(run(home, number, "--causes", "--json").stdout.splitlines()[-1])
    steps = closed["steps"]
    assert isinstance(steps, list)
    assert sorted(v for cause in drawn["causes"] for v in cause["versions"]) == list(range(1, len(steps) + 1))


@pytest.mark.parametrize(
    "arguments", [(), ("622901-261125-H4WCAQ8", "--region", "6229"), ("x", "--version", "1", "--as-of",
                                                                       "2026-11-20T04:00:00+0000")]
)  # fmt: skip
def test_what_makes_no_sense_is_refused(home: Path, arguments: tuple[str, ...]) -> None:
    done = run(home, *arguments)
    assert done.exit_code == 2
    assert "Error:" in done.output
