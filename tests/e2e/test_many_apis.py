"""Four API processes on one PostgreSQL, many commands on the same few tickets: one winner per version."""

import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest

from domain.cloudevent import decode
from domain.commands import Attach
from domain.numbers import TicketNumber
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.settings import EMBEDDED, Settings
from tests.e2e.http_load import give, identity
from tests.e2e.installation import CLI, ROOT, START_SECONDS, environment
from tests.e2e.story import STEPS
from tests.journeys import ACTORS
from tests.services.clickhouse import free_port
from tests.services.postgres import fresh_database

APIS, TICKETS, CALLERS, EACH = 4, 3, 12, 15
OFFICER = ACTORS[Role.GRID_WORKER]

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


class Door(NamedTuple):
    """The four APIs, and the store behind them."""

    clients: Sequence[httpx.Client]
    parts: Installation

    def command_ids(self, number: str) -> list[UUID]:
        """Give the command of each version of a ticket, as the store has it."""
        stored = self.parts.store.stream(_stream_id(number))
        assert [event.originator_version for event in stored] == list(range(1, len(stored) + 1))
        return [decode(event.state).command_id for event in stored]


@pytest.fixture(scope="module")
def door(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home = tmp_path_factory.mktemp("apis")
    with ExitStack() as cleanup:
        url = cleanup.enter_context(fresh_database(postgres_server))
        stores = {"LIUDAN_EVENT_STORE": url, "LIUDAN_READ_STORE": url, "LIUDAN_KAFKA": EMBEDDED}
        ports = [free_port() for _ in range(APIS)]
        with (home / "said.txt").open("wb") as said:
            for port in ports:
                cleanup.callback(_end, _start(home, port, stores, said.fileno()))
        clients = [
            cleanup.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60))
            for port in ports
        ]
        for client in clients:
            _await_ready(client, home / "said.txt")
        settings = Settings.model_validate({"home": home, "event_store": url, "read_store": url})
        yield Door(clients, cleanup.enter_context(Installation(settings)))


@pytest.fixture
def numbers(door: Door) -> list[str]:
    """A few tickets that have been placed."""
    command, actor = STEPS[0]
    placed = [give(door.clients[0], command, actor, "", uuid4()) for _ in range(TICKETS)]
    return [answer.json()["number"] for answer in placed if answer is not None]


class Call(NamedTuple):
    """One command and what came of it."""

    command_id: UUID
    number: str
    expected: int | None
    answer: httpx.Response


def test_with_if_match_one_caller_wins_each_version(door: Door, numbers: list[str]) -> None:
    def call(chance: random.Random) -> Call:
        number, client = chance.choice(numbers), chance.choice(door.clients)
        seen = chance.choice(door.clients).get(f"/v1/tickets/{number}", headers=identity(OFFICER))
        version = int(seen.headers["ETag"].strip('"'))
        return _attach(client, number, version)

    calls = _many(call)
    won = [each for each in calls if each.answer.status_code == 200]
    lost = [each for each in calls if each.answer.status_code != 200]
    assert won
    assert lost, "nobody met anybody: the test shows nothing"
    assert max(Counter((each.number, each.expected) for each in won).values()) == 1
    for each in won:
        assert each.expected is not None
        assert door.command_ids(each.number)[each.expected] == each.command_id
    _only_these_are_stored(door, numbers, won)
    for each in lost:
        assert each.answer.status_code == 412
        problem = each.answer.json()
        assert problem["version"] > each.expected
        assert problem["ticket"]["number"] == each.number
        assert each.answer.headers["ETag"] == f'"{problem["version"]}"'


def test_without_if_match_every_answered_command_has_a_version_of_its_own(
    door: Door, numbers: list[str]
) -> None:
    calls = _many(lambda chance: _attach(chance.choice(door.clients), chance.choice(numbers), None))
    done = [each for each in calls if each.answer.status_code == 200]
    versions = Counter((each.number, each.answer.headers["ETag"]) for each in done)
    assert max(versions.values()) == 1
    _only_these_are_stored(door, numbers, done)
    for each in calls:
        assert each.answer.status_code in (200, 409), each.answer.text
        assert each.answer.status_code == 200 or each.answer.json()["rule"] == "version-conflict"


def test_one_idempotency_key_through_all_processes_is_one_event_and_one_answer(
    door: Door, numbers: list[str]
) -> None:
    keys = [uuid4() for _ in range(20)]
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [
            pool.submit(_attach, client, number, None, key)
            for number, key in zip(numbers * len(keys), keys, strict=False)
            for client in door.clients
        ]
    answers: dict[UUID, list[httpx.Response]] = {}
    for call in calls:
        answers.setdefault(call.result().command_id, []).append(call.result().answer)
    for key, given in answers.items():
        assert {answer.status_code for answer in given} == {200}, [answer.text for answer in given]
        assert len({(answer.headers["ETag"], answer.text) for answer in given}) == 1, key
        assert sum("Idempotent-Replay" not in answer.headers for answer in given) == 1
    stored = Counter(each for number in numbers for each in door.command_ids(number))
    assert [stored[key] for key in keys] == [1] * len(keys)


def test_one_key_places_one_ticket(door: Door) -> None:
    command, actor = STEPS[0]
    key = uuid4()
    with ThreadPoolExecutor(APIS) as pool:
        answers = list(pool.map(lambda client: give(client, command, actor, "", key), door.clients))
    found = {(answer.status_code, answer.json()["number"]) for answer in answers if answer is not None}
    assert len(found) == 1
    assert found.pop()[0] == 201


def _many(call: Callable[[random.Random], Call]) -> list[Call]:
    """Let every caller call EACH times, all at the same time."""

    def caller(seed: int) -> list[Call]:
        chance = random.Random(seed)
        return [call(chance) for _ in range(EACH)]

    with ThreadPoolExecutor(CALLERS) as pool:
        return [each for calls in pool.map(caller, range(CALLERS)) for each in calls]


def _attach(client: httpx.Client, number: str, expected: int | None, key: UUID | None = None) -> Call:
    command_id = key or uuid4()
    command = Attach(media_type="image/jpeg", sha256="0" * 64, size_bytes=1)
    condition = {} if expected is None else {"If-Match": f'"{expected}"'}
    answer = give(client, command, OFFICER, number, command_id, **condition)
    assert answer is not None
    return Call(command_id, number, expected, answer)


def _only_these_are_stored(door: Door, numbers: Sequence[str], done: Sequence[Call]) -> None:
    for number in numbers:
        stored = door.command_ids(number)[1:]
        assert sorted(stored) == sorted(each.command_id for each in done if each.number == number)


def _stream_id(number: str) -> UUID:
    return TicketNumber.parse(number).stream_id


def _start(home: Path, port: int, stores: dict[str, str], said: int) -> "subprocess.Popen[bytes]":
    command = [*CLI, "api", "--home", str(home), "--port", str(port)]
    return subprocess.Popen(command, cwd=ROOT, env=environment(**stores), stdout=said, stderr=said)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    assert process.wait(30) in (0, -15)


def _await_ready(client: httpx.Client, said: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            assert client.get("/livez").status_code == 200
        except httpx.TransportError:
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.1)
        else:
            return
