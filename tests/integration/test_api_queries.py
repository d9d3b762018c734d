"""Queries over HTTP, on a real installation: one ticket now and then, lists, and who sees what of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from api.list_views import BreachLine, TicketLine, WorkLine
from api.ticket_view import TicketView
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.settings import Settings
from tests.journeys import COUNTY, ROADS, TOWNSHIP, VILLAGE
from tests.services.door import RESIDENT, STRANGER, Door, check_problem

NEIGHBOUR = Actor("officer:neighbour", Role.COUNTY, "622902")
OTHER_VILLAGE = "622902001001"
WATER = Actor("officer:water", Role.DEPARTMENT, "dept:622901:water")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with Installation(Settings(home=tmp_path)) as installation, Door(installation) as opened:
        yield opened


def numbers(door: Door, path: str, who: Actor | Role, **params: object) -> list[str]:
    answer = door.get(path, who, params=params)
    assert answer.status_code == 200, answer.text
    return [item.get("number") or item["ticket"]["number"] for item in answer.json()["items"]]


def test_a_ticket_in_the_past(door: Door) -> None:
    number = door.walk("issue")
    address = f"/v1/tickets/{number}"
    now = TicketView.model_validate_json(door.get(address, Role.COUNTY).content)
    first = door.get(address, Role.COUNTY, params={"version": 1})
    then = TicketView.model_validate_json(first.content)
    assert (then.state, then.version, then.permitted, first.headers["etag"]) == ("placed", 1, [], '"1"')
    moment = door.get(address, Role.COUNTY, params={"as_of": then.changed_at.isoformat()})
    assert moment.json()["version"] == 1
    assert door.get(address, Role.COUNTY, params={"as_of": now.changed_at.isoformat()}).json()["version"] == 3
    before = (now.placed_at - timedelta(seconds=1)).isoformat()
    check_problem(door.get(address, Role.COUNTY, params={"as_of": before}), 404, "no-such-version")
    check_problem(door.get(address, Role.COUNTY, params={"version": 9}), 404, "no-such-version")


def test_a_replay_says_who_changed_what_and_when(door: Door) -> None:
    number = door.walk("issue")
    address = f"/v1/tickets/{number}/replay"
    history = door.get(address, Role.COUNTY).json()
    assert [(step["version"], step["zh"]) for step in history["steps"]] == [
        (1, "点单"),
        (2, "核单"),
        (3, "下单"),
    ]
    changed = {change["field"]: change["after"] for change in history["steps"][2]["changes"]}
    assert changed["state"] == "issued"
    second = history["steps"][1]
    assert door.get(address, Role.COUNTY, params={"version": 2}).json()["state"] == "verified"
    for by in ("as_of", "known_at"):
        then = door.get(address, Role.COUNTY, params={by: second["recorded_at"]}).json()
        assert then["version"] == 2
    seen = door.get(f"/v1/tickets/{number}", Role.COUNTY, params={"known_at": second["recorded_at"]}).json()
    assert seen["version"] == 2
    check_problem(door.get(address, Role.COUNTY, params={"version": 9}), 404, "no-such-version")
    both = {"version": 2, "as_of": second["recorded_at"]}
    check_problem(door.get(address, Role.COUNTY, params=both), 422, "version-and-as-of")
    stranger = Actor("stranger", Role.RESIDENT)
    assert door.get(address, stranger).status_code == 404


def test_an_unchanged_ticket_is_not_sent_again(door: Door) -> None:
    number = door.place()
    address = f"/v1/tickets/{number}"
    for seen in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = door.get(address, Role.COUNTY, headers={"If-None-Match": seen})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    door.give(number, "verify", Role.GRID_WORKER)
    assert door.get(address, Role.COUNTY, headers={"If-None-Match": '"1"'}).status_code == 200


def test_the_history_is_what_the_store_holds_byte_for_byte(door: Door) -> None:
    number = door.walk("rate")
    answer = door.get(f"/v1/tickets/{number}/events", Role.RESIDENT)
    assert answer.headers["content-type"] == "application/cloudevents-batch+json"
    stored = [event.state for event in door.installation.store.read(0, 100)]
    assert answer.content == b"[" + b",".join(stored) + b"]"
    assert [event["sequence"] for event in answer.json()] == list(range(1, len(stored) + 1))
    rest = door.get(f"/v1/tickets/{number}/events", Role.RESIDENT, params={"after": len(stored) - 1})
    assert rest.content == b"[" + stored[-1] + b"]"
    assert door.get(f"/v1/tickets/{number}/events", Role.RESIDENT, params={"after": 99}).json() == []
    missing = door.get("/v1/tickets/622901-261123-2HPQK/events", Role.COUNTY)
    check_problem(missing, 404, "not-found", "number")


def test_who_may_read_a_ticket(door: Door) -> None:
    number = door.walk("accept")
    door.give(number, "add-cohandler", Role.DEPARTMENT, {"unit": WATER.unit})
    readers: tuple[Actor | Role, ...] = (*Role, WATER)
    for who in readers:
        for path in (f"/v1/tickets/{number}", f"/v1/tickets/{number}/events"):
            assert door.get(path, who).status_code == 200
            assert door.get(path, who).headers["etag"] == '"6"'
    for path in (f"/v1/tickets/{number}", f"/v1/tickets/{number}/events", f"/v1/tickets/{number}?version=1"):
        check_problem(door.get(path, STRANGER), 404, "not-found", "number")
        check_problem(door.get(path, NEIGHBOUR), 403, "outside-region")
        police = Actor("officer:police", Role.DEPARTMENT, "dept:622901:police")
        check_problem(door.get(path, police), 403, "outside-region")


def test_a_stranger_learns_the_same_of_a_ticket_that_is_there_and_one_that_is_not(door: Door) -> None:
    number = door.place()
    there = door.get(f"/v1/tickets/{number}", STRANGER).text.replace(number, "N")
    missing = "622901-261123-2HPQK"
    assert there == door.get(f"/v1/tickets/{missing}", STRANGER).text.replace(missing, "N")


def test_lists_filter_sort_and_page(door: Door) -> None:
    placed = [door.place() for _ in range(4)]
    urgent = door.place(urgency="urgent", category="safety.gas", region=TOWNSHIP)
    dispatched = door.walk("dispatch")
    door.catch_up()
    everything = [*placed, urgent, dispatched]
    assert numbers(door, "/v1/tickets", Role.COUNTY) == everything[::-1]
    assert numbers(door, "/v1/tickets", Role.COUNTY, sort="placed_at") == everything
    assert numbers(door, "/v1/tickets", Role.COUNTY, state=["dispatched", "issued"]) == [dispatched]
    assert numbers(door, "/v1/tickets", Role.COUNTY, category="safety.gas") == [urgent]
    assert numbers(door, "/v1/tickets", Role.COUNTY, text="燃气") == [urgent]
    assert numbers(door, "/v1/tickets", Role.COUNTY, holder=ROADS, level="department") == [dispatched]
    assert len(numbers(door, "/v1/tickets", Role.COUNTY, region=VILLAGE)) == 5
    assert numbers(door, "/v1/tickets", Role.COUNTY, open=False) == []
    assert numbers(door, "/v1/tickets", Role.COUNTY, region="622902") == []
    seen: list[str] = []
    address: str | None = "/v1/tickets?limit=4&state=placed&state=dispatched"
    while address:
        page = door.get(address, Role.COUNTY).json()
        assert len(page["items"]) <= 4
        seen += [item["number"] for item in page["items"]]
        address = page["next"]
    assert seen == everything[::-1]
    for item in door.get("/v1/tickets", Role.COUNTY).json()["items"]:
        TicketLine.model_validate(item)


def test_lists_show_what_is_the_askers(door: Door) -> None:
    here, there = door.walk("dispatch"), door.place(region=OTHER_VILLAGE)
    door.catch_up()
    assert numbers(door, "/v1/tickets", Role.SYSTEM) == [there, here]
    assert numbers(door, "/v1/tickets", Role.PREFECTURE) == [there, here]
    assert numbers(door, "/v1/tickets", Role.TOWNSHIP) == [here]
    assert numbers(door, "/v1/tickets", NEIGHBOUR) == [there]
    assert numbers(door, "/v1/tickets", NEIGHBOUR, region=COUNTY) == []
    assert numbers(door, "/v1/tickets", Role.DEPARTMENT) == [here]
    assert numbers(door, "/v1/tickets", WATER) == []
    another = door.get("/v1/tickets", WATER, params={"holder": ROADS})
    check_problem(another, 403, "outside-unit", "holder")
    for path in ("/v1/tickets", "/v1/worklist", "/v1/sla/breaches", "/v1/analytics/rollup"):
        check_problem(door.get(path, RESIDENT), 403, "officers-only")
        check_problem(door.get(path, Role.DATA_PROTECTION), 403, "officers-only")
    lost = Actor("officer:lost", Role.TOWNSHIP, "somewhere")
    check_problem(door.get("/v1/tickets", lost), 403, "no-region")


def test_the_worklist_says_what_is_to_be_done_and_it_can_be(door: Door) -> None:
    number = door.walk("dispatch")
    door.catch_up()
    assert numbers(door, "/v1/worklist", Role.GRID_WORKER) == []
    answer = door.get("/v1/worklist", Role.DEPARTMENT).json()["items"]
    work = WorkLine.model_validate(answer[0])
    assert (work.ticket.number, work.because) == (number, "held")
    assert {"accept", "return", "transfer"} <= set(work.commands)
    door.give(number, "accept", Role.DEPARTMENT)


def test_breaches_are_dated_by_when_the_limit_passed(door: Door) -> None:
    number = door.walk("accept")
    door.catch_up()
    due = datetime.fromisoformat(
        door.get(f"/v1/tickets/{number}", Role.COUNTY).json()["deadlines"]["resolve_due"]
    )
    at_due = {"as_of": due.isoformat(), "clock": "resolve"}
    assert numbers(door, "/v1/sla/breaches", Role.COUNTY, **at_due) == []
    later = {"as_of": (due + timedelta(hours=1)).isoformat(), "clock": "resolve"}
    answer = door.get("/v1/sla/breaches", Role.DEPARTMENT, params=later).json()
    breach = BreachLine.model_validate(answer["items"][0])
    assert (breach.number, breach.breached_at, breach.overdue_seconds) == (number, due, 3600)
    assert breach.holder == ROADS
    assert numbers(door, "/v1/sla/breaches", NEIGHBOUR, **later) == []
    door.installation.tickets.clock = lambda: due + timedelta(hours=1)
    assert door.get(f"/v1/tickets/{number}", Role.COUNTY).json()["overdue"]
    assert door.get("/v1/tickets", Role.COUNTY).json()["items"][0]["overdue"]


def test_figures_need_clickhouse_and_say_so(door: Door) -> None:
    answer = door.get("/v1/analytics/rollup", Role.COUNTY)
    problem = check_problem(answer, 503, "unavailable")
    assert "liudan up" in str(problem["detail"])
    outside = door.get("/v1/analytics/rollup", Role.COUNTY, params={"region": "622902"})
    check_problem(outside, 403, "outside-region", "region")
    check_problem(door.get("/v1/analytics/rollup", Role.DEPARTMENT), 403, "no-region")


def test_the_catalogues_are_open_to_everybody(door: Door) -> None:
    categories = {entry["code"]: entry for entry in door.get("/v1/categories").json()}
    assert categories["safety.gas"]["zh"] == "燃气安全"
    table = {row["command"]: row for row in door.get("/v1/lifecycle").json()}
    assert "import" not in table
    assert table["verify"]["from_states"] == ["placed"]
    assert table["verify"]["by"] == ["grid_worker"]
    assert table["dispatch"]["emergency_from_states"] == ["placed", "verified"]


def test_health_names_every_part_and_what_is_wrong(door: Door) -> None:
    assert door.get("/livez").json() == {"status": "alive"}
    degraded = door.get("/readyz")
    parts = {part["part"]: part for part in degraded.json()["parts"]}
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
    assert parts["event store"]["ok"]
    assert "liudan up" in parts["clickhouse"]["problem"]
    events = door.installation.home.folder / "events.db"
    for file in events.parent.glob("events.db*"):
        file.unlink()
    events.mkdir()
    door.installation.store.close()
    away = door.get("/readyz")
    parts = {part["part"]: part for part in away.json()["parts"]}
    assert (away.status_code, away.json()["status"]) == (503, "not ready")
    assert parts["event store"]["problem"]
