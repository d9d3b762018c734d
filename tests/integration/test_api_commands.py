"""Commands over HTTP, on a real installation: every one of them, once each, and who wins a race."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from api.command_examples import EXAMPLES
from api.command_routes import BY_NUMBER
from api.ticket_view import TicketView
from domain.lifecycle import LIFECYCLE
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.settings import Settings
from tests.journeys import ACTORS, ROADS, VILLAGE
from tests.services.door import PERSONAL, PLACE, RESIDENT, STRANGER, Door, check_problem

DEPARTMENT, TOWNSHIP, COUNTY = Role.DEPARTMENT, Role.TOWNSHIP, Role.COUNTY


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with Installation(Settings(home=tmp_path)) as installation, Door(installation) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home = tmp_path_factory.mktemp("shared")
    with Installation(Settings(home=home)) as installation, Door(installation) as opened:
        yield opened


@pytest.fixture
def open_door(shared_door: Door) -> Iterator[Door]:
    """A door that many tests go through, each with tickets of its own; the clock is right again after."""
    clock = shared_door.installation.tickets.clock
    yield shared_door
    shared_door.installation.tickets.clock = clock


@dataclass(frozen=True)
class Case:
    """How a ticket gets to where a command can be given, and by whom it then is."""

    upto: str
    by: Role
    before: tuple[tuple[str, Role], ...] = ()
    body: Mapping[str, object] = field(default_factory=dict)


ASKED = (("request-extension", DEPARTMENT),)
CASES: dict[str, Case] = {
    "verify": Case("place", Role.GRID_WORKER),
    "reject": Case("place", Role.VILLAGE),
    "issue": Case("verify", Role.VILLAGE),
    "dispatch": Case("issue", TOWNSHIP),
    "accept": Case("dispatch", DEPARTMENT),
    "return": Case("dispatch", DEPARTMENT),
    "transfer": Case("accept", DEPARTMENT),
    "assign": Case("accept", DEPARTMENT),
    "add-cohandler": Case("accept", DEPARTMENT),
    "progress": Case("place", Role.RESIDENT),
    "attach": Case("place", Role.RESIDENT),
    "resolve": Case("accept", DEPARTMENT),
    "rework": Case("resolve", Role.GRID_WORKER),
    "feed-back": Case("resolve", Role.GRID_WORKER),
    "rate": Case("feed-back", Role.RESIDENT),
    "lapse-rating": Case("feed-back", Role.SYSTEM),
    "reopen": Case("rate", Role.RESIDENT),
    "withdraw": Case("place", Role.RESIDENT),
    "merge": Case("place", TOWNSHIP),
    "unmerge": Case("place", TOWNSHIP, (("merge", TOWNSHIP),)),
    "request-extension": Case("accept", DEPARTMENT),
    "grant-extension": Case("accept", TOWNSHIP, ASKED),
    "refuse-extension": Case("accept", TOWNSHIP, ASKED),
    "suspend": Case("accept", TOWNSHIP),
    "resume": Case("accept", TOWNSHIP, (("suspend", TOWNSHIP),)),
    "reclassify": Case("accept", DEPARTMENT),
    "revise-deadlines": Case("accept", Role.SYSTEM),
    "urge": Case("accept", TOWNSHIP),
    "escalate": Case("accept", TOWNSHIP),
    "declare-emergency": Case("place", COUNTY),
    "stand-down": Case("place", COUNTY, (("declare-emergency", COUNTY),)),
    "log-response": Case("place", COUNTY, (("declare-emergency", COUNTY),)),
    "erase-personal-data": Case("place", Role.DATA_PROTECTION),
}


def body_of(door: Door, name: str, number: str) -> object:
    """The example's body, made to fit the ticket where it depends on it."""
    if name == "merge":
        return {"into": door.place()}
    if name == "dispatch":
        return {"department": ROADS}
    if name == "request-extension":
        due = door.get(f"/v1/tickets/{number}", DEPARTMENT).json()["deadlines"]["resolve_due"]
        return {"until": (datetime.fromisoformat(due) + timedelta(days=2)).isoformat(), "reason": "等待备件"}
    return EXAMPLES[name]


def test_every_command_of_the_table_has_a_case() -> None:
    assert set(CASES) == set(BY_NUMBER)


@pytest.mark.parametrize("name", CASES)
def test_every_command_can_be_given(open_door: Door, name: str) -> None:
    door = open_door
    case = CASES[name]
    number = door.walk(case.upto)
    for earlier, role in case.before:
        door.give(number, earlier, role, body_of(door, earlier, number))
    if name == "lapse-rating":
        later = door.installation.tickets.clock() + timedelta(days=8)
        door.installation.tickets.clock = lambda: later
    before = door.get(f"/v1/tickets/{number}", case.by).json()
    assert name in before["permitted"]
    answer = door.give(number, name, case.by, body_of(door, name, number))
    after = TicketView.model_validate_json(answer.content)
    expected = [f"liudan.ticket.{event.TYPE}.v1" for event in LIFECYCLE[BY_NUMBER[name]].events]
    events = door.get(f"/v1/tickets/{number}/events", case.by, params={"after": before["version"]}).json()
    assert [event["type"] for event in events] == expected
    assert after.version == before["version"] + len(expected)
    assert answer.headers["etag"] == f'"{after.version}"'
    assert orjson.loads(answer.content) == door.get(f"/v1/tickets/{number}", case.by).json()


def test_placing_says_where_the_ticket_is(door: Door) -> None:
    answer = door.post("/v1/tickets", Role.RESIDENT, json=PLACE)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    ticket = TicketView.model_validate_json(answer.content)
    assert answer.headers["location"] == f"/v1/tickets/{ticket.number}" == ticket.links.self
    assert (ticket.state, ticket.version, ticket.overdue) == ("placed", 1, False)
    assert ticket.permitted == ["progress", "attach", "withdraw"]
    assert door.get(answer.headers["location"], Role.RESIDENT).content == answer.content


def test_the_same_key_gives_the_same_answer_and_no_second_event(door: Door) -> None:
    for key in (str(uuid4()), "my-own-key 7", '"in quotes"'):
        headers = {"Idempotency-Key": key}
        first = door.post("/v1/tickets", Role.RESIDENT, json=PLACE, headers=headers)
        stored = door.events_stored
        again = door.post("/v1/tickets", Role.RESIDENT, json=PLACE, headers=headers)
        assert (again.status_code, again.content) == (201, first.content)
        assert "idempotent-replay" not in first.headers
        assert again.headers["idempotent-replay"] == "true"
        assert again.headers["location"] == first.headers["location"]
        other = door.post("/v1/tickets", Role.RESIDENT, json={**PLACE, "words": "else"}, headers=headers)
        check_problem(other, 422, "command-id-reused")
        assert door.events_stored == stored


def test_an_answer_is_repeated_even_when_the_ticket_has_moved_on(door: Door) -> None:
    number = door.place()
    headers = {"Idempotency-Key": str(uuid4()), "If-Match": '"1"'}
    first = door.post(f"/v1/tickets/{number}/verify", Role.GRID_WORKER, json={}, headers=headers)
    door.give(number, "issue", Role.VILLAGE)
    again = door.post(f"/v1/tickets/{number}/verify", Role.GRID_WORKER, json={}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["version"] == first.json()["version"] == 2


def test_a_key_of_words_is_each_actors_own(door: Door) -> None:
    headers = {"Idempotency-Key": "1"}
    mine = door.post("/v1/tickets", RESIDENT, json=PLACE, headers=headers)
    theirs = door.post("/v1/tickets", STRANGER, json=PLACE, headers=headers)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["number"] != theirs.json()["number"]


def test_if_match_decides_on_what_was_seen(door: Door) -> None:
    number = door.walk("verify")
    address = f"/v1/tickets/{number}/issue"
    late = door.post(address, Role.VILLAGE, json={}, headers={"If-Match": '"1"'})
    problem = check_problem(late, 412, "version-conflict")
    assert (late.headers["etag"], problem["version"]) == ('"2"', 2)
    assert TicketView.model_validate(problem["ticket"]).state == "verified"
    for header in ("2", "*, *", '"two"', 'W/"2"', '"2", "3"', '"0"'):
        answer = door.post(address, Role.VILLAGE, json={}, headers={"If-Match": header})
        check_problem(answer, 400, "malformed-if-match", "If-Match")
    assert door.events_stored == 2
    assert door.post(address, Role.VILLAGE, json={}, headers={"If-Match": '"2"'}).status_code == 200
    assert door.post(f"/v1/tickets/{number}/progress", Role.VILLAGE, json={"words": "x"},
                     headers={"If-Match": "*"}).status_code == 200  # fmt: skip


@pytest.mark.parametrize("seen", [True, False], ids=["if-match", "without"])
def test_fifty_at_once_on_one_ticket_have_one_winner_a_version(door: Door, *, seen: bool) -> None:
    number = door.walk("accept")
    headers = {"If-Match": '"5"'} if seen else {}
    answers = door.together(
        [
            door.request(
                "POST",
                f"/v1/tickets/{number}/progress",
                DEPARTMENT,
                json={"words": f"note {n}"},
                headers=headers,
            )
            for n in range(50)
        ]
    )
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    versions = Counter(answer.json()["version"] for answer in won)
    assert set(versions.values()) == {1}
    assert sorted(versions) == list(range(6, 6 + len(won)))
    assert door.get(f"/v1/tickets/{number}", DEPARTMENT).json()["version"] == 5 + len(won)
    assert len(won) == 1 if seen else won
    for answer in lost:
        problem = check_problem(answer, 412 if seen else 409, "version-conflict")
        assert isinstance(problem["version"], int)
        assert problem["version"] >= 6


def test_what_is_sealed_comes_out_nowhere(door: Door, tmp_path: Path) -> None:
    number = door.walk("rate")
    door.give(number, "reopen", Role.RESIDENT)
    door.catch_up()
    answers = [
        door.get(f"/v1/tickets/{number}", COUNTY),
        door.get(f"/v1/tickets/{number}/events", COUNTY),
        door.get("/v1/tickets", COUNTY),
        door.get("/v1/worklist", DEPARTMENT),
    ]
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (*PERSONAL.values(), RESIDENT.id, str(EXAMPLES["rate"]["words"])):
        for answer in answers:
            assert answer.status_code == 200
            assert number in answer.text
            assert secret not in answer.text
            assert orjson.dumps(secret)[1:-1] not in answer.content
        assert secret.encode() not in kept


def test_erasing_is_final(door: Door) -> None:
    number = door.place()
    door.give(number, "erase-personal-data", Role.DATA_PROTECTION)
    again = door.post(f"/v1/tickets/{number}/erase-personal-data", Role.DATA_PROTECTION, json={"reason": "x"})
    check_problem(again, 409, "nothing-to-erase")


def test_the_lifecycle_says_no_with_a_reason_of_its_own(door: Door) -> None:
    placed, accepted = door.place(), door.walk("accept")
    elsewhere = Actor("officer:other", Role.GRID_WORKER, "622902001001")
    refusals: list[tuple[str, str, Actor | Role, object, int, str, str | None]] = [
        (accepted, "verify", Role.GRID_WORKER, {}, 409, "wrong-state", None),
        (placed, "issue", Role.VILLAGE, {}, 409, "wrong-state", None),
        (placed, "verify", elsewhere, {}, 403, "outside-region", None),
        (placed, "verify", Role.COUNTY, {}, 403, "wrong-role", None),
        (accepted, "resolve", Role.VILLAGE, {}, 403, "not-the-holder", None),
        (accepted, "suspend", Role.VILLAGE, {"reason": "x"}, 403, "not-a-superior", None),
        (placed, "withdraw", STRANGER, {}, 404, "not-found", "number"),
        (placed, "verify", STRANGER, {}, 404, "not-found", "number"),
        (placed, "verify", Role.GRID_WORKER, {"category": "no.such"}, 422, "unknown-category", "category"),
        (accepted, "transfer", DEPARTMENT, {"to_unit": ROADS, "reason": "x"}, 409, "same-holder", "to_unit"),
        (placed, "merge", TOWNSHIP, {"into": placed}, 409, "merge-into-itself", "into"),
        (placed, "merge", TOWNSHIP, {"into": "622901-261123-2HPQK"}, 422, "unknown-ticket", "into"),
        (accepted, "grant-extension", TOWNSHIP, {}, 409, "no-extension-pending", None),
        (accepted, "resume", TOWNSHIP, {}, 409, "not-suspended", None),
        (placed, "stand-down", COUNTY, {}, 409, "no-emergency", None),
        ("622901-261123-2HPQK", "verify", Role.GRID_WORKER, {}, 404, "not-found", "number"),
        ("622901-261123-2HPQ2", "verify", Role.GRID_WORKER, {}, 422, "bad-ticket-number", "number"),
        ("nonsense", "verify", Role.GRID_WORKER, {}, 422, "bad-ticket-number", "number"),
    ]
    stored = door.events_stored
    for number, name, who, body, status, rule, at in refusals:
        answer = door.post(f"/v1/tickets/{number}/{name}", who, json=body)
        check_problem(answer, status, rule, at)
    assert door.events_stored == stored


def test_a_part_that_is_away_is_a_503_that_asks_to_come_back(door: Door) -> None:
    door.place()
    door.installation.store.close()
    answer = door.post("/v1/tickets", Role.RESIDENT, json=PLACE)
    check_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_numbers_are_taken_as_people_type_them(door: Door) -> None:
    number = door.place()
    answer = door.post(f"/v1/tickets/{number.lower()}/verify", Role.GRID_WORKER, json={})
    assert answer.json()["number"] == number


def test_departments_and_people_in_chinese_can_be_named_in_headers(door: Door) -> None:
    worker = Actor("网格员:马", Role.GRID_WORKER, VILLAGE)
    number = door.place(worker)
    events = door.get(f"/v1/tickets/{number}/events", worker).json()
    assert events[0]["data"]["actor"] == {"id": "网格员:马", "role": "grid_worker", "unit": VILLAGE}
    assert ACTORS[Role.GRID_WORKER].unit == VILLAGE
