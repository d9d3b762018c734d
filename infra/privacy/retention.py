"""Erase people whose matters have been over for as long as the rules say. Nobody's data are kept for ever.

A person is erased when every matter of theirs is due: one that is open, or was closed later, keeps the key
for all. Each of their tickets gets its event, by a command whose id follows from the ticket, so that nothing
is done twice however often, or by how many, the rules are carried out.
"""

import asyncio
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID, uuid5

import structlog

from domain.commands import ErasePersonalData
from domain.errors import Refused
from domain.numbers import TicketNumber
from domain.policy import BadPolicy
from domain.retention import RetentionPolicy, add_months, parse_retention
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.event_store.port import EventStore
from infra.privacy.retention_ledger import Matter, RetentionLedger
from infra.tickets import Request, Tickets

DEFAULT_FILE = Path(__file__).parents[1] / "policies" / "retention.toml"
ACTOR = Actor("system:retention", Role.DATA_PROTECTION)
_COMMANDS = UUID("6d9a0c1e-4f0b-5b5e-9d4b-1c1f0a7e2b60")
_PAGE = 1000
_SHORT_MONTHS = timedelta(days=3)
"""Back from the end of a short month one may miss the last days of a long one."""
LOCK = "retention"
"""The store's lock of whoever carries out the rules."""
A_DAY = timedelta(days=1)
PIECE = 100
"""People that are erased in one go beside other work."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A person whose data are not kept any more, with all their tickets."""

    person: str
    tickets: tuple[str, ...]
    since: datetime
    """When the last of their matters became due."""


def read_retention(path: Path | None) -> RetentionPolicy:
    """Read a retention file, the shipped one by default; raises BadPolicy."""
    file = path or DEFAULT_FILE
    try:
        return parse_retention(tomllib.loads(file.read_text(encoding="utf-8")), str(file))
    except OSError as error:
        raise BadPolicy(str(file), (f"cannot be read: {error.strerror}",)) from error
    except ValueError as error:
        raise BadPolicy(str(file), (f"not TOML: {error}",)) from error


class Retention:
    """The rules over one installation's tickets."""

    def __init__(self, tickets: Tickets, ledger: RetentionLedger, policy: RetentionPolicy) -> None:
        self._tickets, self._ledger, self._policy = tickets, ledger, policy
        self._store: EventStore = tickets.store

    def catch_up(self, stop: threading.Event | None = None) -> int:
        """Take in what has happened; give the position that was reached. Raises StoreUnavailable."""
        after = self._ledger.position()
        if after > self._store.last_position():
            self._ledger.start_anew()
            after = 0
        while (page := self._store.read(after, _PAGE)) and not (stop and stop.is_set()):
            after = page[-1].id
            self._ledger.take_in(page, after)
        return after

    def due(self, now: datetime) -> Iterator[Due]:
        """Give everybody who is due by a moment, once."""
        seen: set[str] = set()
        ended_by = add_months(now, -self._policy.shortest) + _SHORT_MONTHS
        for matter in self._ledger.ended_before(ended_by):
            if matter.person not in seen and self._is_due(matter, now):
                seen.add(matter.person)
                if (found := self._person(matter.person, now)) is not None:
                    yield found

    async def erase(self, due: Due) -> int:
        """Erase a person; give the number of events that were written. Raises StoreUnavailable."""
        written = 0
        for number in due.tickets:
            request = Request(
                ErasePersonalData(reason=f"retention rules {self._policy.version}"),
                ACTOR,
                uuid5(_COMMANDS, number),
                TicketNumber.parse(number),
            )
            try:
                written += not (await self._tickets.handle(request)).repeated
            except Refused as refusal:  # erased by hand meanwhile, or under another version of the rules
                log.info("retention passes over", number=number, rule=refusal.rule)
        return written

    async def run(
        self, now: datetime, *, stop: threading.Event | None = None, limit: int | None = None
    ) -> int:
        """Carry out the rules; give how many people were erased, at most `limit`. Then it is not over."""
        await asyncio.to_thread(self.catch_up, stop)
        erased = 0
        for due in await asyncio.to_thread(lambda: list(islice(self.due(now), limit))):
            if stop and stop.is_set():
                return erased
            await self.erase(due)
            erased += 1
        if limit is None or erased < limit:
            self._ledger.set_ran_at(now)
        return erased

    async def run_daily(self, now: datetime, stop: threading.Event) -> int:
        """As `run`, in small pieces, once a day; the first time a day after it was first asked."""
        ran_at = self._ledger.ran_at()
        if ran_at is None:
            self._ledger.set_ran_at(now)
            return 0
        if now - ran_at < A_DAY:
            return 0
        with self._store.lock(LOCK) as mine:
            return await self.run(now, stop=stop, limit=PIECE) if mine else 0

    def _person(self, person: str, now: datetime) -> Due | None:
        matters = self._ledger.of_person(person)
        if not all(matter.erased or self._is_due(matter, now) for matter in matters):
            return None
        open_ = tuple(matter.number for matter in matters if not matter.erased)
        since = max(self._due_at(matter) for matter in matters if matter.ended_at)
        return Due(person, open_, since)

    def _is_due(self, matter: Matter, now: datetime) -> bool:
        return matter.ended_at is not None and self._due_at(matter) <= now

    def _due_at(self, matter: Matter) -> datetime:
        assert matter.ended_at is not None  # noqa: S101 - asked of ended matters only
        return self._policy.due_at(matter.ended_at, matter.category, matter.place)
