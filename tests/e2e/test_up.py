"""`liudan up` as a user meets it: one command, one line of figures, the same again when started again."""

import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import httpx
import orjson
import pytest

from domain.vocabulary import Role
from infra.settings import LogKind
from tests.e2e.installation import END_SECONDS, ROOT, Up, liudan
from tests.e2e.process_tree import await_end, await_part, below, kill
from tests.services.clickhouse import require_clickhouse
from tests.services.door import PLACE, identity
from tests.services.kafka import require_kafka

SAMPLE = ROOT / "infra" / "samples" / "nyc311-requests.csv"
BRINGS = ("--sample", str(SAMPLE), "--simulate", "50")
KEYS = ["log", "imported", "refused", "tickets", "events", "state_rows", "clickhouse_events", "breaches",
        "dead_letters", "elapsed_seconds"]  # fmt: skip
UNCHANGED = [
    "log",
    "imported",
    "refused",
    "tickets",
    "state_rows",
    "dead_letters",
]
"""Events are added whenever a deadline passes: what is late is escalated."""
ON_BOTH_LOGS = [LogKind.EMBEDDED, pytest.param(LogKind.KAFKA, marks=pytest.mark.kafka)]

pytestmark = [pytest.mark.slow, pytest.mark.clickhouse]


class FirstRun(NamedTuple):
    """A home in which `up` has run to its end, and what it said."""

    home: Path
    log: LogKind
    code: int
    printed: str
    said: str

    @property
    def figures(self) -> Mapping[str, object]:
        figures: Mapping[str, object] = orjson.loads(self.printed.splitlines()[-1])
        return figures


@pytest.fixture(scope="module", params=ON_BOTH_LOGS)
def first_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    require_clickhouse()
    log: LogKind = request.param
    if log is LogKind.KAFKA:
        require_kafka()
    home = tmp_path_factory.mktemp("up") / "home"
    done = liudan(
        "up", "--home", str(home), "--port", "0", "--log", log, *BRINGS, "--exit-when-done", "--json"
    )
    return FirstRun(home, log, done.returncode, done.stdout, done.stderr)


@pytest.fixture
def stopped_home(first_run: FirstRun, tmp_path: Path) -> Path:
    """A copy of the home without anything running on it, nor the broker's and ClickHouse's data."""
    return shutil.copytree(
        first_run.home, tmp_path / "copy", ignore=shutil.ignore_patterns("kafka", "clickhouse", "read.db*")
    )


def test_it_ends_with_one_json_object_whose_figures_agree(first_run: FirstRun) -> None:
    assert first_run.code == 0, first_run.said
    figures = first_run.figures
    assert list(figures) == KEYS
    assert figures["log"] == first_run.log
    assert (figures["imported"], figures["refused"], figures["dead_letters"]) == (1000, 0, 0)
    assert figures["tickets"] == figures["state_rows"] == 1050
    assert figures["events"] == figures["clickhouse_events"]
    assert isinstance(figures["breaches"], int)
    assert figures["breaches"] > 0
    assert ("Kafka broker" if first_run.log is LogKind.KAFKA else "embedded log") in first_run.said


def test_started_again_it_is_the_same_and_other_commands_work_beside_it(
    first_run: FirstRun, tmp_path: Path
) -> None:
    home = str(first_run.home)
    with Up(first_run.home, first_run.log, *BRINGS) as up:
        again = up.result()
        assert {key: again[key] for key in UNCHANGED} == {key: first_run.figures[key] for key in UNCHANGED}
        _other_commands_work(home, first_run)
        _a_second_one_is_refused(home)
        assert up.stop(signal.SIGINT) == 0


def _other_commands_work(home: str, first_run: FirstRun) -> None:
    events = [orjson.loads(line) for line in _printed("tail", "--no-follow", "--from-start", "--home", home)]
    found = first_run.figures["events"]
    assert isinstance(found, int)
    assert len(events) == len({event["id"] for event in events}) >= found
    imported = _printed("import", "--format", "nyc311", str(SAMPLE), "--home", home)
    assert imported[0].startswith("1000 rows read: 0 imported, 1000 imported before, 0 refused")
    breaches = _printed("sla", "breaches", "--format", "jsonl", "--home", home)
    found = first_run.figures["breaches"]
    assert isinstance(found, int)
    assert len(breaches) >= found
    assert _printed("ticket", "history", events[0]["subject"], "--home", home)
    assert orjson.loads("".join(_printed("config", "--home", home)))["log"] == first_run.log


def _a_second_one_is_refused(home: str) -> None:
    second = liudan("up", "--home", home, "--port", "0")
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1, second.stderr


def test_the_same_commands_work_where_nothing_runs(first_run: FirstRun, stopped_home: Path) -> None:
    _other_commands_work(str(stopped_home), first_run)


def test_a_home_stays_with_its_log(first_run: FirstRun, stopped_home: Path) -> None:
    other = LogKind.KAFKA if first_run.log is LogKind.EMBEDDED else LogKind.EMBEDDED
    if other is LogKind.KAFKA:
        require_kafka()
    done = liudan("up", "--home", str(stopped_home), "--port", "0", "--log", other)
    assert done.returncode == 1
    assert f"go on with --log {first_run.log}" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_the_import_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    require_clickhouse()
    with Up(tmp_path / "home", LogKind.EMBEDDED, *BRINGS) as up:
        assert up.stop(number) in (0, 1)


@pytest.mark.kafka
def test_a_part_that_is_killed_while_it_starts_is_started_again(tmp_path: Path) -> None:
    require_kafka()
    up = Up(tmp_path / "home", LogKind.KAFKA)
    up.begin()
    try:
        for part in ("kafka", "clickhouse"):
            kill(await_part(up.pid, part))
        assert up.result()["log"] == "kafka"
        assert up.stop() == 0
    finally:
        if up.is_running():
            up.kill()


@pytest.mark.kafka
def test_kill_9_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    require_kafka()
    up = Up(tmp_path / "home", LogKind.KAFKA)
    up.begin()
    try:
        await_part(up.pid, "kafka")
    finally:
        children = below(up.pid)
        up.kill()
    assert len(children) >= 2
    await_end(children, END_SECONDS)


def test_every_part_that_is_killed_comes_back(tmp_path: Path) -> None:
    require_clickhouse()
    with Up(tmp_path / "home", LogKind.EMBEDDED) as up:
        up.result()
        for part in ("api", "project", "watch", "clickhouse", "api"):
            before = await_part(up.pid, part)
            kill(before)
            await_end({before}, END_SECONDS)
            assert await_part(up.pid, part) != before
        assert up.stop() == 0


def test_it_comes_up_while_people_use_it_already(tmp_path: Path) -> None:
    require_clickhouse()
    with (
        Up(tmp_path / "home", LogKind.EMBEDDED, as_json=False) as up,
        httpx.Client(base_url=up.url) as client,
    ):
        until = time.monotonic() + END_SECONDS
        while "until Ctrl-C" not in up.printed():
            assert up.is_running()
            assert time.monotonic() < until, up.printed()
            client.post("/v1/tickets", headers=identity(Role.RESIDENT), json=PLACE).raise_for_status()
        assert "A receipt, checked:" in up.printed()
        assert up.stop() == 0


def _printed(*arguments: str) -> list[str]:
    done = liudan(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
