"""Read what is sealed on a ticket, for those whom the table allows, and never without a record of it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from domain.errors import LiudanError, NotFound, Refused
from domain.numbers import TicketNumber
from domain.ticket import Ticket
from domain.ticket_event import Actor, TicketEvent
from domain.unsealing import Purpose, SealedField, check_may_unseal, check_reason
from domain.vocabulary import Role
from infra.privacy.access_record import Access, AccessRecord, Head, Outcome
from infra.sealing import Sealing
from infra.tickets import Tickets
from infra.vault import KeyErased, SealBroken


class Wish(BaseModel):
    """What is to be read, and why."""

    model_config = ConfigDict(frozen=True)

    fields: tuple[SealedField, ...]
    purpose: Purpose
    why: str | None = None


class UnsealedEvent(BaseModel):
    """The personal part of one event, as far as it was asked for."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    type: str
    happened_at: datetime
    fields: dict[SealedField, str]


class Unsealed(BaseModel):
    """What was read, and the end of the access record with this reading in it."""

    model_config = ConfigDict(frozen=True)

    number: str
    events: list[UnsealedEvent]
    record: Head


class Unsealing:
    """The only way from a sealed field to a reader."""

    def __init__(self, tickets: Tickets, record: AccessRecord) -> None:
        self._tickets, self._record = tickets, record
        self._sealing = Sealing(tickets.vault)

    async def unseal(self, number: TicketNumber, actor: Actor, wish: Wish) -> Unsealed:
        """Give the plain fields, after the reading is on record.

        Raises, after the attempt is on record: Forbidden, NotFound (also to a resident whose ticket it is
        not), Invalid without a reason, KeyErased, SealBroken; StoreUnavailable when it cannot be recorded.
        """
        known = self._tickets.known_as(actor)
        try:
            ticket = await self._permitted(number, known, wish)
            events = await self._tickets.events(number)
            found = await asyncio.to_thread(self._open, ticket, events, frozenset(wish.fields))
        except LiudanError as error:
            if (outcome := _outcome_of(error)) is not None:
                rule = error.rule if isinstance(error, Refused) else None
                await self._record.add(self._access(number, known, wish, outcome, rule))
            raise
        head = await self._record.add(self._access(number, known, wish, Outcome.GRANTED, None))
        return Unsealed(number=number, events=found, record=head)

    async def _permitted(self, number: TicketNumber, known: Actor, wish: Wish) -> Ticket:
        ticket = await self._tickets.get(number)
        if known.role is Role.RESIDENT and known.id != str(ticket.person):
            raise NotFound(f"there is no ticket {number}", field="number")
        check_may_unseal(ticket, known, wish.fields)
        check_reason(known, wish.purpose, wish.why)
        if ticket.erased:
            raise KeyErased(f"the personal data of {number} were erased")
        return ticket

    def _open(
        self, ticket: Ticket, events: Sequence[TicketEvent], wanted: frozenset[SealedField]
    ) -> list[UnsealedEvent]:
        found = []
        for event in events:
            if event.payload.sealed is None:
                continue
            plain = self._sealing.open(event.payload.sealed, ticket.number).model_dump(exclude_none=True)
            if fields := {field: plain[field] for field in SealedField if field in wanted and field in plain}:
                found.append(
                    UnsealedEvent(
                        sequence=event.sequence,
                        type=event.type,
                        happened_at=event.occurred_at,
                        fields=fields,
                    )
                )
        return found

    def _access(
        self, number: TicketNumber, known: Actor, wish: Wish, outcome: Outcome, rule: str | None
    ) -> Access:
        return Access(
            at=self._tickets.clock(),
            actor=known.id,
            role=known.role,
            unit=known.unit,
            number=number,
            fields=tuple(dict.fromkeys(wish.fields)),
            purpose=wish.purpose,
            why=wish.why,
            outcome=outcome,
            rule=rule,
        )


def _outcome_of(error: LiudanError) -> Outcome | None:
    """Say how an attempt ended; None when it may be made again, and nothing was read."""
    if isinstance(error, KeyErased):
        return Outcome.ERASED
    if isinstance(error, Refused):
        return Outcome.REFUSED
    return Outcome.FAILED if isinstance(error, SealBroken) else None
