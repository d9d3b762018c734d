"""`liudan export` and `liudan sql`, over a real endpoint."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from clickhouse_connect.driver.client import Client

from domain.errors import LiudanError
from infra.cli import liudan
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint, writer

__all__ = ["endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse
PLACED = datetime(2026, 9, 28, 3, tzinfo=UTC)
COLUMNS = (
    "number", "sequence", "region", "category", "matter_class", "urgency", "channel", "state", "end",
    "origin", "placed_at", "resolve_due", "resolved_at", "closed_at", "returns", "cycle", "occurred_at",
    "recorded_at",
    "stage_entered_at", "first_handler", "source_id",
)  # fmt: skip


def _event(
    number: int, region: str, *, state: str = "closed", sequence: int = 9, day: int = 8
) -> list[object]:
    closed = PLACED + timedelta(days=day) if state == "closed" else None
    return [
        f"622901-260928-{number:05}", sequence, region, "roads.surface", "general", "normal", "wechat",
        state, "rated" if closed else "", "", PLACED, PLACED + timedelta(days=7), closed, closed, 1, 1,
        PLACED, PLACED, PLACED, "worker-7", "secret-source",
    ]  # fmt: skip


@pytest.fixture
def landed(writer: Client) -> None:
    events = [_event(n, "622901002001") for n in range(6)]
    events += [_event(10 + n, f"62290100300{n}") for n in range(5)]
    events += [_event(20, "130225100201")]
    events += [_event(30, "622901002001"), _event(30, "622901002001", state="accepted", sequence=10)]
    events += [_event(40, "622901002001", day=100)]
    writer.insert("liudan.ticket_events", events, column_names=COLUMNS)


@pytest.fixture
def run(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]  # a function
    password = endpoint.password("writer")
    monkeypatch.setenv("LIUDAN_CLICKHOUSE", f"http://writer:{password}@127.0.0.1:{endpoint.port}")
    monkeypatch.setenv("LIUDAN_CLICKHOUSE_ANALYST_PASSWORD", endpoint.password("analyst"))
    monkeypatch.setenv("LIUDAN_HOME", str(tmp_path / "home"))

    def call(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(liudan, list(arguments), input=stdin)

    return call


def _export(run, out: Path, *more: str) -> str:  # type: ignore[no-untyped-def]  # a function
    result = run(
        "export", "--from", "2026-10-01", "--to", "2026-10-31", "--out", str(out),
        *(more or ("--format", "csv")),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_closed_tickets_are_exported_and_small_cells_suppressed(run, landed: None, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "closed.csv"
    assert _export(run, out).startswith(f"11 rows in {out}, 5 of them coarsened; 1 suppressed (k = 5)")
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert sorted(row["region"] for row in rows) == ["622901002001"] * 6 + ["622901003"] * 5
    first = rows[0]
    assert (first["closed_month"], first["placed_month"], first["category_zh"]) == (
        "2026-10-01", "2026-09-01", "道路破损",
    )  # fmt: skip
    assert (first["days_to_resolve"], first["on_time"], first["returned"]) == ("8", "false", "true")
    text = out.read_text(encoding="utf-8")
    for private in ("260928", "worker-7", "secret-source", "2026-09-28"):
        assert private not in text


def test_the_package_describes_the_file(run, landed: None, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "closed.parquet"
    _export(run, out, "--format", "parquet")
    package = json.loads((tmp_path / "closed.parquet.datapackage.json").read_text(encoding="utf-8"))
    assert package["disclosure_control"]["rows_suppressed"] == 1
    resource = package["resources"][0]
    table = pq.read_table(out)
    assert [field["name"] for field in resource["schema"]["fields"]] == table.schema.names
    assert all(field["description"] for field in resource["schema"]["fields"])
    assert (resource["bytes"], table.num_rows) == (out.stat().st_size, 11)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_same_tickets_give_the_same_bytes(run, landed: None, tmp_path: Path, form: str) -> None:  # type: ignore[no-untyped-def]
    for name in ("first", "second"):
        _export(run, tmp_path / name, "--format", form)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_311_layout_is_read_by_our_own_import(run, landed: None, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "311.csv"
    _export(run, out, "--format", "csv", "--layout", "nyc311", "--k", "1")
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert {row["Complaint Type"] for row in rows} == {"Damaged road surface"}
    assert len({row["Unique Key"] for row in rows}) == len(rows) == 12
    result = run("import", str(out), "--format", "nyc311")
    assert "12 rows read: 12 imported, 0 imported before, 0 refused" in result.output


def test_a_region_and_a_period_are_chosen(run, landed: None, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert _export(run, tmp_path / "x", "--format", "csv", "--region", "6229", "--k", "1").startswith(
        "11 rows"
    )
    result = run("export", "--format", "csv", "--from", "2026-10-02", "--to", "2026-10-01", "--out", "x")
    assert isinstance(result.exception, LiudanError)


def test_sql_answers_in_three_ways(run, landed: None) -> None:  # type: ignore[no-untyped-def]
    question = "SELECT state, count() AS n, [1, 2] AS list FROM ticket_events GROUP BY state ORDER BY n"
    table = run("sql", question).output
    assert all(word in table for word in ("state", "accepted", "closed", "1, 2", "2 rows"))
    assert json.loads(run("sql", question, "--format", "jsonl").output.splitlines()[0])["n"] == 1
    rows = list(csv.reader(io.StringIO(run("sql", "-", "--format", "csv", stdin=question).output)))
    assert rows[0] == ["state", "n", "list"]
    answer = run("sql", "SELECT {r:String} AS r", "--param", "r=it's 六单", "--format", "csv")
    assert answer.output == '"r"\n"it\'s 六单"\n'


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT * FROM file('/etc/passwd')", "rule only-generators"),
        ("DROP TABLE liudan.ticket_events", "rule only-reads"),
        ("SELECT hostName()", "rule only-pure-functions"),
        ("SELECT * FROM system.processes", "rule only-open-tables"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "rule no-outfile"),
        ("SELECT 1 SETTINGS max_memory_usage = 0", "rule limits-stay"),
        ("SELECT 1 FORMAT Template", "rule known-formats"),
        ("SELECT nothing", "UNKNOWN_IDENTIFIER"),
        ("SELECT throwIf(number = 3000000, 'too far') FROM numbers(4000000)", "too far"),
    ],
)
def test_a_refused_statement_says_which_rule_it_broke(run, landed: None, statement: str, said: str) -> None:  # type: ignore[no-untyped-def]
    result = run("sql", statement, "--format", "jsonl")
    assert result.exit_code != 0
    assert isinstance(result.exception, LiudanError)
    assert said in str(result.exception)


def test_where_nothing_runs_it_says_how_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIUDAN_CLICKHOUSE", raising=False)
    result = CliRunner().invoke(liudan, ["sql", "SELECT 1", "--home", str(tmp_path)])
    assert "start it with `liudan up`" in str(result.exception)
