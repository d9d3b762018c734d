"""A person goes through everything that runs, is erased, and is searched for in every file and store."""

import csv
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from consumers.tail import tail_log
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.clickhouse.migration_files import parameterised_views
from infra.keys.vault_file import VaultKeks, key_row
from infra.settings import LogKind
from tests.e2e.installation import Up, liudan
from tests.journeys import ACTORS, ROADS, VILLAGE
from tests.services.clickhouse import require_clickhouse
from tests.services.door import SIX_ORDERS, identity
from tests.services.kafka import require_kafka

SAMPLE = Path(__file__).parents[2] / "infra" / "samples" / "nyc311-requests.csv"
RESIDENT = Actor("wechat:zhaotiezhu-7391", Role.RESIDENT)
WHO = {
    "name": "赵铁柱独孤",
    "contact": "13977391234",
    "address": "幽冥弄堂七七三号",
    "words": "蝴蝶形的坑里有紫色水银",
}
LATER = {
    "note": "敲门时听见三只鹦鹉",
    "rating": "水银已经变成琥珀",
    "reason": "琥珀又化成了水银",
    "key": "tiezhu-key-7391",
}
IMPORTED = "77-31 BUTTERFLY-QUICKSILVER LANE"
SECRETS = (*WHO.values(), *LATER.values(), IMPORTED, RESIDENT.id)
WHY = {"purpose": "contact_resident", "why": "电话核实"}
SECONDS = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.clickhouse]


class Person(NamedTuple):
    """What the test knows of the person: their tickets, and the key that is to be gone."""

    id: UUID
    numbers: tuple[str, ...]
    key: bytes
    wrapped: bytes


@pytest.fixture(
    params=[
        pytest.param((LogKind.EMBEDDED, "sqlite"), id="sqlite-embedded"),
        pytest.param(
            (LogKind.KAFKA, "postgres"), id="postgres-kafka", marks=[pytest.mark.kafka, pytest.mark.postgres]
        ),
    ]
)
def up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Up]:
    require_clickhouse()
    log, store = request.param
    stores = {}
    if log is LogKind.KAFKA:
        require_kafka()
    if store == "postgres":
        url = request.getfixturevalue("postgres_url")
        stores = {"LIUDAN_EVENT_STORE": url, "LIUDAN_READ_STORE": url}
    with Up(tmp_path / "home", log, stores=stores) as running:
        yield running


def forms(secret: str) -> set[bytes]:
    """Give what a text may look like in a file."""
    escaped = json.dumps(secret).strip('"')
    return {
        secret.encode(),
        secret.encode("utf-16-le"),
        secret.encode("gb18030"),
        escaped.encode(),
        quote(secret).encode(),
    }


def found_in(content: bytes, needles: Sequence[str]) -> list[str]:
    return [secret for secret in needles if any(form in content for form in forms(secret))]


def test_nobody_finds_who_was_erased(up: Up, tmp_path: Path) -> None:
    with httpx.Client(base_url=up.url, timeout=30) as client:
        numbers = live(client)
        imported = bring_in(up, tmp_path)
        read_all(client, numbers[0])
        receipt = tmp_path / "receipt"
        receipt.write_text(ask(client, "GET", f"/v1/tickets/{numbers[0]}/receipt", RESIDENT).text)
        with up.parts() as parts:
            people = [known(parts, numbers), known(parts, (imported,))]
        files = dict(contents(up))
        assert all(any(person.wrapped in content for content in files.values()) for person in people)

        for number in (numbers[0], imported):
            body = {"reason": "asked"}
            ask(client, "POST", f"/v1/tickets/{number}/erase-personal-data", Role.DATA_PROTECTION, json=body)
        for number in (*numbers, imported):
            refused = client.post(
                f"/v1/tickets/{number}/unseal",
                headers=identity(Role.DATA_PROTECTION), json={"fields": ["words", "address"], **WHY},
            )  # fmt: skip
            assert (refused.status_code, refused.json()["rule"]) == (409, "personal-data-erased")
        await_everywhere(up, client, numbers[0])
        assert found_in("\n".join(everything_told(up)).encode(), SECRETS) == []
        key = tmp_path / "log.key"
        key.write_text(run(up, "audit", "key", "--home", str(up.home)).stdout)
        up.stop()

    proven = liudan("audit", "check-receipt", str(receipt), "--key", str(key))
    assert proven.returncode == 0, proven.stderr
    searched = dict(contents(up))
    assert any(str(people[0].id).encode() in content for content in searched.values()), "the search is blind"
    for path, content in searched.items():
        assert found_in(content, SECRETS) == [], path
        for person in people:
            assert person.key not in content, path
            assert person.wrapped not in content, path


def ask(client: httpx.Client, method: str, path: str, who: Actor | Role, **more: object) -> httpx.Response:
    headers = {**identity(who), **more.pop("headers", {})}  # type: ignore[dict-item] # as this test gives them
    answer = client.request(method, path, headers=headers, **more)  # type: ignore[arg-type] # httpx's keywords
    assert answer.is_success, answer.text
    return answer


def live(client: httpx.Client) -> tuple[str, ...]:
    """Take one of the person's tickets through the six orders and on; the other one stays open."""
    place = {"region": VILLAGE, "category": "roads.surface", "channel": "wechat", **WHO}
    first = ask(
        client, "POST", "/v1/tickets", RESIDENT, json=place, headers={"Idempotency-Key": LATER["key"]}
    ).json()["number"]
    second = ask(client, "POST", "/v1/tickets", RESIDENT, json=place).json()["number"]
    bodies = {
        "dispatch": {"department": ROADS},
        "accept": {"first_handler": "officer:roads"},
        "rate": {"solved": True, "score": 5, "words": LATER["rating"]},
    }
    note = {"words": LATER["note"]}
    for name, role in SIX_ORDERS:
        who = RESIDENT if role is Role.RESIDENT else ACTORS[role]
        ask(client, "POST", f"/v1/tickets/{first}/{name}", who, json=bodies.get(name, {}))
        if name == "verify":
            ask(client, "POST", f"/v1/tickets/{first}/progress", Role.GRID_WORKER, json=note)
    ask(client, "POST", f"/v1/tickets/{first}/reopen", RESIDENT, json={"reason": LATER["reason"]})
    bad = {"reason": LATER["reason"], "unknown": WHO["name"]}
    refused = client.post(f"/v1/tickets/{first}/reopen", headers=identity(RESIDENT), json=bad)
    assert refused.status_code == 422
    return first, second


def bring_in(up: Up, folder: Path) -> str:
    """Import one case of another system, with an address."""
    with SAMPLE.open(newline="") as source:
        rows = csv.DictReader(source)
        row = next(rows)
    file = folder / "case.csv"
    with file.open("w", newline="") as target:
        writer = csv.DictWriter(target, row.keys())
        writer.writeheader()
        writer.writerow({**row, "Incident Address": IMPORTED, "Status": "Closed"})
    done = run(up, "import", "--format", "nyc311", "--home", str(up.home), str(file))
    assert done.returncode == 0, done.stderr
    with up.parts() as parts:
        for item in parts.store.read(0, 10_000, ("liudan.ticket.ticket-imported.v1",)):
            return str(json.loads(item.state)["subject"])
    raise AssertionError("nothing was imported")


def run(up: Up, *arguments: str) -> subprocess.CompletedProcess[str]:
    return liudan(*arguments, seconds=120.0, **up.stores)


def read_all(client: httpx.Client, number: str) -> None:
    """Read what is sealed, by right and without."""
    body = {"fields": [*WHO, "reason"], **WHY}
    answer = ask(client, "POST", f"/v1/tickets/{number}/unseal", ACTORS[Role.GRID_WORKER], json=body)
    told = [text for event in answer.json()["events"] for text in event["fields"].values()]
    assert set(told) == {*WHO.values(), LATER["note"], LATER["rating"], LATER["reason"]}
    ask(client, "POST", f"/v1/tickets/{number}/unseal", RESIDENT, json={**body, "purpose": "own_data"})
    refused = client.post(f"/v1/tickets/{number}/unseal", headers=identity(Role.COUNTY), json=body)
    assert refused.status_code == 403


def known(parts: Installation, numbers: tuple[str, ...]) -> Person:
    person = {
        json.loads(item.state)["data"]["person"]
        for item in parts.store.read(
            0, 10_000, ("liudan.ticket.order-placed.v1", "liudan.ticket.ticket-imported.v1")
        )
        if json.loads(item.state)["subject"] in numbers
    }
    (one,) = map(UUID, person)
    reading = parts.vault._reading
    row = key_row(reading, one)
    assert row is not None
    assert row.wrapped is not None
    key = VaultKeks(parts.key_ring).unwrap(reading, one.bytes, row)
    assert key is not None
    return Person(one, numbers, key, row.wrapped)


def await_everywhere(up: Up, client: httpx.Client, number: str) -> None:
    """Wait until ClickHouse and the lists have the erasure."""
    version = ask(client, "GET", f"/v1/tickets/{number}", Role.DATA_PROTECTION).json()["version"]
    until = time.monotonic() + SECONDS
    while True:
        listed = ask(client, "GET", "/v1/tickets?region=622901&limit=500", ACTORS[Role.COUNTY]).json()[
            "items"
        ]
        rows = [row for row in analytics(up) if row[0] == number and row[1] == version]
        if rows and any((line["number"], line["version"]) == (number, version) for line in listed):
            return
        assert time.monotonic() < until, (version, listed)
        time.sleep(0.2)


def analytics(up: Up) -> list[tuple[object, ...]]:
    with up.parts() as parts, closing(parts.clickhouse()) as client:
        return [
            tuple(row)
            for row in client.query("SELECT number, sequence FROM liudan.ticket_events").result_rows
        ]


def everything_told(up: Up) -> Iterator[str]:
    """Ask every store for everything that it can tell."""
    with up.parts() as parts, closing(parts.clickhouse()) as client:
        tables = client.query("SELECT name FROM system.tables WHERE database = 'liudan'").result_rows
        assert len(tables) >= 3
        for (table,) in tables:
            moments = "(t = now(), known = now())" if f"liudan.{table}" in parameterised_views() else ""
            yield str(client.query(f"SELECT * FROM liudan.{table}{moments}").result_rows)
        for item in parts.store.read(0, 100_000):
            yield item.state.decode()
        published = list(tail_log(parts.event_log, True)(threading.Event(), False))
        assert len(published) == parts.store.count()
        yield from (value.decode() for value in published)
        with parts.reads.reading() as connection:
            for table in sa.inspect(connection).get_table_names():
                yield str(connection.execute(sa.text(f'SELECT * FROM "{table}"')).fetchall())
    exported = httpx.get(f"{up.url}/v1/audit/access", headers=identity(Role.DATA_PROTECTION))
    yield exported.text


def contents(up: Up) -> Iterator[tuple[Path, bytes]]:
    """Give every file of the installation, and of its PostgreSQL."""
    folders = [up.home]
    if url := up.stores.get("LIUDAN_EVENT_STORE"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            row = connection.execute("SHOW data_directory").fetchone()
            assert row is not None
            folders.append(Path(row[0]))
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                try:
                    yield path, path.read_bytes()
                except FileNotFoundError:  # a running server's temporary file
                    continue
