"""An erasure that stands in the events is carried out, whatever was killed or restored in between."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain import commands as c
from domain.numbers import TicketNumber
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.event_store.port import EventStore
from infra.privacy.erasures import TOPIC, Erasures
from infra.tickets import Request, Tickets, new_event_id
from infra.vault import KeyErased, Vault
from tests.contract.event_store_fixtures import open_store, store_url
from tests.journeys import ACTORS, VILLAGE

__all__ = ["open_store", "store_url"]
PLACE = c.Place(region=VILLAGE, category="roads.surface", name="马小明", words="门口有坑")
ERASE = c.ErasePersonalData(reason="asked")


class Desk:
    """A command side whose vault file can be swapped under it."""

    def __init__(self, store: EventStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.vault = Vault(folder / "vault.db")

    @property
    def tickets(self) -> Tickets:
        return Tickets(self.store, self.vault)

    @property
    def erasures(self) -> Erasures:
        return Erasures(self.store, self.vault)

    def give(self, command: c.Command, actor: Actor, number: TicketNumber | None = None) -> Ticket:
        request = Request(command, actor, new_event_id(), number)
        return asyncio.run(self.tickets.handle(request)).ticket

    def place(self, who: str) -> Ticket:
        return self.give(PLACE, Actor(who, Role.RESIDENT))

    def erase(self, ticket: Ticket) -> None:
        self.give(ERASE, ACTORS[Role.DATA_PROTECTION], ticket.number)

    def is_erased(self, ticket: Ticket) -> bool:
        assert ticket.person is not None
        try:
            self.vault.ensure([ticket.person])
        except KeyErased:
            return True
        return False

    def copy_vault(self) -> Path:
        self.vault.close()
        copy = self.folder / "copy.db"
        shutil.copy(self.folder / "vault.db", copy)
        self.vault = Vault(self.folder / "vault.db")
        return copy

    def restore_vault(self, copy: Path) -> None:
        self.vault.close()
        shutil.copy(copy, self.folder / "vault.db")
        self.vault = Vault(self.folder / "vault.db")


@pytest.fixture
def desk(open_store: Callable[[], EventStore], tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as closing:
        opened = Desk(open_store(), tmp_path)
        closing.callback(lambda: opened.vault.close())
        yield opened


def test_a_crash_between_the_event_and_the_key_is_made_good(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, other = desk.place("ma"), desk.place("bai")

    def crash(_: object, __: object) -> None:
        raise ConnectionAbortedError("the process is gone")

    with monkeypatch.context() as crashing:
        crashing.setattr(Vault, "destroy", crash)
        with pytest.raises(ConnectionAbortedError):
            desk.erase(ticket)
    assert not desk.is_erased(ticket)
    assert (desk.erasures.carry_out(), desk.erasures.carry_out()) == (1, 0)
    assert (desk.is_erased(ticket), desk.is_erased(other)) == (True, False)
    assert desk.vault.erased_up_to() == desk.store.last_position()


def test_a_key_that_is_gone_before_its_event_can_still_be_erased(desk: Desk) -> None:
    ticket = desk.place("ma")
    assert ticket.person is not None
    desk.vault.destroy(ticket.person)
    desk.erase(ticket)
    assert desk.erasures.carry_out() == 1
    assert desk.is_erased(ticket)


def test_a_vault_from_a_backup_forgets_again(desk: Desk) -> None:
    early, late, kept = desk.place("ma"), desk.place("bai"), desk.place("han")
    desk.erase(early)
    desk.erasures.carry_out()
    backup = desk.copy_vault()
    desk.erase(late)
    desk.erasures.carry_out()
    desk.restore_vault(backup)
    assert not desk.is_erased(late)
    assert desk.erasures.carry_out() == 1
    assert [desk.is_erased(ticket) for ticket in (early, late, kept)] == [True, True, False]


def test_many_erasures_and_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.privacy.erasures._PAGE", 2)
    tickets = [desk.place(f"resident-{index}") for index in range(5)]
    backup = desk.copy_vault()
    for ticket in tickets[:4]:
        desk.erase(ticket)
    desk.restore_vault(backup)
    assert desk.erasures.carry_out() == 4
    assert [desk.is_erased(ticket) for ticket in tickets] == [True] * 4 + [False]
    assert [item.topic for item in desk.store.read(0, 100, (TOPIC,))] == [TOPIC] * 4


def test_beside_a_shorter_store_it_looks_from_the_beginning(desk: Desk) -> None:
    ticket = desk.place("ma")
    backup = desk.copy_vault()
    desk.erase(ticket)
    desk.restore_vault(backup)
    desk.vault.set_erased_up_to(1_000)
    assert desk.erasures.carry_out() == 1
    assert desk.is_erased(ticket)
    assert desk.vault.erased_up_to() == desk.store.last_position()
