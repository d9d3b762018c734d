"""Bad input of every kind: a problem that names the field, and nothing stored."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import httpx
import orjson
import pytest

from api.request_body import MAX_BYTES
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.settings import Settings
from tests.journeys import VILLAGE
from tests.services.door import PLACE, RESIDENT, Door, check_problem, identity

JSON = {"Content-Type": "application/json"}
EXTENSION = "request-extension"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home = tmp_path_factory.mktemp("bad-input")
    with Installation(Settings(home=home)) as installation, Door(installation) as opened:
        yield opened


@pytest.fixture(scope="module")
def accepted(door: Door) -> str:
    return door.walk("accept")


def place_with(**fields: object) -> bytes:
    return orjson.dumps({**PLACE, **fields})


def place_without(field: str) -> bytes:
    return orjson.dumps({name: value for name, value in PLACE.items() if name != field})


BAD_BODIES: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "invalid", "region"),
    "not json": (b"region=622901", "bad-json", "body"),
    "cut short": (b'{"region": "622901001001"', "bad-json", "body"),
    "two documents": (b"{}{}", "bad-json", "body"),
    "not utf-8": (b'{"region": "\xff\xfe"}', "bad-json", "body"),
    "a lone surrogate": (b'{"region": "622901001001", "words": "\\ud800"}', "bad-json", "body"),
    "nested without end": (b"[" * 100_000, "bad-json", "body"),
    "a list": (b"[]", "invalid", "body"),
    "a string": (b'"622901001001"', "invalid", "body"),
    "null": (b"null", "invalid", "body"),
    "no region": (place_without("region"), "invalid", "region"),
    "a region that is none": (place_with(region="62290"), "invalid", "region"),
    "a region that is a number": (place_with(region=622901001001), "invalid", "region"),
    "a region too wide for a number": (place_with(region="62"), "region-too-wide", "region"),
    "a grid that is none": (place_with(grid="622901001001-X1"), "invalid", "grid"),
    "a grid elsewhere": (place_with(grid="622902001001-U001"), "invalid", "grid"),
    "an unknown field": (place_with(colour="red"), "invalid", "colour"),
    "an unknown category": (place_with(category="no.such"), "unknown-category", "category"),
    "a category with a blank": (place_with(category="a b"), "invalid", "category"),
    "an unknown channel": (place_with(channel="pigeon"), "invalid", "channel"),
    "an unknown urgency": (place_with(urgency="NORMAL"), "invalid", "urgency"),
    "an empty name": (place_with(name="  "), "invalid", "name"),
    "a long name": (place_with(name="马" * 201), "invalid", "name"),
    "too many words": (place_with(words="话" * 4001), "invalid", "words"),
    "words that are a list": (place_with(words=["a"]), "invalid", "words"),
    "a NUL": (place_with(words="a\0b"), "invalid", "words"),
    "an escape sequence": (place_with(name="\x1b[2J"), "invalid", "name"),
    "a backspace": (place_with(address="a\bb"), "invalid", "address"),
}
BAD_COMMANDS: dict[str, tuple[str, Role, dict[str, object], str]] = {
    "a score that is a word": ("rate", Role.RESIDENT, {"solved": True, "score": "5"}, "score"),
    "a score out of range": ("rate", Role.RESIDENT, {"solved": True, "score": 6}, "score"),
    "a broken score": ("rate", Role.RESIDENT, {"solved": True, "score": 4.5}, "score"),
    "yes for true": ("rate", Role.RESIDENT, {"solved": "yes", "score": 5}, "solved"),
    "no reason": ("reject", Role.VILLAGE, {}, "reason"),
    "another reason": ("reject", Role.VILLAGE, {"reason": "because"}, "reason"),
    "a time of no zone": (EXTENSION, Role.DEPARTMENT, {"until": "2026-12-01T18:00", "reason": "x"}, "until"),
    "a time that is a number": (EXTENSION, Role.DEPARTMENT, {"until": 1, "reason": "x"}, "until"),
    "a time that is none": (EXTENSION, Role.DEPARTMENT, {"until": "soon", "reason": "x"}, "until"),
    "a ticket that is none": ("merge", Role.TOWNSHIP, {"into": "123"}, "into"),
    "a digest that is none": ("attach", Role.DEPARTMENT,
                              {"media_type": "image/jpeg", "sha256": "abc", "size_bytes": 1}, "sha256"),
    "a size below nothing": ("attach", Role.DEPARTMENT,
                             {"media_type": "text/plain", "sha256": "0" * 64, "size_bytes": -1},
                             "size_bytes"),
    "a unit with a line break": ("add-cohandler", Role.DEPARTMENT, {"unit": "a\nb"}, "unit"),
}  # fmt: skip
BAD_QUERIES: dict[str, tuple[str, str]] = {
    "/v1/tickets?limit=0": ("invalid", "limit"),
    "/v1/tickets?limit=501": ("invalid", "limit"),
    "/v1/tickets?limit=ten": ("invalid", "limit"),
    "/v1/tickets?state=lost": ("invalid", "state.0"),
    "/v1/tickets?matter_class=": ("invalid", "matter_class"),
    "/v1/tickets?open=perhaps": ("invalid", "open"),
    "/v1/tickets?sort=random": ("invalid", "sort"),
    "/v1/tickets?overdue_at=2026-11-23T10:00:00": ("invalid", "overdue_at"),
    "/v1/tickets?text=%00": ("invalid", "text"),
    "/v1/tickets?region=Linxia": ("bad-region", "region"),
    "/v1/tickets?colour=red": ("invalid", "colour"),
    "/v1/tickets?cursor=abc": ("bad-cursor", "cursor"),
    "/v1/worklist?cursor=%F0%9F%8E%AB": ("bad-cursor", "cursor"),
    "/v1/worklist?region=6229": ("invalid", "region"),
    "/v1/sla/breaches?clock=sundial": ("invalid", "clock"),
    "/v1/sla/breaches?as_of=yesterday": ("invalid", "as_of"),
    "/v1/sla/breaches?cursor=abc": ("bad-cursor", "cursor"),
    "/v1/analytics/rollup?depth=6": ("invalid", "depth"),
    "/v1/analytics/rollup?from=2026": ("invalid", "from"),
    "/v1/analytics/rollup?from=2026-02&to=2026-01": ("bad-months", "to"),
    "/v1/analytics/rollup?region=Linxia": ("bad-region", "region"),
    "/v1/tickets/NUMBER?version=0": ("invalid", "version"),
    "/v1/tickets/NUMBER?as_of=2026-11-23": ("invalid", "as_of"),
    "/v1/tickets/NUMBER?version=1&as_of=2026-11-23T10:00:00Z": ("version-and-as-of", "as_of"),
    "/v1/tickets/NUMBER/events?after=-1": ("invalid", "after"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_stores_nothing(door: Door, name: str) -> None:
    body, rule, field = BAD_BODIES[name]
    stored = door.events_stored
    answer = door.post("/v1/tickets", Role.RESIDENT, content=body, headers=JSON)
    problem = check_problem(answer, 422, rule, field)
    if rule == "invalid":
        faults = problem["errors"]
        assert isinstance(faults, list)
        assert field in [fault["field"] for fault in faults]
        assert all(fault["message"] for fault in faults)
    assert door.events_stored == stored


@pytest.mark.parametrize("name", BAD_COMMANDS)
def test_a_bad_command_stores_nothing(door: Door, accepted: str, name: str) -> None:
    command, role, body, field = BAD_COMMANDS[name]
    stored = door.events_stored
    answer = door.post(f"/v1/tickets/{accepted}/{command}", role, json=body)
    check_problem(answer, 422, "invalid", field)
    assert door.events_stored == stored


@pytest.mark.parametrize("address", BAD_QUERIES)
def test_a_bad_query_names_its_parameter(door: Door, accepted: str, address: str) -> None:
    rule, field = BAD_QUERIES[address]
    answer = door.get(address.replace("NUMBER", accepted), Role.COUNTY)
    check_problem(answer, 422, rule, field)


def test_every_field_at_fault_is_named_at_once(door: Door) -> None:
    body = {**PLACE, "region": "1", "channel": "pigeon", "colour": "red"}
    problem = check_problem(door.post("/v1/tickets", Role.RESIDENT, json=body), 422, "invalid")
    faults = problem["errors"]
    assert isinstance(faults, list)
    assert {fault["field"] for fault in faults} == {"region", "channel", "colour"}


def test_line_breaks_and_backslashes_are_words(door: Door) -> None:
    for words in ("one\ntwo\tthree", r"C:\u0000\b is a path"):
        answer = door.post("/v1/tickets", Role.RESIDENT, json={**PLACE, "words": words})
        assert answer.status_code == 201


def test_bodies_are_bounded(door: Door) -> None:
    stored = door.events_stored
    body = place_with(words="x" * MAX_BYTES)
    check_problem(door.post("/v1/tickets", Role.RESIDENT, content=body, headers=JSON), 413, "body-too-large")

    async def chunks() -> AsyncIterator[bytes]:  # a body of unknown length
        for _ in range(40):
            yield b" " * 10_000

    answer = door.post("/v1/tickets", Role.RESIDENT, content=chunks(), headers=JSON)
    check_problem(answer, 413, "body-too-large")
    assert door.events_stored == stored


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {**JSON, "Content-Encoding": "gzip"},
    ],
)
def test_only_plain_json_is_read(door: Door, headers: dict[str, str]) -> None:
    stored = door.events_stored
    answer = door.post("/v1/tickets", Role.RESIDENT, content=orjson.dumps(PLACE), headers=headers)
    check_problem(answer, 415, "unsupported-media-type")
    assert door.events_stored == stored


def test_a_charset_does_no_harm(door: Door) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = door.post("/v1/tickets", Role.RESIDENT, content=orjson.dumps(PLACE), headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a\tb"])
def test_a_key_that_is_none(door: Door, key: str) -> None:
    answer = door.post("/v1/tickets", Role.RESIDENT, json=PLACE, headers={"Idempotency-Key": key})
    check_problem(answer, 400, "malformed-idempotency-key", "Idempotency-Key")


@pytest.mark.parametrize(
    ("method", "path", "status", "rule"),
    [
        ("GET", "/v1/nothing", 404, "no-such-page"),
        ("DELETE", "/v1/tickets", 405, "method-not-allowed"),
        ("PUT", "/v1/tickets/622901-261123-2HPQK", 405, "method-not-allowed"),
        ("GET", "/v1/tickets/622901-261123-2HPQK/verify", 405, "method-not-allowed"),
        ("POST", "/v1/tickets/622901-261123-2HPQK/import", 404, "no-such-page"),
        ("POST", "/v1/tickets/622901-261123-2HPQK/place", 404, "no-such-page"),
        ("POST", "/v1/tickets/622901-261123-2HPQK/add_cohandler", 404, "no-such-page"),
    ],
)
def test_what_does_not_exist(door: Door, method: str, path: str, status: int, rule: str) -> None:
    answer = door.ask(method, path, Role.COUNTY)
    check_problem(answer, status, rule)
    assert status != 405 or answer.headers["allow"]


ACTOR, ROLE, UNIT = "X-Liudan-Actor", "X-Liudan-Role", "X-Liudan-Unit"
IDENTITIES: dict[str, tuple[dict[str, str], str, str]] = {
    "nobody": ({}, "no-identity", ACTOR),
    "no role": ({ACTOR: "a"}, "no-identity", ACTOR),
    "an unknown role": ({ACTOR: "a", ROLE: "king"}, "bad-identity", ROLE),
    "an officer of no unit": ({ACTOR: "a", ROLE: "county"}, "bad-identity", UNIT),
    "no name": ({ACTOR: " ", ROLE: "resident"}, "bad-identity", ACTOR),
    "bytes": ({ACTOR: "%FF", ROLE: "resident"}, "bad-identity", ACTOR),
    "a line break": ({ACTOR: "a%0Ab", ROLE: "resident"}, "bad-identity", ACTOR),
    "a long name": ({ACTOR: "a" * 201, ROLE: "resident"}, "bad-identity", ACTOR),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_nobody_believable_is_asking(door: Door, accepted: str, name: str) -> None:
    headers, rule, field = IDENTITIES[name]
    stored = door.events_stored
    for answer in (
        door.post("/v1/tickets", json=PLACE, headers=headers),
        door.get(f"/v1/tickets/{accepted}", headers=headers),
        door.get("/v1/tickets", headers=headers),
    ):
        check_problem(answer, 401, rule, field)
        assert answer.headers["www-authenticate"]
    assert door.events_stored == stored


def test_the_headers_are_not_believed_unless_switched_on(tmp_path: Path) -> None:
    with (
        Installation(Settings(home=tmp_path)) as installation,
        Door(installation, dev_identity=False) as door,
    ):
        answers: list[httpx.Response] = [
            door.post("/v1/tickets", Role.SYSTEM, json=PLACE),
            door.get("/v1/tickets", Role.SYSTEM),
            door.get("/v1/worklist", Role.COUNTY),
        ]
        for answer in answers:
            problem = check_problem(answer, 401, "sign-in-required")
            assert "LIUDAN_DEV_IDENTITY=1" in str(problem["detail"])
        assert door.events_stored == 0
        for path in ("/v1/categories", "/v1/lifecycle", "/livez", "/openapi.json", "/docs"):
            assert door.get(path).status_code == 200


def test_percent_encoded_and_raw_names_are_the_same_person(door: Door) -> None:
    named = {**identity(Role.RESIDENT), "X-Liudan-Actor": RESIDENT.id}
    raw = {name.encode(): value.encode() for name, value in named.items()}
    number = door.place()
    request = door.client.build_request("GET", f"/v1/tickets/{number}", headers=raw)
    assert door.together([request])[0].status_code == 200
    assert VILLAGE in door.get(f"/v1/tickets/{number}", Role.RESIDENT).text


def test_what_nobody_expected_is_a_problem_and_its_message_is_not_logged(
    door: Door, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> datetime:
        raise RuntimeError("the input was 马小明")

    stored = door.events_stored
    monkeypatch.setattr(door.installation.tickets, "clock", broken)
    problem = check_problem(door.post("/v1/tickets", Role.RESIDENT, json=PLACE), 500, "internal-error")
    assert "马小明" not in str(problem)
    written = "".join(capsys.readouterr())
    assert "RuntimeError" in written
    assert "broken" in written
    assert "马小明" not in written
    assert door.events_stored == stored


def test_a_client_that_goes_away_in_the_middle_stores_nothing(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = door.events_stored
    door.hang_up("/v1/tickets", Role.RESIDENT, orjson.dumps(PLACE))
    assert door.events_stored == stored
    assert "unexpected" not in "".join(capsys.readouterr())
