"""The retention rules over both stores: everybody's turn comes, nobody's comes early, and nothing twice."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from domain import commands as c
from domain.numbers import TicketNumber
from domain.regions import Region
from domain.retention import parse_retention
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.cli import liudan
from infra.event_store.port import EventStore
from infra.privacy.erasures import TOPIC
from infra.privacy.retention import A_DAY, Due, Retention
from infra.privacy.retention_ledger import RetentionLedger
from infra.settings import Settings
from infra.tickets import Request, Tickets, new_event_id
from infra.vault import KeyErased, Vault
from tests.contract.event_store_fixtures import open_store, store_url
from tests.journeys import ACTORS, HAPPY_PATH, VILLAGE

__all__ = ["open_store", "store_url"]
START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
RULES = {"version": "test-1", "months": 24, "override": [{"category": "safety", "months": 36}]}


class Town:
    """A command side with a clock that is set by hand."""

    def __init__(self, store: EventStore, folder: Path) -> None:
        self.store, self.folder, self.now = store, folder, START
        self.vault = Vault(folder / "vault.db")
        self.tickets = Tickets(store, self.vault, clock=lambda: self.now)
        self.ledger = RetentionLedger(folder / "retention.db")
        self.retention = Retention(self.tickets, self.ledger, parse_retention(RULES, "test"))

    def give(self, command: c.Command, actor: Actor, number: TicketNumber | None = None) -> Ticket:
        return asyncio.run(self.tickets.handle(Request(command, actor, new_event_id(), number))).ticket

    def place(self, who: str, category: str = "roads.surface") -> Ticket:
        place = c.Place(region=VILLAGE, category=category, name="马小明", words="门口有坑")
        return self.give(place, Actor(who, Role.RESIDENT))

    def close(self, ticket: Ticket, who: str) -> Ticket:
        for command, role in HAPPY_PATH[1:]:
            actor = Actor(who, Role.RESIDENT) if role is Role.RESIDENT else ACTORS[role]
            ticket = self.give(command, actor, ticket.number)
        return ticket

    def run(self, at: datetime) -> int:
        self.now = at
        return asyncio.run(self.retention.run(at))

    def due(self, at: datetime) -> list[Due]:
        self.retention.catch_up()
        return list(self.retention.due(at))

    def is_erased(self, ticket: Ticket) -> bool:
        assert ticket.person is not None
        try:
            self.vault.ensure([ticket.person])
        except KeyErased:
            return True
        return False

    @property
    def erasures(self) -> int:
        return len(self.store.read(0, 1000, (TOPIC,)))


@pytest.fixture
def town(open_store: Callable[[], EventStore], tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as closing:
        opened = Town(open_store(), tmp_path)
        closing.callback(opened.vault.close)
        closing.callback(opened.ledger.close)
        yield opened


def test_everybodys_turn_comes_by_category_and_not_a_day_early(town: Town) -> None:
    road = town.close(town.place("ma"), "ma")
    gas = town.close(town.place("bai", "safety.gas"), "bai")
    still_open = town.place("han")
    day_before, day = datetime(2028, 1, 30, 2, tzinfo=UTC), datetime(2028, 1, 31, 3, tzinfo=UTC)

    assert [town.due(day_before), [due.tickets for due in town.due(day)]] == [[], [(road.number,)]]
    assert (town.run(day_before), town.run(day), town.run(day + A_DAY)) == (0, 1, 0)
    assert [town.is_erased(one) for one in (road, gas, still_open)] == [True, False, False]
    assert town.run(datetime(2029, 2, 1, tzinfo=UTC)) == 1
    assert [town.is_erased(one) for one in (road, gas, still_open)] == [True, True, False]
    history = asyncio.run(town.tickets.events(road.number))
    assert (history[-1].actor.id, history[-1].actor.role) == ("system:retention", Role.DATA_PROTECTION)
    assert town.erasures == 2


def test_another_matter_keeps_the_key_until_its_own_time_has_come(town: Town) -> None:
    first = town.close(town.place("ma"), "ma")
    town.now = START + timedelta(days=300)
    second = town.place("ma")
    after_first = datetime(2028, 2, 2, tzinfo=UTC)
    assert town.run(after_first) == 0
    town.now = closed_at = after_first
    town.close(second, "ma")
    assert town.run(closed_at + timedelta(days=700)) == 0
    assert not town.is_erased(first)
    assert town.run(closed_at + timedelta(days=735)) == 1
    assert town.is_erased(first)
    assert town.erasures == 2
    assert all(asyncio.run(town.tickets.get(one.number)).erased for one in (first, second))


def test_what_is_reopened_is_not_over(town: Town) -> None:
    closed = town.close(town.place("ma"), "ma")
    town.retention.catch_up()
    town.now = START + timedelta(days=2)
    town.give(c.Reopen(reason="again"), Actor("ma", Role.RESIDENT), closed.number)
    assert town.due(START + timedelta(days=4000)) == []


def test_an_import_is_erased_if_it_has_something_to_erase(town: Town) -> None:
    def brought(serial: int, address: str | None) -> Ticket:
        region = Region("us-nyc:queens")
        command = c.Import(
            origin="nyc311", source_id=str(serial), region=region, category="other", category_text="Noise",
            placed_at=START - timedelta(days=900), closed_at=START - timedelta(days=800), closed=True,
            address=address,
        )  # fmt: skip
        number = TicketNumber.compose(region, START.date(), serial)
        return self_give(command, number)

    def self_give(command: c.Command, number: TicketNumber) -> Ticket:
        return town.give(command, ACTORS[Role.SYSTEM], number)

    known, bare = brought(1, "42-18 Main Street"), brought(2, None)
    assert [due.tickets for due in town.due(START)] == [(known.number,)]
    assert town.run(START) == 1
    assert (town.is_erased(known), town.erasures, bare.erased) == (True, 1, False)


def test_cut_off_and_by_several_nothing_is_done_twice(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = [town.close(town.place(f"resident-{index}"), f"resident-{index}") for index in range(5)]
    then = START + timedelta(days=800)
    monkeypatch.setattr("infra.privacy.retention._PAGE", 3)
    assert asyncio.run(town.retention.run(then, limit=2)) == 2
    assert town.ledger.ran_at() is None
    other_ledger = RetentionLedger(town.folder / "other.db")
    other = Retention(town.tickets, other_ledger, parse_retention(RULES, "test"))
    assert asyncio.run(other.run(then)) == 3
    assert town.run(then) == 0
    assert town.erasures == 5
    assert all(town.is_erased(ticket) for ticket in tickets)
    other_ledger.close()


def test_it_is_done_once_a_day_and_first_a_day_after_it_began(town: Town) -> None:
    town.close(town.place("ma"), "ma")
    then, stop = START + timedelta(days=800), threading.Event()
    hours = (0, 1, 23, 25, 26, 49)
    erased = [asyncio.run(town.retention.run_daily(then + timedelta(hours=hour), stop)) for hour in hours]
    assert erased == [0, 0, 0, 1, 0, 0]
    assert town.ledger.ran_at() == then + timedelta(hours=49)


def test_a_ledger_of_another_store_is_made_anew(town: Town) -> None:
    closed = town.close(town.place("ma"), "ma")
    town.ledger.take_in([], 10_000)
    assert [due.tickets for due in town.due(START + timedelta(days=800))] == [(closed.number,)]


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIUDAN_HOME", str(tmp_path))
    with Installation(Settings(home=tmp_path)) as parts:
        old = c.Import(
            origin="nyc311", source_id="1", region=Region("us-nyc:queens"), category="other",
            category_text="Noise", placed_at=START, closed_at=START, closed=True, address="42-18 Main Street",
        )  # fmt: skip
        number = TicketNumber.compose(Region("us-nyc:queens"), START.date(), 1)
        request = Request(old, ACTORS[Role.SYSTEM], new_event_id(), number)
        asyncio.run(parts.tickets.handle(request))
    run = CliRunner().invoke
    dry = run(liudan, ["retention", "run", "--dry-run", "--as-of", "2029-01-01T00:00:00+0800"])
    assert orjson.loads(dry.stdout)["tickets"] == [number]
    assert run(liudan, ["retention", "run", "--as-of", "2029-01-01T00:00:00+0800"]).exit_code == 2
    assert run(liudan, ["retention", "run"]).stdout == "0 people erased\n"
    rules = tmp_path / "rules.toml"
    rules.write_text('version = "at-once"\nmonths = 0\n')
    monkeypatch.setenv("LIUDAN_RETENTION", str(rules))
    assert run(liudan, ["retention", "run"]).stdout == "1 people erased\n"
    assert orjson.loads(run(liudan, ["retention", "check"]).stdout)["version"] == "retention-1"
