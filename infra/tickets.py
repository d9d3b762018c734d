"""The command side: load the ticket, decide, commit, answer. Every door (HTTP, import, CLI) comes here.

The hot path reads nothing: the ticket's state is kept, and a commit on a stale state is refused by the
store's optimistic check. Only then is the ticket read again, and the command decided anew.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import takewhile
from typing import NamedTuple
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

import structlog
from eventsourcing.persistence import StoredEvent
from uuid_utils import uuid7

from domain import commands as c
from domain.cloudevent import decode
from domain.context import Context
from domain.decide import decide_and_evolve, decide_pair
from domain.errors import CommandReused, Conflict, Invalid, NotFound, Refused
from domain.evolve import evolve, fold
from domain.numbers import TicketNumber
from domain.rulebook import Rulebook
from domain.ticket import Ticket
from domain.ticket_event import Actor, TicketEvent
from domain.vocabulary import Role
from infra.entropy import ENTROPY
from infra.event_mapper import TicketMapper
from infra.event_store.port import CommandReceipt, CommandSeen, EventStore, VersionTaken
from infra.policy_file import default_rulebook
from infra.sealing import Sealing
from infra.vault import KeyErased, Vault

log = structlog.get_logger(__name__)
CHINA = ZoneInfo("Asia/Shanghai")
_ATTEMPTS = 4
_set_int, _set_safety = (UUID.__dict__[name].__set__ for name in ("int", "is_safe"))
_UNKNOWN = SafeUUID.unknown
_OF_NEW_TICKETS = frozenset({c.Place, c.Import})
# `type(command) is ...` and not `isinstance`, which for a pydantic model is a call of Python code each time.


def utc_now() -> datetime:
    """The real clock, aware."""
    return datetime.now(UTC)


def new_event_id() -> UUID:
    """A UUIDv7: unique, and sortable by when it was made.

    As `uuid_utils.compat.uuid7` does it, in half the time.
    """
    made = object.__new__(UUID)
    _set_int(made, uuid7().int)
    _set_safety(made, _UNKNOWN)
    return made


class Request(NamedTuple):
    """One command as it came through a door."""

    command: c.Command
    actor: Actor
    command_id: UUID
    number: TicketNumber | None = None
    """None for a new ticket; an importer may say which number the new ticket gets."""
    expected_version: int | None = None
    occurred_at: datetime | None = None
    """When it happened, if that was not now (the simulation of a day)."""
    correlation_id: UUID | None = None
    causation_id: UUID | None = None


class Answer(NamedTuple):
    """The ticket as the command left it; `repeated` when the command had been done before."""

    ticket: Ticket
    repeated: bool = False


class HotTickets:
    """The states of the tickets that were last touched, so that a long history stays cheap."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._tickets: OrderedDict[TicketNumber, Ticket] = OrderedDict()

    def get(self, number: TicketNumber) -> Ticket | None:
        """Give the last known state; it may be behind the store."""
        return self._tickets.get(number)

    def put(self, ticket: Ticket) -> None:
        """Keep the newer of two states; forget the oldest beyond capacity."""
        number = ticket.number
        known = self._tickets.get(number)
        if known is not None and known.version >= ticket.version:
            return
        self._tickets[number] = ticket
        self._tickets.move_to_end(number)
        if len(self._tickets) > self._capacity:
            self._tickets.popitem(last=False)


class Tickets:
    """The application service for tickets."""

    def __init__(
        self,
        store: EventStore,
        vault: Vault,
        *,
        clock: Callable[[], datetime] = utc_now,
        rulebook: Rulebook | None = None,
        new_id: Callable[[], UUID] = new_event_id,
        below: Callable[[int], int] = ENTROPY.below,
    ) -> None:
        self.store = store
        self.vault = vault
        self._sealing = Sealing(vault)
        self.clock = clock
        self.rulebook = rulebook or default_rulebook()
        self._new_id, self._below = new_id, below
        self._mapper = TicketMapper()
        self._hot = HotTickets()

    # --- commands ---

    async def handle(self, request: Request) -> Answer:
        """Do a command exactly once; raises Refused (nothing was stored) or Transient."""
        fingerprint = self._fingerprint(request)
        try:
            return await self._decide_until_committed(request, fingerprint)
        except CommandSeen as seen:
            return await self._repeat(request, seen.receipt, fingerprint)
        except Refused:
            receipt = await asyncio.to_thread(self.store.receipt, request.command_id)
            if receipt is None:
                raise
            return await self._repeat(request, receipt, fingerprint)

    async def _decide_until_committed(self, request: Request, fingerprint: bytes) -> Answer:
        fresh = False
        for _ in range(_ATTEMPTS):
            ticket = None if fresh else self._at_hand(request)
            if ticket is None:
                ticket = await self._ticket_for(request, fresh=fresh)
            try:
                return await self._attempt(request, ticket, fingerprint)
            except VersionTaken:
                fresh = True
            except Refused:
                if fresh or not await self._has_moved(ticket):
                    raise
                fresh = True
        raise Conflict(
            "others changed the ticket at the same time; look at it and try again",
            version=ticket.version if ticket else None,
        )

    async def _attempt(self, request: Request, ticket: Ticket | None, fingerprint: bytes) -> Answer:
        self._check_version(request, ticket)
        command, context = request.command, self._context(request, ticket)
        if type(command) is c.Place:
            context = await self._with_a_key(request, context)
        personal = command.personal(request.actor.role)
        if personal is not None and context.person is not None and context.number is not None:
            sealed = await self._sealing.seal(personal, context.person, context.number)
            context = context._replace(sealed=sealed)
        if type(command) is c.Merge or type(command) is c.Unmerge:
            events, after = await self._decide_two(ticket, command, context)
        else:
            events, after = decide_and_evolve(ticket, command, context)
        receipt = CommandReceipt(request.command_id, fingerprint, after.stream_id, after.version)
        await self.store.append_async([self._mapper.to_stored_event(event) for event in events], receipt)
        self._hot.put(after)
        if type(command) is c.ErasePersonalData and after.person is not None:
            await asyncio.to_thread(self.vault.destroy, after.person)
        return Answer(after)

    async def _decide_two(
        self, child: Ticket | None, command: c.Merge | c.Unmerge, context: Context
    ) -> tuple[list[TicketEvent], Ticket]:
        other = command.into if isinstance(command, c.Merge) else child.parent if child else None
        if child is None or other is None:
            raise Refused("this ticket is not merged into another", rule="not-merged")
        try:
            parent = await self.get(other)
        except NotFound as missing:
            raise Invalid(str(missing), rule="unknown-ticket", field="into") from missing
        events = decide_pair(child, parent, command, context)
        return events, evolve(child, events[0])

    async def _repeat(self, request: Request, receipt: CommandReceipt, fingerprint: bytes) -> Answer:
        if receipt.fingerprint != fingerprint:
            raise CommandReused(f"command id {request.command_id} was used before for another command")
        ticket = await asyncio.to_thread(self._at_version, receipt.stream_id, receipt.version)
        if isinstance(request.command, c.ErasePersonalData) and ticket.person is not None:
            await asyncio.to_thread(self.vault.destroy, ticket.person)
        return Answer(ticket, repeated=True)

    @staticmethod
    def _check_version(request: Request, ticket: Ticket | None) -> None:
        version = ticket.version if ticket else 0
        if request.expected_version is not None and request.expected_version != version:
            raise Conflict(
                f"the ticket is at version {version}, not {request.expected_version}", version=version
            )

    def _context(self, request: Request, ticket: Ticket | None) -> Context:
        recorded_at = self.clock()
        now = request.occurred_at or recorded_at
        number = ticket.number if ticket else self._number_for(request, now)
        actor = self.known_as(request.actor)
        person = ticket.person if ticket else self._person_for(request, actor, number)
        return Context(
            now=now,
            recorded_at=recorded_at,
            actor=actor,
            command_id=request.command_id,
            rules=self.rulebook.in_force(now),
            new_id=self._new_id,
            number=number,
            person=person,
            correlation_id=request.correlation_id,
            causation_id=request.causation_id,
        )

    def _number_for(self, request: Request, now: datetime) -> TicketNumber:
        if request.number is not None:
            return request.number
        if not isinstance(request.command, c.Place):
            raise NotFound(f"{request.command.NAME} needs the number of a ticket", field="number")
        return TicketNumber.mint(request.command.region, now.astimezone(CHINA).date(), self._below)

    def known_as(self, actor: Actor) -> Actor:
        """A resident is known by a pseudonym from the door on."""
        if actor.role is not Role.RESIDENT:
            return actor
        return Actor(str(self.vault.person_id(_resident(actor))), Role.RESIDENT)

    def command_id(self, actor: Actor, key: str) -> UUID:
        """Give the id of a command that its actor knows by a key; it tells neither of them."""
        what = "\0".join(("command", actor.role, actor.id, key))
        return UUID(bytes=self.vault.fingerprint(what.encode())[:16], version=4)

    def _person_for(self, request: Request, actor: Actor, number: TicketNumber) -> UUID:
        if actor.role is Role.RESIDENT:
            return UUID(actor.id)
        return self.vault.person_id(_subject(request, number))

    async def _with_a_key(self, request: Request, context: Context) -> Context:
        """Make sure of the key of a new ticket's person; who was erased comes back as somebody else."""
        if context.person is None or context.number is None:
            return context
        try:
            await self.vault.ensure_async(context.person)
        except KeyErased:
            subject = _subject(request, context.number)
            person = await asyncio.to_thread(self.vault.person_id_anew, subject)
            await self.vault.ensure_async(person)
            return context._replace(person=person, actor=self.known_as(request.actor))
        return context

    def _fingerprint(self, request: Request) -> bytes:
        what = (request.command.NAME, request.number or "", request.actor.id, request.actor.role)
        body = request.command.__pydantic_serializer__.to_json(request.command)  # as `model_dump_json` does
        return self.vault.fingerprint("\0".join(what).encode() + body)

    # --- queries ---

    async def get(self, number: TicketNumber) -> Ticket:
        """Give a ticket as the store has it now; raises NotFound."""
        ticket = await asyncio.to_thread(self._catch_up, number)
        if ticket is None:
            raise NotFound(f"there is no ticket {number}", field="number")
        return ticket

    async def get_at(
        self,
        number: TicketNumber,
        *,
        version: int | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Ticket:
        """Give a ticket as `events` says that it was."""
        events = await self.events(number, upto=version, as_of=as_of, known_at=known_at)
        ticket = fold(None, events)
        if ticket is None or (version is not None and ticket.version != version):
            raise NotFound(f"ticket {number} did not exist at that point", rule="no-such-version")
        return ticket

    async def events(
        self,
        number: TicketNumber,
        *,
        upto: int | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> list[TicketEvent]:
        """Give what had happened to a ticket by a version or the moment `as_of`; raises NotFound.

        `known_at` leaves out what was recorded here only later. What is given is gapless from 1.
        """
        events = (decode(stored.state) for stored in await self.history(number, upto=upto))
        known = takewhile(lambda event: known_at is None or event.recorded_at <= known_at, events)
        found = list(takewhile(lambda event: as_of is None or event.occurred_at <= as_of, known))
        if not found:
            raise NotFound(f"ticket {number} did not exist at that point", rule="no-such-version")
        return found

    async def history(self, number: TicketNumber, *, upto: int | None = None) -> list[StoredEvent]:
        """Give a ticket's events as they are stored, byte for byte; raises NotFound."""
        stored = await asyncio.to_thread(self.store.stream, number.stream_id, upto=upto)
        if not stored:
            raise NotFound(f"there is no ticket {number}", field="number")
        return stored

    async def _ticket_for(self, request: Request, *, fresh: bool) -> Ticket | None:
        number = request.number
        if number is None or (type(request.command) in _OF_NEW_TICKETS and not fresh):
            return None
        return await self.get(number)

    def _at_hand(self, request: Request) -> Ticket | None:
        if request.number is None or type(request.command) in _OF_NEW_TICKETS:
            return None
        return self._hot.get(request.number)

    async def _has_moved(self, ticket: Ticket | None) -> bool:
        if ticket is None:
            return False
        newest = await asyncio.to_thread(self._catch_up, ticket.number)
        return newest is not None and newest.version != ticket.version

    def _catch_up(self, number: TicketNumber) -> Ticket | None:
        known = self._hot.get(number)
        stored = self.store.stream(number.stream_id, after=known.version if known else 0)
        ticket = fold(known, (decode(item.state) for item in stored))
        if ticket is not None and stored:
            self._hot.put(ticket)
        return ticket

    def _at_version(self, stream_id: UUID, version: int) -> Ticket:
        ticket = fold(None, (decode(item.state) for item in self.store.stream(stream_id, upto=version)))
        if ticket is None:
            raise NotFound(f"stream {stream_id} has no version {version}")
        return ticket


def _subject(request: Request, number: TicketNumber) -> str:
    """Say whom a new ticket is about: the resident, or who can be reached there, or nobody but the ticket."""
    if request.actor.role is Role.RESIDENT:
        return _resident(request.actor)
    contact = request.command.contact if type(request.command) is c.Place else None
    return f"contact:{contact}" if contact else f"ticket:{number}"


def _resident(actor: Actor) -> str:
    return f"resident:{actor.id}"
