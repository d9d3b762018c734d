"""A simulated day on the real command side, with a real store and a real vault."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from domain import commands as c
from domain.cloudevent import decode
from domain.errors import Conflict, Invalid, Transient
from domain.evolve import evolve
from domain.numbers import TicketNumber
from domain.regions import Region
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.simulation.run import Misplayed, SimulationResult, simulate
from infra.tickets import Answer, Request, Tickets
from infra.vault import Vault

UNTIL = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
VILLAGE = Region("622901001001")
MARKS = ("id", "recordedtime", "causationid", "correlationid")


class Recording(Tickets):
    """The command side, remembering what it was asked."""

    def __init__(self, store: EventStore, vault: Vault) -> None:
        super().__init__(store, vault)
        self.requests: list[Request] = []

    async def handle(self, request: Request) -> Answer:
        self.requests.append(request)
        return await super().handle(request)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault = Vault(tmp_path / "vault.db")
    yield vault
    vault.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    store = open_event_store(f"sqlite:///{tmp_path}/events.db")
    yield store
    store.close()


def play(tickets: Tickets, *, seed: int = 3, count: int = 150, days: int = 20) -> SimulationResult:
    return asyncio.run(simulate(tickets, seed=seed, count=count, until=UNTIL, days=days))


def histories(store: EventStore) -> dict[str, list[object]]:
    """What is stored, by ticket, without what differs from one installation to another."""
    found: dict[str, list[object]] = {}
    for notification in store.read(0, 100_000):
        event = orjson.loads(notification.state)
        data = {key: value for key, value in event["data"].items() if key not in ("sealed", "person")}
        if data["actor"]["role"] == "resident":
            data["actor"]["id"] = "somebody"
        rest = {key: value for key, value in event.items() if key not in MARKS}
        found.setdefault(event["subject"], []).append({**rest, "data": data})
    return found


def states(store: EventStore) -> dict[TicketNumber, Ticket]:
    found: dict[TicketNumber, Ticket] = {}
    for notification in store.read(0, 100_000):
        event = decode(notification.state)
        found[event.number] = evolve(found.get(event.number), event)
    return found


def test_what_is_counted_is_what_is_stored(store: EventStore, vault: Vault) -> None:
    tickets = Recording(store, vault)
    result = play(tickets)
    assert result.tickets == len(states(store)) == 150
    assert result.events == store.last_position()
    assert result.commands == len(tickets.requests)
    assert result.repeated == 0


def test_the_second_run_stores_nothing(store: EventStore, vault: Vault) -> None:
    first = play(Tickets(store, vault))
    before = store.last_position()
    again = play(Tickets(store, vault))
    assert store.last_position() == before
    assert (again.tickets, again.commands, again.events) == (first.tickets, first.commands, first.events)
    assert again.repeated == again.commands


def test_another_installation_gets_the_same_histories(
    store: EventStore, vault: Vault, tmp_path: Path
) -> None:
    play(Tickets(store, vault))
    (tmp_path / "other").mkdir()
    other = open_event_store(f"sqlite:///{tmp_path}/other/events.db")
    elsewhere = Vault(tmp_path / "other" / "vault.db")
    play(Tickets(other, elsewhere))
    assert histories(store) == histories(other)
    other.close()
    elsewhere.close()


def test_another_seed_adds_other_tickets(store: EventStore, vault: Vault) -> None:
    play(Tickets(store, vault), seed=3, count=40)
    play(Tickets(store, vault), seed=4, count=40)
    assert len(states(store)) == 80


def test_nothing_personal_is_stored_in_the_clear(store: EventStore, vault: Vault, tmp_path: Path) -> None:
    tickets = Recording(store, vault)
    play(tickets)
    store.close()
    vault.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    said: set[str] = set()
    for request in tickets.requests:
        personal = request.command.personal(request.actor.role)
        if personal is not None:
            said.update(personal.model_dump(exclude_none=True).values())
        if request.actor.role is Role.RESIDENT:
            said.add(request.actor.id)
    assert len(said) > 300
    names_of_two = {text for text in said if len(text.encode()) < 9}  # may occur by chance, and in codes
    assert [text for text in said - names_of_two if text.encode() in kept] == []


def test_an_interrupted_simulation_goes_on_where_it_was(
    store: EventStore, vault: Vault, tmp_path: Path
) -> None:
    class Watcher:
        """Takes the store away when the fifth ticket is done."""

        done = 0

        def begin(self, total: int, unit: str) -> None:
            assert (total, unit) == (150, "tickets")

        def advance(self, amount: int) -> None:
            self.done += amount
            if self.done >= 5:
                store.close()

    async def interrupted() -> None:
        await simulate(Tickets(store, vault), seed=3, count=150, until=UNTIL, days=20, progress=Watcher())

    with pytest.raises(Transient):
        asyncio.run(interrupted())
    reopened = open_event_store(f"sqlite:///{tmp_path}/events.db")
    done = reopened.last_position()
    result = play(Tickets(reopened, vault))
    assert 0 < done < result.events == reopened.last_position()
    assert 0 < result.repeated < result.commands
    assert result.tickets == len(states(reopened)) == 150
    reopened.close()


def test_a_refusal_that_was_not_expected_is_said_aloud(
    store: EventStore, vault: Vault, tmp_path: Path
) -> None:
    recorded = Recording(store, vault)
    play(recorded, count=1)
    [number] = {request.number for request in recorded.requests}
    first = recorded.requests[0]
    other = open_event_store(f"sqlite:///{tmp_path}/other.db")
    squatter = Tickets(other, vault)
    squatting = Request(first.command, first.actor, UUID(int=1), number)
    asyncio.run(squatter.handle(squatting))
    with pytest.raises(Misplayed, match=f"place by .* on {number} was refused"):
        play(squatter, count=1)
    assert other.last_position() == 1
    other.close()


def test_a_new_ticket_can_be_told_its_number_once(store: EventStore, vault: Vault) -> None:
    number = TicketNumber.compose(VILLAGE, UNTIL.date(), 1, length=6)
    place = c.Place(region=VILLAGE, category="other")
    resident = Actor("somebody", Role.RESIDENT)

    async def twice() -> None:
        tickets = Tickets(store, vault)
        answer = await tickets.handle(Request(place, resident, UUID(int=1), number))
        assert answer.ticket.number == number
        with pytest.raises(Conflict, match="exists already"):
            await tickets.handle(Request(place, resident, UUID(int=2), number))

    asyncio.run(twice())
    assert store.last_position() == 1


@pytest.mark.parametrize(
    ("count", "until", "days", "field"),
    [
        (-1, UNTIL, 1, "count"),
        (1, UNTIL, 0, "days"),
        (1, UNTIL.replace(tzinfo=None), 1, "until"),
    ],
)
def test_arguments_that_make_no_sense_are_named(
    store: EventStore, vault: Vault, count: int, until: datetime, days: int, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        asyncio.run(simulate(Tickets(store, vault), seed=1, count=count, until=until, days=days))
    assert refused.value.field == field
    assert store.last_position() == 0
