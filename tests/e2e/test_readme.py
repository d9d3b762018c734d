"""The README shows only what works: its commands are run as they stand."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.supervisor.parts import free_port
from infra.cli import liudan

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHART = "docs/report-hot-concerns.svg"
LIUDAN = f'liudan() {{ {sys.executable} -P -m infra.cli "$@"; }}\n'


def block(name: str) -> str:
    """The shell block that follows the mark `<!-- name -->`."""
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)```", README, flags=re.DOTALL)
    assert found is not None, f"README has no block {name}"
    return found[1]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    home, port = tmp_path_factory.mktemp("home"), free_port()
    command = [sys.executable, "-m", "infra.cli", "up", "--home", str(home), "--port", str(port)]
    environment = {**os.environ, "LIUDAN_DEV_IDENTITY": "1"}
    with subprocess.Popen(
        [*command, "--log", "embedded", "--simulate", "20"], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"Serving at"):
                break
        yield home, port
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(30) == 0


def run(script: str, port: int, **variables: str) -> list[str]:
    script = script.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.clickhouse
def test_the_walk_through_all_six_orders(running: tuple[Path, int]) -> None:
    _, port = running
    answers = [json.loads(line) for line in run(block("walk"), port)]
    *_, closed, now, then, events = answers
    assert (closed["state"], closed["end"], closed["score"]) == ("closed", "rated", 5)
    assert now["version"] == closed["version"] == 9
    assert (then["state"], then["version"]) == ("dispatched", 4)
    assert [event["sequence"] for event in events] == list(range(1, 10))
    again = [json.loads(line) for line in run(block("walk").split("# 核单")[0] + 'echo "$PLACED"', port)]
    assert again[0]["number"] == closed["number"]
    assert again[0]["state"] == "placed"


@pytest.mark.clickhouse
def test_what_officers_ask(running: tuple[Path, int]) -> None:
    _, port = running
    helper = block("walk").split("# 点单")[0]
    seen: list[dict[str, list[object]]] = []
    for _ in range(50):
        seen = [json.loads(line) for line in run(helper + block("queries"), port)]
        if seen[0]["items"] and seen[3]["rows"]:
            break
        time.sleep(0.2)
    tickets, worklist, breaches, rollup = seen
    assert tickets["items"]
    assert rollup["rows"]
    assert "items" in worklist
    assert "items" in breaches


@pytest.mark.clickhouse
def test_an_analyst_asks_clickhouse(running: tuple[Path, int]) -> None:
    home, _ = running
    clickhouse = json.loads((home / "running.json").read_text())["clickhouse"]
    lines = run(block("analyst"), 0, CLICKHOUSE=clickhouse, HOME_DIR=str(home))
    assert len(lines) == 3
    assert all(re.fullmatch(r"liudan\.ticket\.[a-z-]+\.v1\t\d+", line) for line in lines)


@pytest.mark.clickhouse
def test_an_analyst_asks_on_the_command_line(running: tuple[Path, int]) -> None:
    home, port = running
    said = run(LIUDAN + block("sql"), port, LIUDAN_HOME=str(home))
    for column in ("hours_p90", "tickets", "broken"):
        assert any(column in line for line in said), said


@pytest.mark.clickhouse
def test_indicators_and_their_figures(running: tuple[Path, int]) -> None:
    home, port = running
    said = "\n".join(run(LIUDAN + block("kpi"), port, LIUDAN_HOME=str(home)))
    for name in ("结案率 Closing rate", "按期结案率 On-time rate", "在办量 Backlog"):
        assert name in said


@pytest.mark.clickhouse
def test_a_report_is_written(running: tuple[Path, int], tmp_path: Path) -> None:
    home, port = running
    report = tmp_path / "report.html"
    run(LIUDAN + block("report").replace("report.html", str(report)), port, LIUDAN_HOME=str(home))
    assert "统计分析报告" in report.read_text(encoding="utf-8")
    assert f"]({CHART})" in README
    assert (ROOT / CHART).read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.clickhouse
def test_an_auditor_goes_from_a_number_to_a_proof(running: tuple[Path, int], tmp_path: Path) -> None:
    home, port = running
    number = json.loads(run(block("walk").split("# 核单")[0] + 'echo "$PLACED"', port)[0])["number"]
    script = block("audit").replace("python3 examples", f"{sys.executable} -I {ROOT}/examples")
    here = f"cd {tmp_path}\n{LIUDAN}"
    said = run(here + script, port, NUMBER=number, LIUDAN_HOME=str(home), PYTHONPATH=str(ROOT))
    assert said[0].startswith(f"{number} version ")
    assert any(line.startswith("PROVEN: ") for line in said)
    assert sum("all as the log says" in line for line in said) == 5


@pytest.mark.clickhouse
def test_the_documentation_page_works_without_the_internet(running: tuple[Path, int]) -> None:
    _, port = running
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/docs") as response:
        page = response.read().decode()
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)


@pytest.mark.clickhouse
def test_deadlines_and_policies_explain_themselves(running: tuple[Path, int]) -> None:
    home, port = running
    number = json.loads(run(block("walk").split("# 核单")[0] + 'echo "$PLACED"', port)[0])["number"]
    mine = home / "mine.toml"
    shipped = (ROOT / "infra/policies/default.toml").read_text(encoding="utf-8")
    mine.write_text(shipped.replace('version = "default-2"', 'version = "mine-1"'), encoding="utf-8")
    script = LIUDAN + block("policy").replace("mine.toml", str(mine)) + block("deadlines")
    said = "\n".join(run(script, port, NUMBER=number, LIUDAN_HOME=str(home)))
    assert "version default-2" in said
    assert "default-2 → mine-1" in said
    assert "工作日 working day" in said or "working_hour" in said or "工作时" in said


def test_every_command_is_in_the_readme() -> None:
    missing = [name for name in liudan.list_commands(None) if f"liudan {name}" not in README]  # type: ignore[arg-type] # the context is not used
    assert not missing
