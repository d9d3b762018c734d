"""The process manager: what follows from an announcement is given as a command, by the system, once.

A command's id follows from the announcement's, so that it is done once however often it is given. It is
given only while the clock still runs: what has been done meanwhile, late or not, needs no higher level.
"""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID, uuid5

import structlog

from domain import commands as c
from domain.errors import Refused
from domain.lifecycle import superior_level
from domain.numbers import TicketNumber
from domain.policy import EscalateTo
from domain.regions import Region
from domain.rulebook import Rulebook
from domain.ticket_event import Actor
from domain.vocabulary import Level, Role
from infra.in_flight import each
from infra.read_store.announcement_rows import Announced, AnnouncementRows, Progress
from infra.tickets import Request, Tickets
from projections.sla_announcements import Announcement, Kind, decode
from projections.sla_timers import History, still_runs

SYSTEM = Actor("system:sla", Role.SYSTEM)
PROGRESS = "acted"

log = structlog.get_logger(__name__)


class Done(NamedTuple):
    """What came of a stretch of announcements."""

    looked_at: int
    given: int
    """Commands, those that were refused among them."""


class ProcessManager:
    """Escalates what is late and closes what nobody rates."""

    def __init__(
        self,
        rows: AnnouncementRows,
        tickets: Tickets,
        history: Callable[[str], History | None],
        *,
        in_flight: int = 128,
    ) -> None:
        self._rows, self._tickets, self._history = rows, tickets, history
        self._in_flight = in_flight
        self._sequence: int | None = None

    async def act(self, limit: int) -> Done:
        """Deal with the next announcements; raises Transient, and then the same ones come again."""
        if self._sequence is None:
            self._sequence = self._rows.progress(PROGRESS).sequence
        batch = self._rows.after(self._sequence, limit)
        if not batch:
            return Done(0, 0)
        requests = [request for one in batch if (request := self._request(one)) is not None]
        await each(requests, self._look_up, self._in_flight)
        await each(requests, self._give, self._in_flight)
        self._rows.set_progress(PROGRESS, Progress(batch[-1].sequence))
        self._sequence = batch[-1].sequence
        return Done(len(batch), len(requests))

    def _request(self, announced: Announced) -> Request | None:
        if announced.key.kind is Kind.WARNING:
            return None
        announcement = decode(announced.event)
        command = self._command(announcement)
        if command is None or not self._is_waited_for(announcement):
            return None
        return Request(
            command=command,
            actor=SYSTEM,
            command_id=command_id(announcement),
            number=TicketNumber(announcement.key.number),
            causation_id=announcement.key.id,
        )

    def _command(self, announcement: Announcement) -> c.Command | None:
        if announcement.key.kind is Kind.RATING_OVER:
            return c.LapseRating()
        return escalation(announcement, self._tickets.rulebook)

    def _is_waited_for(self, announcement: Announcement) -> bool:
        """Whether the clock still runs, as far as anybody here knows."""
        history = self._history(announcement.key.number)
        if history is None or history.untouched_since is not None:
            return False
        return still_runs(history, announcement.key)

    async def _look_up(self, request: Request) -> None:
        """Have the ticket at hand, so that the commands come together and share few commits."""
        if request.number is not None:
            await self._tickets.get(request.number)

    async def _give(self, request: Request) -> None:
        name = request.command.NAME
        try:
            await self._tickets.handle(request)
        except Refused as refused:
            log.info("command of the system refused", ticket=request.number, command=name, rule=refused.rule)


def command_id(announcement: Announcement) -> UUID:
    """Give the id of the command that follows from an announcement."""
    return uuid5(announcement.key.id, "command")


def escalation(announcement: Announcement, book: Rulebook) -> c.Escalate | None:
    """Give the step that the clock's policy has for a percentage, if any."""
    key, facts = announcement.key, announcement.facts
    rules = book.rules(facts.policy) or book.in_force(announcement.at)
    steps = rules.terms(Region(facts.region), facts.category).escalate
    to = next((step.to for step in steps if step.percent == key.percent), None)
    if to is None:
        return None
    level = (
        Level.COUNTY
        if to is EscalateTo.COUNTY
        else superior_level(Level(facts.level) if facts.level else None)
    )
    return c.Escalate(reason=f"{key.clock}: {key.percent} % of the limit used up", to_level=level)
