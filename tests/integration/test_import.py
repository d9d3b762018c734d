"""Importing files into a real store, with a real vault."""

import asyncio
import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.cloudevent import decode
from domain.errors import Invalid, Transient
from domain.events import TicketImported
from domain.evolve import evolve
from domain.ticket import Ticket
from domain.vocabulary import State
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.importing.formats import FORMATS
from infra.importing.report import ImportResult
from infra.importing.run import import_file
from infra.tickets import Tickets
from infra.vault import Vault

SAMPLE = Path(__file__).parents[2] / "infra" / "samples" / "nyc311-requests.csv"
NYC = ZoneInfo("America/New_York")
COLUMNS = (
    "Unique Key", "Created Date", "Closed Date", "Agency", "Complaint Type", "Status", "Borough",
    "Incident Address",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    store = open_event_store(f"sqlite:///{tmp_path}/events.db")
    yield store
    store.close()


@pytest.fixture
def tickets(store: EventStore, tmp_path: Path) -> Iterator[Tickets]:
    vault = Vault(tmp_path / "vault.db")
    yield Tickets(store, vault)
    vault.close()


def load(tickets: Tickets, path: Path, report: Path | None = None) -> ImportResult:
    return asyncio.run(import_file(tickets, path, FORMATS["nyc311"], report=report))


def file_of(folder: Path, *lines: str, header: str = ",".join(COLUMNS)) -> Path:
    path = folder / "requests.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def row(key: str, kind: str = "Noise", created: str = "06/26/2018 10:58:54 AM") -> str:
    return f"{key},{created},,NYPD,{kind},Open,QUEENS,1 Main Street"


def stored(store: EventStore) -> dict[str, tuple[Ticket, TicketImported]]:
    found = {}
    for notification in store.read(0, 10_000):
        event = decode(notification.state)
        assert isinstance(event.payload, TicketImported)
        found[event.payload.source_id] = (evolve(None, event), event.payload)
    return found


def reasons(report: Path, kind: str = "refused") -> list[tuple[int, str | None, str]]:
    lines = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert all(set(line) == {"row", "line", "source_id", "reason", "kind"} for line in lines)
    return [(line["row"], line["source_id"], line["reason"]) for line in lines if line["kind"] == kind]


def test_the_whole_sample_is_accounted_for_and_the_second_run_stores_nothing(
    tickets: Tickets, store: EventStore, tmp_path: Path
) -> None:
    first = load(tickets, SAMPLE, tmp_path / "report.jsonl")
    assert (first.read, first.imported, first.repeated, first.refused) == (1000, 1000, 0, 0)
    assert first.oddities == {
        "text was encoded twice": 56,
        "closed in spite of its status": 17,
        "closed before it was opened": 10,
    }
    assert first.known_until == datetime(2019, 9, 16, 12, tzinfo=NYC)
    assert reasons(tmp_path / "report.jsonl") == []
    odd = reasons(tmp_path / "report.jsonl", "oddity")
    found = stored(store)
    assert [row for row, _, _ in odd] == sorted(row for row, _, _ in odd)
    assert [(key, reason) for _, key, reason in odd] == [
        (key, oddity)
        for key in dict.fromkeys(key for _, key, _ in odd)
        for oddity in found[key or ""][1].oddities
    ]
    assert len(odd) == sum(len(payload.oddities) for _, payload in found.values())
    before = store.last_position()
    again = load(tickets, SAMPLE, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "report.jsonl").read_bytes()
    assert (again.read, again.imported, again.repeated, again.refused) == (1000, 0, 1000, 0)
    assert store.last_position() == before == 1000


def test_the_tickets_say_what_the_file_says(tickets: Tickets, store: EventStore) -> None:
    load(tickets, SAMPLE)
    found = stored(store)
    as_of = datetime(2026, 11, 23, tzinfo=UTC)
    late = set()
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            ticket, payload = found[line["Unique Key"]]
            assert ticket.placed_at == _moment(line["Created Date"])
            assert ticket.closed_at == _moment(line["Closed Date"])
            due = ticket.deadlines.resolve_due if ticket.deadlines else None
            assert due == _moment(line["Due Date"])
            assert (ticket.state is State.CLOSED) is bool(line["Closed Date"])
            assert payload.source_status == line["Status"]
            if due and (_moment(line["Closed Date"]) or as_of) > due:
                late.add(line["Unique Key"])
    assert {key for key, (ticket, _) in found.items() if ticket.overdue(as_of)} == late
    assert len(late) == 52 + 7  # closed after they were due, and open past it


def _moment(text: str) -> datetime | None:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=NYC) if text else None


def test_exact_addresses_are_nowhere_in_the_files(
    tickets: Tickets, store: EventStore, tmp_path: Path
) -> None:
    load(tickets, SAMPLE)
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        addresses = {line["Incident Address"] for line in csv.DictReader(file)}
    exact = [address for address in addresses if address[:1].isdigit() and " " in address]
    assert len(exact) > 500
    assert [address for address in exact if address.encode() in kept] == []


def test_every_row_that_is_not_taken_is_reported_in_order(
    tickets: Tickets, store: EventStore, tmp_path: Path
) -> None:
    path = file_of(
        tmp_path, row("1"), "2,too,short", "", row(""), row("4", created="never"), '5,"broken', row("6")
    )
    result = load(tickets, path, tmp_path / "report.jsonl")
    assert (result.read, result.imported, result.refused) == (6, 2, 4)
    assert set(stored(store)) == {"1", "6"}
    assert [(row, key) for row, key, _ in reasons(tmp_path / "report.jsonl")] == [
        (2, None),
        (3, None),
        (4, "4"),
        (5, None),
    ]
    assert [reason[:23] for _, _, reason in reasons(tmp_path / "report.jsonl")] == [
        "it has 3 cells, the hea",
        "Unique Key is empty",
        "Created Date 'never' is",
        "not a CSV record: unexp",
    ]


def test_the_first_of_two_rows_about_one_case_is_taken(
    tickets: Tickets, store: EventStore, tmp_path: Path
) -> None:
    path = file_of(tmp_path, row("1"), row("1"), row("1", kind="Graffiti"), row("1"))
    result = load(tickets, path, tmp_path / "report.jsonl")
    assert (result.imported, result.repeated, result.refused) == (1, 2, 1)
    assert stored(store)["1"][1].category == "nyc311:noise"
    [(number, key, reason)] = reasons(tmp_path / "report.jsonl")
    assert (number, key) == (3, "1")
    assert "with other content" in reason


def test_a_later_file_with_other_content_changes_nothing(
    tickets: Tickets, store: EventStore, tmp_path: Path
) -> None:
    load(tickets, file_of(tmp_path, row("1")))
    result = load(tickets, file_of(tmp_path, row("1", kind="Graffiti"), row("2")))
    assert (result.imported, result.repeated, result.refused) == (1, 0, 1)
    assert stored(store)["1"][1].category == "nyc311:noise"


def test_what_was_closed_nobody_knows_when_is_not_called_late(
    tickets: Tickets, store: EventStore, tmp_path: Path
) -> None:
    header = ",".join((*COLUMNS, "Due Date"))
    closed = row("1").replace(",Open,", ",Closed,") + ",06/27/2018 10:58:54 AM"
    load(tickets, file_of(tmp_path, closed, row("2") + ",06/27/2018 10:58:54 AM", header=header))
    found = stored(store)
    as_of = datetime(2026, 11, 23, tzinfo=UTC)
    assert [found[key][0].overdue(as_of) for key in ("1", "2")] == [False, True]


def test_further_and_repeated_columns_do_no_harm(tickets: Tickets, store: EventStore, tmp_path: Path) -> None:
    header = ",".join((*COLUMNS, "Mayor", "Status"))
    result = load(tickets, file_of(tmp_path, row("1") + ",x,Closed", header=header))
    assert result.imported == 1
    assert stored(store)["1"][0].state is State.DISPATCHED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"Unique Key,Status\n1,Open\n", "lacks the column “Created Date”, “Closed Date”"),
        (b"PK\x03\x04\x00\x00", "is not a CSV file in UTF-8"),
        ("Unique Key,Created Date\n".encode("utf-16"), "is not a CSV file in UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_refused_whole(
    tickets: Tickets, store: EventStore, tmp_path: Path, content: bytes, message: str
) -> None:
    path, report = tmp_path / "other.csv", tmp_path / "report.jsonl"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=message) as refused:
        load(tickets, path, report)
    assert refused.value.field == "file"
    assert store.last_position() == 0
    assert not report.exists()


def test_files_that_cannot_be_opened_are_named(tickets: Tickets, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"cannot read .*nowhere"):
        load(tickets, tmp_path / "nowhere.csv")
    with pytest.raises(Invalid, match="cannot read"):
        load(tickets, tmp_path)
    with pytest.raises(Invalid, match="cannot write the report"):
        load(tickets, file_of(tmp_path, row("1")), tmp_path / "no" / "folder.jsonl")


def test_a_store_that_goes_away_ends_the_import_and_the_next_run_goes_on(
    tickets: Tickets, store: EventStore, tmp_path: Path
) -> None:
    class Watcher:
        """Takes the store away when it hears that something was done."""

        def begin(self, total: int, unit: str) -> None:
            assert (total, unit) == (SAMPLE.stat().st_size, "bytes")

        def advance(self, amount: int) -> None:
            store.close()

    async def interrupted() -> None:
        await import_file(tickets, SAMPLE, FORMATS["nyc311"], progress=Watcher())

    with pytest.raises(Transient):
        asyncio.run(interrupted())
    reopened = open_event_store(f"sqlite:///{tmp_path}/events.db")
    done = reopened.last_position()
    assert 0 < done < 1000
    result = load(Tickets(reopened, tickets.vault), SAMPLE)
    assert (result.imported, result.repeated) == (1000 - done, done)
    reopened.close()
