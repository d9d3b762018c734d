"""What a ticket's events say about its time: its deadlines explained, who answers for them, its emergencies.

An imported case that is open, and to which nothing has happened here, was open when its source last spoke;
nobody has looked since. Unless a moment is asked for, it is judged as of then, as in the list of breaches.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.accountability import Accountability, account_for
from domain.events import TicketImported
from domain.explanation import Explanation, explain
from domain.numbers import TicketNumber
from domain.response_log import ResponseLog, response_log
from domain.ticket_event import TicketEvent
from infra.tickets import Tickets


class TicketAccounts:
    """Reads tickets' events; never behind. `as_of` None is now."""

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    async def deadlines(
        self, number: TicketNumber, as_of: datetime | None, known_until: Mapping[str, datetime]
    ) -> Explanation:
        """Explain every clock of a ticket; raises NotFound, Refused for a calendar that is not known."""
        events = await self._tickets.events(number, as_of=as_of)
        return explain(events, as_of or self._judged_at(events, known_until), self._tickets.rulebook)

    async def accountability(
        self, number: TicketNumber, as_of: datetime | None, known_until: Mapping[str, datetime]
    ) -> Accountability:
        """Say who answers for a ticket's broken limits; raises as `deadlines` does."""
        events = await self._tickets.events(number, as_of=as_of)
        return account_for(events, as_of or self._judged_at(events, known_until), self._tickets.rulebook)

    async def response_log(self, number: TicketNumber) -> ResponseLog:
        """Give the log of a ticket's emergencies; raises NotFound."""
        return response_log(await self._tickets.events(number))

    def _judged_at(self, events: Sequence[TicketEvent], known_until: Mapping[str, datetime]) -> datetime:
        last = events[-1]
        now = max(self._tickets.clock(), last.occurred_at)
        if len(events) > 1 or not isinstance(last.payload, TicketImported):
            return now
        return min(now, known_until.get(last.payload.origin, now))
