"""A town whose time is told by the test: a store, a read store, a log, and the watch on its deadlines."""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from consumers.sla_watch.watch import SlaWatch, WatchSettings
from domain import commands as c
from domain.numbers import TicketNumber
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.entropy import ENTROPY
from infra.event_log.embedded import EmbeddedEventLog
from infra.event_log.port import SLA_TOPIC, EventLog, LogRecord
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.read_store.announcement_rows import Announced, AnnouncementRows
from infra.read_store.open import ReadStore, open_read_store
from infra.tickets import Request, Tickets, new_event_id
from infra.vault import Vault
from tests.journeys import ACTORS, HAPPY_PATH, START

RESIDENT = Actor("wechat:ma-xiaoming", Role.RESIDENT)


@dataclass
class Hands:
    """A clock's hands."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def turn(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Town:
    """Give commands, turn the hands, look."""

    store_url: str
    folder: Path
    hands: Hands = field(default_factory=Hands)
    known_until: dict[str, datetime] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._closing = ExitStack()
        self.store: EventStore = open_event_store(self.store_url)
        self._closing.callback(self.store.close)
        self.vault = Vault(self.folder / "vault.db")
        self._closing.callback(self.vault.close)
        self.log: EventLog = EmbeddedEventLog(self.store, self.folder)
        self._closing.callback(self.log.close)
        self.tickets = Tickets(self.store, self.vault, clock=self.hands)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def reads(self, url: str) -> ReadStore:
        """Open a read store of its own."""
        store = open_read_store(url)
        self._closing.callback(store.close)
        return store

    def watch(self, reads: ReadStore, log: EventLog | None = None, timers: int = 1000) -> SlaWatch:
        settings = WatchSettings(pause=0.0, rest_seconds=0.0, timers=timers, commands=16)
        return SlaWatch(
            self.store,
            reads,
            log or self.log,
            self.tickets,
            known_until=lambda: self.known_until,
            settings=settings,
        )

    def give(
        self,
        command: c.Command,
        role: Role,
        number: TicketNumber | None = None,
        after: timedelta = timedelta(),
    ) -> Ticket:
        self.hands.turn(after)
        actor = RESIDENT if role is Role.RESIDENT else ACTORS[role]
        if isinstance(command, c.Import):
            number = TicketNumber.mint(command.region, self.hands.now.date(), ENTROPY.below)
        request = Request(command, actor, new_event_id(), number)
        return asyncio.run(self.tickets.handle(request)).ticket

    def walk(self, steps: int, every: timedelta = timedelta(minutes=10)) -> Ticket:
        """A new ticket that goes the first steps of the happy path."""
        ticket = self.give(*HAPPY_PATH[0])
        for command, role in HAPPY_PATH[1:steps]:
            ticket = self.give(command, role, ticket.number, every)
        return ticket


def look(watch: SlaWatch) -> int:
    """Tick until there is nothing more to do; give how many ticks did something."""

    async def all_ticks() -> int:
        count = 0
        while await watch.tick():
            count += 1
        return count

    return asyncio.run(all_ticks())


def announced(reads: ReadStore) -> list[Announced]:
    rows = AnnouncementRows(reads).after(0, 1_000_000)
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return rows


def in_topic(log: EventLog) -> list[LogRecord]:
    return list(log.history(SLA_TOPIC))


def events_of(rows: list[Announced]) -> list[bytes]:
    return sorted(row.event for row in rows)


def kinds(store: EventStore, number: TicketNumber) -> list[str]:
    """The kinds of a ticket's events, in order."""
    return [each.topic.split(".")[-2] for each in store.stream(number.stream_id)]
