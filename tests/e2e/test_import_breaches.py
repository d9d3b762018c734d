"""What the system calls late is what the imported file itself says, row for row, through the command line."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "infra" / "samples" / "nyc311-requests.csv"
EAST = ZoneInfo("America/New_York")
BOSTON = (
    "case_enquiry_id", "open_dt", "sla_target_dt", "closed_dt", "on_time", "case_status", "type",
    "department", "neighborhood",
)  # fmt: skip
ROWS = (
    ("1", "2022-01-03 09:00:00", "2022-01-10 08:30:00", "2022-01-10 08:30:00", "ONTIME", "Closed"),
    ("2", "2022-01-03 09:00:00", "2022-01-10 08:30:00", "2022-01-10 08:30:01", "OVERDUE", "Closed"),
    ("3", "2022-01-03 09:00:00", "2022-01-10 08:30:00", "2022-01-11 10:00:00", "ONTIME", "Closed"),
    ("4", "2022-01-03 09:00:00", "2022-01-10 08:30:00", "", "OVERDUE", "Open"),
    ("5", "2022-01-20 10:00:00", "2022-06-01 08:30:00", "", "ONTIME", "Open"),
    ("6", "2022-01-04 09:00:00", "", "", "ONTIME", "Open"),
    ("7", "2022-01-04 09:00:00", "2022-01-02 09:00:00", "2022-01-05 09:00:00", "OVERDUE", "Closed"),
    ("8", "2022-01-04 09:00:00", "2022-01-06 09:00:00", "2022-01-02 09:00:00", "ONTIME", "Closed"),
)
Breach = tuple[str, datetime, datetime, datetime | None]


def liudan(home: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "infra.cli", *map(str, arguments), "--home", str(home)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def breaches(home: Path, *arguments: str) -> set[Breach]:
    rows = [
        json.loads(line)
        for line in liudan(home, "sla", "breaches", "--format", "jsonl", *arguments).splitlines()
    ]
    assert all(row["clock"] == "resolve" and row["number"] for row in rows)
    found = {
        (row["source_id"], moment(row["due_at"]), moment(row["breached_at"]), optional(row["stopped_at"]))
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def optional(text: str | None) -> datetime | None:
    return moment(text) if text else None


def late(cases: Mapping[str, Sequence[datetime | None]], as_of: datetime) -> set[Breach]:
    """By the issue's words: closed after due, or open past due as of a moment. Cases are (due, closed)."""
    return {
        (key, due, due, closed)
        for key, (due, closed) in cases.items()
        if due is not None and (closed > due if closed else as_of > due)
    }


def new_york(text: str) -> datetime | None:
    if not text:
        return None
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=EAST).astimezone(UTC)


def boston(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=EAST).astimezone(UTC) if text else None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "boston.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(BOSTON)
        writer.writerows((*row, "Parking Enforcement", "BTDT", "Back Bay") for row in ROWS)
    return path


def boston_cases() -> dict[str, tuple[datetime | None, datetime | None]]:
    return {row[0]: (boston(row[2]), boston(row[3])) for row in ROWS}


def test_new_yorks_breaches_are_those_of_the_file(tmp_path: Path) -> None:
    home, report = tmp_path / "home", tmp_path / "report.jsonl"
    said = liudan(home, "import", "--format", "nyc311", SAMPLE, "--report", report)
    assert said.splitlines() == [
        "1000 rows read: 1000 imported, 0 imported before, 0 refused; 63 with something odd",
        "what is open is known up to 2019-09-16T16:00:00Z",
    ]
    with SAMPLE.open(encoding="utf-8", newline="") as source:
        lines = list(csv.DictReader(source))
    cases = {
        line["Unique Key"]: (new_york(line["Due Date"]), new_york(line["Closed Date"])) for line in lines
    }
    happened = [new_york(line[name]) for line in lines for name in ("Created Date", "Closed Date")]
    as_of = max(when for when in happened if when is not None)
    expected = late(cases, as_of)
    assert len(expected) == 59
    assert breaches(home) == expected
    impossible = {
        line["Unique Key"]
        for line in lines
        if line["Closed Date"]
        and (new_york(line["Closed Date"]) or as_of) < (new_york(line["Created Date"]) or as_of)
    }
    found = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert {
        line["source_id"] for line in found if line["reason"] == "closed before it was opened"
    } == impossible
    assert {line["kind"] for line in found} == {"oddity"}
    liudan(home, "import", "--format", "nyc311", SAMPLE)
    assert breaches(home) == expected


def test_bostons_breaches_are_those_of_the_file(tmp_path: Path, file: Path) -> None:
    home, report = tmp_path / "home", tmp_path / "report.jsonl"
    said = liudan(home, "import", "--format", "boston311", file, "--report", report)
    assert said.splitlines()[1] == "what is open is known up to 2022-01-20T15:00:00Z"
    expected = late(boston_cases(), datetime(2022, 1, 20, 15, tzinfo=UTC))
    assert {key for key, *_ in expected} == {"2", "3", "4", "7"}
    assert breaches(home) == expected
    found = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert [
        (line["row"], line["source_id"], line["kind"], line["reason"].split(":")[0]) for line in found
    ] == [
        (3, "3", "oddity", "on-time flag contradicts the dates"),
        (7, "7", "oddity", "due before it was opened"),
        (8, "8", "oddity", "closed before it was opened"),
    ]


def test_the_moment_of_an_import_can_be_set_and_another_asked_about(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "home"
    liudan(home, "import", "--format", "boston311", file, "--as-of", "2022-06-01 08:30:01")
    later = late(boston_cases(), datetime(2022, 6, 1, 12, 30, 1, tzinfo=UTC))
    assert {key for key, *_ in later} == {"2", "3", "4", "5", "7"}
    assert breaches(home) == later
    liudan(home, "import", "--format", "boston311", file)
    assert breaches(home) == later, "a file that is older than what is known takes nothing back"
    liudan(home, "import", "--format", "boston311", file, "--as-of", "2022-01-10T13:30:00Z")
    assert {key for key, *_ in breaches(home)} == {"2", "3", "7"}
    assert breaches(home, "--as-of", "2030-01-01T00:00:00Z") == later


def test_every_origin_keeps_its_own_moment(tmp_path: Path, file: Path) -> None:
    home = tmp_path / "home"
    liudan(home, "import", "--format", "boston311", file)
    alone = breaches(home)
    liudan(home, "import", "--format", "nyc311", SAMPLE)
    both = breaches(home)
    assert alone < both
    assert len(both) == len(alone) + 59
    assert breaches(home, "--region", "us-boston") == alone
