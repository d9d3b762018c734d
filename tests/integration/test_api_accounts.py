"""A ticket's time over HTTP and on the command line: deadlines, accountability, the emergencies' log."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from domain import commands as c
from domain.accountability import Accountability
from domain.explanation import Explanation
from domain.numbers import TicketNumber
from domain.regions import Region
from domain.response_log import ResponseLog
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.cli import liudan
from infra.settings import Settings
from infra.tickets import Request, new_event_id
from tests.journeys import ACTORS, COUNTY, ROADS, VILLAGE
from tests.services.door import RESIDENT, STRANGER, Door, check_problem

MONDAY = datetime.fromisoformat("2026-11-23T09:00:00+08:00")
NEIGHBOUR = Actor("officer:neighbour", Role.COUNTY, "622902")
WATER = Actor("officer:water", Role.DEPARTMENT, "dept:622901:water")
HOUR = timedelta(hours=1)


class Clock:
    """The command side's clock; the tests move it."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(tmp_path: Path, clock: Clock) -> Iterator[Door]:
    with Installation(Settings(home=tmp_path)) as installation, Door(installation) as opened:
        installation.tickets.clock = clock
        yield opened


def late_ticket(door: Door, clock: Clock) -> str:
    """Placed and accepted on Monday at 09:00; it is due a week later, and it is the Wednesday after."""
    number = door.walk("accept")
    clock.now = datetime.fromisoformat("2026-12-02T09:00:00+08:00")
    return number


def on_the_line(door: Door, *words: str) -> Result:
    home = str(door.installation.home.folder)
    return CliRunner().invoke(liudan, [*words, "--home", home], catch_exceptions=False)


def test_the_deadlines_explain_themselves(door: Door, clock: Clock) -> None:
    number = late_ticket(door, clock)
    answer = door.get(f"/v1/tickets/{number}/deadlines", Role.RESIDENT)
    assert answer.status_code == 200
    explanation = Explanation.model_validate_json(answer.content)
    resolve = explanation.clocks[0]
    assert resolve.due_at == resolve.breached_at == MONDAY + timedelta(days=7)
    assert resolve.terms[-1].policy == "default-2"
    at_due = [line for line in resolve.lines if line.end == resolve.due_at]
    assert [line.sum_amount for line in at_due] == [5.0]
    assert explanation.version == 5
    early = door.get(f"/v1/tickets/{number}/deadlines", Role.COUNTY, params={"as_of": MONDAY.isoformat()})
    assert early.json()["clocks"][0]["breached_at"] is None
    before = (MONDAY - HOUR).isoformat()
    missing = door.get(f"/v1/tickets/{number}/deadlines", Role.COUNTY, params={"as_of": before})
    check_problem(missing, 404, "no-such-version")


def test_who_answers_for_it(door: Door, clock: Clock) -> None:
    number = late_ticket(door, clock)
    found = Accountability.model_validate_json(
        door.get(f"/v1/tickets/{number}/accountability", Role.COUNTY).content
    )
    [breach] = found.breaches
    assert (breach.unit_at_breach, breach.overdue_seconds) == (ROADS, 48 * 3600)
    assert [one.unit for one in found.first_handlers] == [ROADS]


def test_the_log_of_an_emergency(door: Door, clock: Clock) -> None:
    number = door.walk("accept")
    address = f"/v1/tickets/{number}/response-log"
    assert door.get(address, Role.COUNTY).json()["emergencies"] == []
    early = door.post(
        f"/v1/tickets/{number}/log-response", Role.COUNTY, json={"kind": "report", "words": "x"}
    )
    check_problem(early, 409, "no-emergency")
    door.give(number, "declare-emergency", Role.COUNTY)
    clock.now += HOUR
    door.give(number, "log-response", Role.DEPARTMENT, {"kind": "report", "words": "现场已封闭"})
    door.give(number, "stand-down", Role.COUNTY)
    late = door.post(f"/v1/tickets/{number}/log-response", Role.COUNTY, json={"kind": "report", "words": "x"})
    check_problem(late, 409, "emergency-over", "kind")
    door.give(number, "log-response", Role.COUNTY, {"kind": "aftermath", "words": "已清理"})
    answer = door.get(address, Role.RESIDENT)
    [emergency] = ResponseLog.model_validate_json(answer.content).emergencies
    assert [(one.kind.value, one.at) for one in emergency.entries] == [
        ("report", MONDAY + HOUR), ("aftermath", MONDAY + HOUR),
    ]  # fmt: skip
    assert "现场" not in answer.text
    events = door.get(f"/v1/tickets/{number}/events", Role.COUNTY).json()
    sealed = {event["id"]: event["data"]["sealed"] for event in events if "sealed" in event["data"]}
    assert all(str(one.event_id) in sealed for one in emergency.entries)


def test_who_may_read_an_account(door: Door, clock: Clock) -> None:
    number = late_ticket(door, clock)
    for what in ("deadlines", "accountability", "response-log"):
        path = f"/v1/tickets/{number}/{what}"
        for who in Role:
            assert door.get(path, who).status_code == 200
        check_problem(door.get(path), 401, "no-identity")
        check_problem(door.get(path, STRANGER), 404, "not-found", "number")
        check_problem(door.get(path, NEIGHBOUR), 403, "outside-region")
        check_problem(door.get(path, WATER), 403, "outside-region")
        check_problem(door.get(f"/v1/tickets/622901-261123-2HPQK/{what}", Role.COUNTY), 404, "not-found")


def test_a_month_s_broken_limits_by_unit(door: Door, clock: Clock) -> None:
    number = late_ticket(door, clock)
    door.catch_up()
    path = "/v1/sla/accountability"
    november = door.get(path, Role.COUNTY, params={"period": "2026-11"}).json()
    [line] = november["lines"]
    assert (line["unit"], line["clock"], line["breaches"], line["running"]) == (ROADS, "resolve", 1, 1)
    assert (line["overdue_seconds"], november["overdue_seconds"]) == (48 * 3600, 48 * 3600)
    assert [one["number"] for one in line["worst"]] == [number]
    assert november["period_start"] == "2026-11-01T00:00:00+08:00"
    assert door.get(path, Role.COUNTY).json()["period"] == "2026-12"
    assert door.get(path, Role.COUNTY).json()["lines"] == []
    for who, count in ((Role.VILLAGE, 1), (Role.DEPARTMENT, 1), (NEIGHBOUR, 0), (WATER, 0)):
        answer = door.get(path, who, params={"period": "2026-11"})
        assert len(answer.json()["lines"]) == count, who
    narrowed: tuple[tuple[dict[str, str | int], int], ...] = (
        ({"region": VILLAGE}, 1), ({"region": "622902"}, 0), ({"clock": "verify"}, 0),
        ({"level": "department"}, 1), ({"unit": COUNTY}, 0), ({"worst": 0}, 1),
    )  # fmt: skip
    for params, count in narrowed:
        answer = door.get(path, Role.SYSTEM, params={"period": "2026-11", **params})
        assert len(answer.json()["lines"]) == count, params
    check_problem(door.get(path, RESIDENT), 403, "officers-only")
    check_problem(door.get(path, Role.DEPARTMENT, params={"unit": COUNTY}), 403, "outside-unit", "holder")
    assert door.get(path, Role.COUNTY, params={"period": "2026-13"}).status_code == 422


def test_an_imported_case_is_judged_as_of_its_source_s_last_word(door: Door, clock: Clock) -> None:
    region = Region("us-nyc:queens:09")
    case = c.Import(
        origin="nyc311", source_id="1", region=region, category="nyc311:noise",
        category_text="Noise", agency="nyc:nypd", placed_at=MONDAY, resolve_due=MONDAY + 5 * HOUR,
    )  # fmt: skip
    number = TicketNumber.compose(region, MONDAY.date(), 7, length=8)
    wish = Request(case, ACTORS[Role.SYSTEM], new_event_id(), number=number)
    asyncio.run(door.installation.tickets.handle(wish))
    clock.now += 48 * HOUR
    path = f"/v1/tickets/{number}/accountability"
    assert len(door.get(path, Role.SYSTEM).json()["breaches"]) == 1
    door.installation.home.remember_known_until("nyc311", MONDAY + 2 * HOUR)
    assert door.get(path, Role.SYSTEM).json()["breaches"] == []
    resolve = door.get(f"/v1/tickets/{number}/deadlines", Role.SYSTEM).json()["clocks"][0]
    assert (resolve["breached_at"], resolve["zone"]) == (None, "America/New_York")
    assert [line["kind"] for line in resolve["lines"]] == ["all_hours", "all_hours"]
    asked = {"as_of": clock.now.isoformat()}
    assert len(door.get(path, Role.SYSTEM, params=asked).json()["breaches"]) == 1


def test_the_command_line_says_the_same(door: Door, clock: Clock) -> None:
    number = late_ticket(door, clock)
    moment = "2026-12-02T09:00:00+0800"
    told = on_the_line(door, "ticket", "deadlines", number, "--as-of", moment, "--json")
    answer = door.get(f"/v1/tickets/{number}/deadlines", Role.COUNTY, params={"as_of": clock.now.isoformat()})
    assert json.loads(told.stdout) == answer.json()
    one = on_the_line(door, "ticket", "deadlines", number, "--as-of", moment, "--clock", "resolve").stdout
    assert "办结 resolve · cycle 1 · due Mon 2026-11-30 09:00:00 (Asia/Shanghai) · running · BROKEN" in one
    assert "5 working days 工作日" in one
    assert "午休 break" in one
    assert "周末 weekend" in one
    assert "核单" not in one
    assert [line for line in one.splitlines() if "35:00:00" in line and " 5 " in line]
    account = on_the_line(door, "ticket", "accountability", number, "--as-of", moment)
    assert f"at department {ROADS} · not met, 48:00:00 late" in account.stdout
    assert "first handler officer:1024" in account.stdout
    data = on_the_line(door, "ticket", "accountability", number, "--as-of", moment, "--json")
    assert Accountability.model_validate_json(data.stdout).number == number


def test_the_command_line_sums_a_month(door: Door, clock: Clock) -> None:
    number = late_ticket(door, clock)
    door.give(number, "resolve", Role.DEPARTMENT)
    words = ("sla", "accountability", "--period", "2026-11", "--as-of", "2026-12-02T09:00:00+0800")
    told = on_the_line(door, *words).stdout
    assert "1 breaches in 1 lines, 48.0 h late in all" in told
    written = on_the_line(door, *words, "--json").stdout
    data = json.loads(written[written.index("\n{") :])  # the log goes elsewhere only in a real process
    assert data["lines"][0]["worst"][0]["number"] == number
