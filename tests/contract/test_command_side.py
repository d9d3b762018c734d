"""The command side over both stores: once, in order, and never over somebody else's head."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from domain import commands as c
from domain.cloudevent import decode
from domain.errors import CommandReused, Conflict, NotFound, Refused
from domain.numbers import TicketNumber
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role, State
from infra.event_store.port import EventStore
from infra.tickets import Request, Tickets, new_event_id, utc_now
from infra.vault import KeyErased, Vault
from tests.contract.event_store_fixtures import open_store, store_url
from tests.journeys import ACTORS, HAPPY_PATH, VILLAGE

__all__ = ["open_store", "store_url"]
RESIDENT = Actor("wechat:ma-xiaoming", Role.RESIDENT)
PLACE = c.Place(
    region=VILLAGE, category="roads.surface", name="马小明", contact="13909301234", words="门口有坑"
)
Desk = Callable[[], Tickets]


@pytest.fixture
def desk(open_store: Callable[[], EventStore], tmp_path: Path) -> Iterator[Desk]:
    """Opens command sides that share one store and one vault, as several processes would."""
    with ExitStack() as closing:

        def open_desk() -> Tickets:
            store, vault = open_store(), Vault(tmp_path / "vault.db")
            closing.callback(vault.close)
            return Tickets(store, vault)

        yield open_desk


def give(
    tickets: Tickets, command: c.Command, role: Role, number: TicketNumber | None = None, **more: object
) -> Ticket:
    return asyncio.run(tickets.handle(request(command, role, number, **more))).ticket


def request(command: c.Command, role: Role, number: TicketNumber | None = None, **more: object) -> Request:
    actor = RESIDENT if role is Role.RESIDENT else ACTORS[role]
    return Request(**{"command_id": new_event_id(), **more}, command=command, actor=actor, number=number)  # type: ignore[arg-type] # the caller's keywords


def walk(tickets: Tickets, steps: int) -> Ticket:
    ticket = give(tickets, PLACE, Role.RESIDENT)
    for command, role in HAPPY_PATH[1:steps]:
        ticket = give(tickets, command, role, ticket.number)
    return ticket


def test_six_orders_then_replay_and_time_travel(desk: Desk) -> None:
    tickets = desk()
    closed = walk(tickets, len(HAPPY_PATH))
    assert closed.state is State.CLOSED
    assert asyncio.run(desk().get(closed.number)) == closed
    third = asyncio.run(tickets.get_at(closed.number, version=3))
    assert (third.state, third.version) == (State.ISSUED, 3)
    assert asyncio.run(tickets.get_at(closed.number, as_of=utc_now())) == closed
    with pytest.raises(NotFound):
        asyncio.run(tickets.get_at(closed.number, as_of=closed.placed_at - timedelta(seconds=1)))
    with pytest.raises(NotFound):
        asyncio.run(tickets.get_at(closed.number, version=99))


def test_as_it_happened_and_as_it_was_known_are_two_questions(desk: Desk) -> None:
    tickets = desk()
    yesterday = utc_now() - timedelta(days=1)
    placed = give(tickets, PLACE, Role.RESIDENT, occurred_at=yesterday)
    before = utc_now()
    told_late = yesterday + timedelta(hours=1)
    give(tickets, c.Verify(), Role.GRID_WORKER, placed.number, occurred_at=told_late)
    happened = asyncio.run(tickets.get_at(placed.number, as_of=told_late))
    known = asyncio.run(tickets.get_at(placed.number, as_of=told_late, known_at=before))
    assert (happened.version, known.version) == (2, 1)
    with pytest.raises(NotFound):
        asyncio.run(tickets.get_at(placed.number, known_at=yesterday))


def test_a_command_id_is_done_once_whoever_is_asked_again(desk: Desk) -> None:
    first, second, command_id = desk(), desk(), new_event_id()
    placed = asyncio.run(first.handle(request(PLACE, Role.RESIDENT, command_id=command_id)))
    give(second, c.Verify(), Role.GRID_WORKER, placed.ticket.number)
    for tickets in (first, second):
        again = asyncio.run(tickets.handle(request(PLACE, Role.RESIDENT, command_id=command_id)))
        assert again.repeated
        assert again.ticket == placed.ticket
    other = PLACE.model_copy(update={"category": "other"})
    with pytest.raises(CommandReused):
        asyncio.run(second.handle(request(other, Role.RESIDENT, command_id=command_id)))
    assert first.store.last_position() == 2


def test_a_repeated_command_that_the_lifecycle_would_refuse_now_is_answered(desk: Desk) -> None:
    tickets, command_id = desk(), new_event_id()
    number = walk(tickets, 1).number
    once = give(tickets, c.Verify(), Role.GRID_WORKER, number, command_id=command_id)
    give(tickets, c.Issue(), Role.VILLAGE, number)
    assert give(tickets, c.Verify(), Role.GRID_WORKER, number, command_id=command_id) == once


def test_a_stale_memory_neither_refuses_nor_overwrites(desk: Desk) -> None:
    here, there = desk(), desk()
    number = walk(here, 1).number
    give(there, c.Verify(), Role.GRID_WORKER, number)
    assert give(here, c.Issue(), Role.VILLAGE, number).version == 3
    assert give(there, c.Dispatch(department="dept:x"), Role.TOWNSHIP, number).version == 4


def test_an_expected_version_is_kept_to(desk: Desk) -> None:
    here, there = desk(), desk()
    number = walk(here, 2).number
    assert give(there, c.Issue(), Role.VILLAGE, number, expected_version=2).version == 3
    with pytest.raises(Conflict) as lost:
        give(here, c.Issue(), Role.VILLAGE, number, expected_version=2)
    assert lost.value.version == 3


def test_many_at_once_on_one_ticket_have_one_winner_a_version(desk: Desk) -> None:
    desks = [desk() for _ in range(3)]
    number = walk(desks[0], 2).number

    async def rush() -> list[int]:
        attempts = [
            desks[n % 3].handle(request(c.Progress(words=f"{n}"), Role.GRID_WORKER, number))
            for n in range(60)
        ]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        assert all(
            not isinstance(result, BaseException) or isinstance(result, Conflict) for result in results
        )
        return [result.ticket.version for result in results if not isinstance(result, BaseException)]

    won = asyncio.run(rush())
    history = asyncio.run(desks[0].history(number))
    assert len(won) == len(set(won))
    assert [event.originator_version for event in history] == list(range(1, len(won) + 3))


def test_a_merge_is_one_commit_and_can_be_undone(desk: Desk) -> None:
    tickets = desk()
    child, parent = walk(tickets, 3), walk(tickets, 3)
    merged = give(tickets, c.Merge(into=parent.number), Role.TOWNSHIP, child.number)
    assert (merged.state, merged.parent) == (State.MERGED, parent.number)
    assert asyncio.run(tickets.get(parent.number)).children == (child.number,)
    undone = give(tickets, c.Unmerge(reason="two different holes"), Role.TOWNSHIP, child.number)
    assert (undone.state, undone.parent) == (State.ISSUED, None)
    assert asyncio.run(tickets.get(parent.number)).children == ()


def test_personal_data_is_sealed_and_gone_with_its_key(desk: Desk) -> None:
    tickets = desk()
    placed = walk(tickets, 1)
    stored = asyncio.run(tickets.history(placed.number))[0].state
    for secret in ("马小明", "13909301234", "门口有坑", RESIDENT.id):
        assert secret.encode() not in stored
        assert secret not in stored.decode("unicode_escape", "ignore")
    sealed = decode(stored).payload.sealed
    assert sealed is not None
    box = base64.b64decode(sealed.box)
    opened = orjson.loads(tickets.vault.open(sealed.person, box, placed.number.encode()))
    assert opened == {"name": "马小明", "contact": "13909301234", "words": "门口有坑"}

    erased = give(tickets, c.ErasePersonalData(reason="asked for"), Role.DATA_PROTECTION, placed.number)
    assert erased.erased
    with pytest.raises(KeyErased):
        tickets.vault.open(sealed.person, box, placed.number.encode())
    with pytest.raises(Refused):
        give(tickets, c.Progress(words="more about him"), Role.GRID_WORKER, placed.number)


def test_who_was_erased_and_comes_back_is_somebody_else(desk: Desk) -> None:
    tickets, other = desk(), desk()
    before = walk(tickets, 1)
    give(tickets, c.ErasePersonalData(reason="asked"), Role.DATA_PROTECTION, before.number)
    assert give(other, PLACE.model_copy(update={"category": "other"}), Role.RESIDENT).version == 1
    again = [give(one, PLACE, Role.RESIDENT) for one in (tickets, other, desk())]

    assert len({ticket.person for ticket in again}) == 1
    assert again[0].person != before.person
    for one in (tickets, other):
        noted = give(one, c.Progress(words="还是那个坑"), Role.RESIDENT, again[0].number)
        assert noted.person == again[0].person
        with pytest.raises(Refused) as refusal:
            give(one, c.Withdraw(), Role.RESIDENT, before.number)
        assert refusal.value.rule == "not-your-ticket"

    give(tickets, c.ErasePersonalData(reason="asked"), Role.DATA_PROTECTION, again[0].number)
    third = give(tickets, PLACE, Role.RESIDENT)
    assert third.person not in (before.person, again[0].person)


def test_who_was_erased_and_places_without_a_word_is_somebody_else_too(desk: Desk) -> None:
    tickets = desk()
    bare = c.Place(region=VILLAGE, category="roads.surface")
    before = give(tickets, bare, Role.RESIDENT)
    give(tickets, c.ErasePersonalData(reason="asked"), Role.DATA_PROTECTION, before.number)
    assert give(tickets, bare, Role.RESIDENT).person != before.person


def test_a_key_of_the_callers_own_names_a_command_and_tells_nobody(desk: Desk) -> None:
    one, other = desk(), desk()
    assert one.command_id(RESIDENT, "1") == other.command_id(RESIDENT, "1")
    assert one.command_id(RESIDENT, "1") != one.command_id(RESIDENT, "2")
    assert one.command_id(RESIDENT, "1") != one.command_id(Actor("wechat:ma-daming", Role.RESIDENT), "1")


def test_a_refused_command_stores_nothing_and_its_id_stays_free(desk: Desk) -> None:
    tickets, command_id = desk(), new_event_id()
    number = walk(tickets, 1).number
    with pytest.raises(Refused):
        give(tickets, c.Issue(), Role.VILLAGE, number, command_id=command_id)
    assert tickets.store.last_position() == 1
    assert tickets.store.receipt(command_id) is None


def test_unknown_tickets_are_not_found(desk: Desk) -> None:
    nobody = TicketNumber.compose(VILLAGE, utc_now().date(), 1)
    with pytest.raises(NotFound):
        give(desk(), c.Verify(), Role.GRID_WORKER, nobody)
    with pytest.raises(NotFound):
        asyncio.run(desk().history(nobody))
    assert UUID(str(new_event_id())).version == 7
