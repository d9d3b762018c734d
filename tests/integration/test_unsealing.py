"""Reading what is sealed, over HTTP: only on record, and the record cannot be changed unnoticed."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from domain.unsealing import Purpose, SealedField
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.cli import liudan
from infra.event_store.port import StoreUnavailable
from infra.privacy.access_record import Access, AccessQuery, AccessRecord, Head, Outcome, RecordBroken
from infra.settings import Settings
from tests.services.door import PERSONAL, RESIDENT, STRANGER, Door, check_problem

WHY = {"purpose": "contact_resident", "why": "电话核实坑的具体位置"}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with Installation(Settings(home=tmp_path)) as installation, Door(installation) as opened:
        yield opened


def recorded(door: Door) -> list[tuple[str, str, str | None]]:
    lines = door.get("/v1/audit/access", Role.DATA_PROTECTION).json()["items"]
    return [(line["role"], line["outcome"], line["rule"]) for line in lines]


def test_who_may_reads_it_and_it_is_on_record(door: Door) -> None:
    number = door.walk("resolve")
    path = f"/v1/tickets/{number}/unseal"
    answer = door.post(path, Role.GRID_WORKER, json={"fields": list(PERSONAL), **WHY})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert (body["events"][0]["sequence"], body["events"][0]["type"]) == (1, "liudan.ticket.order-placed.v1")
    assert body["events"][0]["fields"] == PERSONAL

    own = door.post(path, RESIDENT, json={"fields": ["words"], "purpose": "own_data"}).json()
    assert own["events"][0]["fields"] == {"words": PERSONAL["words"]}
    page = door.get(f"/v1/audit/access?number={number}&limit=1", Role.DATA_PROTECTION).json()
    line = door.get(page["next"], Role.DATA_PROTECTION).json()["items"][0]
    assert line | {"at": ""} == {
        "sequence": 1, "at": "", "actor": "officer:grid", "role": "grid_worker", "unit": "622901001001",
        "number": number, "fields": list(PERSONAL), "outcome": "granted", "rule": None, **WHY,
    }  # fmt: skip
    record = door.installation.access_record
    assert record.verify(Head(**body["record"])) == Head(**own["record"])
    assert line["actor"] not in page["items"][0]["actor"]
    assert RESIDENT.id not in str(page)


def test_every_refused_attempt_is_on_record_too(door: Door) -> None:
    number = door.walk("verify")
    path = f"/v1/tickets/{number}/unseal"
    ask = {"fields": ["contact"], **WHY}
    check_problem(door.post(path, Role.COUNTY, json=ask), 403, "not-for-your-role")
    check_problem(
        door.post(path, STRANGER, json={"fields": ["name"], "purpose": "own_data"}), 404, "not-found"
    )
    check_problem(door.post(path, Role.GRID_WORKER, json={**ask, "why": None}), 422, "why-needed", "why")
    absent = number.replace("-", "-", 1)[:-5] + "22222"
    assert door.post(f"/v1/tickets/{absent}/unseal", Role.GRID_WORKER, json=ask).status_code in (404, 422)
    door.give(number, "erase-personal-data", Role.DATA_PROTECTION)
    check_problem(door.post(path, Role.GRID_WORKER, json=ask), 409, "personal-data-erased")
    assert recorded(door)[::-1][:3] == [
        ("county", "refused", "not-for-your-role"),
        ("resident", "refused", "not-found"),
        ("grid_worker", "refused", "why-needed"),
    ]
    assert recorded(door)[0] == ("grid_worker", "erased", "personal-data-erased")


def test_what_cannot_be_recorded_is_not_answered(door: Door) -> None:
    number = door.walk("place")
    record = door.installation.access_record
    with closing(sqlite3.connect(door.installation.home.access_record)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER no_more BEFORE INSERT ON accesses BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    answer = door.post(f"/v1/tickets/{number}/unseal", Role.GRID_WORKER, json={"fields": ["words"], **WHY})
    assert answer.status_code == 503
    assert PERSONAL["words"] not in answer.text
    assert record.head().entries == 0


def test_the_record_is_for_data_protection(door: Door) -> None:
    for who in (Role.RESIDENT, Role.COUNTY, Role.PREFECTURE, Role.SYSTEM):
        check_problem(door.get("/v1/audit/access", who), 403, "data-protection-only")


def access(index: int, at: datetime = datetime(2026, 11, 25, 8, tzinfo=UTC)) -> Access:
    return Access(
        at=at, actor=f"officer:{index % 3}", role=Role.COUNTY, unit="622901", number=f"number-{index % 5}",
        fields=(SealedField.WORDS,), purpose=Purpose.SUPERVISE, why="超期", outcome=Outcome.GRANTED,
    )  # fmt: skip


async def _fill(record: AccessRecord, count: int, first: int = 0) -> list[Head]:
    return await asyncio.gather(*(record.add(access(first + index)) for index in range(count)))


@pytest.fixture
def record(tmp_path: Path) -> Iterator[AccessRecord]:
    opened = AccessRecord(tmp_path / "access.db")
    yield opened
    opened.close()


def test_processes_share_one_chain(record: AccessRecord, tmp_path: Path) -> None:
    other = AccessRecord(tmp_path / "access.db")
    heads: list[Head] = []

    def add(which: AccessRecord, first: int) -> None:
        for index in range(20):
            heads.extend(asyncio.run(_fill(which, 5, first + index)))

    threads = [threading.Thread(target=add, args=(which, n)) for n, which in enumerate((record, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(head.entries for head in heads) == list(range(1, 201))
    for head in heads[::20]:
        assert other.verify(head).entries == 200
    other.close()


def test_pages_neither_repeat_nor_miss(record: AccessRecord) -> None:
    asyncio.run(_fill(record, 23))
    found, cursor = [], None
    while True:
        page = record.find(AccessQuery(actor="officer:1"), limit=3, cursor=cursor)
        found += [one.sequence for one in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert found == sorted(found, reverse=True)
    assert len(found) == 8
    nothing = AccessQuery(since=datetime(2026, 11, 25, 8, 1, tzinfo=UTC))
    assert record.find(nothing).items == ()


@pytest.mark.parametrize("statement", ["UPDATE accesses SET actor = 'x'", "DELETE FROM accesses"])
def test_it_is_append_only(record: AccessRecord, tmp_path: Path, statement: str) -> None:
    asyncio.run(_fill(record, 3))
    with (
        closing(sqlite3.connect(tmp_path / "access.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE accesses SET actor = 'nobody' WHERE sequence = 4", "entry 4"),
        (
            "UPDATE accesses SET entry = CAST(replace(entry, '622901', '622902') AS BLOB) WHERE sequence = 4",
            "entry 4",
        ),
        ("DELETE FROM accesses WHERE sequence = 4", "entry 4"),
        ("DELETE FROM accesses WHERE sequence > 8", "seen"),
        ("DELETE FROM accesses", "seen"),
    ],
)
def test_whoever_takes_the_triggers_off_is_found_out(
    record: AccessRecord, tmp_path: Path, statement: str, found: str
) -> None:
    seen = asyncio.run(_fill(record, 10))[-1]
    with closing(sqlite3.connect(tmp_path / "access.db")) as connection, connection:
        connection.execute("DROP TRIGGER accesses_refuse_update")
        connection.execute("DROP TRIGGER accesses_refuse_delete")
        connection.execute(statement)
    with pytest.raises(RecordBroken, match=found):
        record.verify(seen)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIUDAN_HOME", str(tmp_path))
    with closing(AccessRecord(tmp_path / "access.db")) as record:
        head = asyncio.run(_fill(record, 12))[-1]
    run = CliRunner().invoke
    lines = run(liudan, ["audit", "access", "--actor", "officer:1", "--limit", "2"]).stdout.splitlines()
    assert [orjson.loads(line)["sequence"] for line in lines] == [11, 8]
    whole = run(liudan, ["audit", "access", "--head", f"{head.entries}:{head.chain}"])
    assert whole.exit_code == 0
    assert f"head 12:{head.chain}" in whole.stderr
    cut = run(liudan, ["audit", "access", "--head", f"13:{head.chain}"])
    assert cut.exit_code != 0
    status = orjson.loads(run(liudan, ["vault", "status"]).stdout)
    assert status["access_record"] == {"entries": 12, "chain": head.chain}


def test_a_closed_record_says_so(record: AccessRecord) -> None:
    record.close()
    with pytest.raises(StoreUnavailable):
        asyncio.run(_fill(record, 1))
