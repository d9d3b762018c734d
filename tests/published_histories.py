"""Histories in which every kind of event happens at least once, with fixed ids and a fixed clock."""

from collections.abc import Iterator
from datetime import timedelta

from domain import commands as c
from domain.decide import decide, decide_pair
from domain.evolve import evolve
from domain.numbers import TicketNumber
from domain.regions import Region
from domain.ticket import Ticket
from domain.ticket_event import TicketEvent
from domain.vocabulary import Channel, RejectReason, ResponseKind, Role
from tests.journeys import ACTORS, HAPPY_PATH, START, Journey, walked

_DAY = timedelta(days=1)
_DUE = START + 12 * _DAY


def histories() -> Iterator[TicketEvent]:
    """Everything that can happen to tickets."""
    yield from _the_long_way()
    for steps, command, role in (
        (1, c.Reject(reason=RejectReason.NOT_REAL), Role.VILLAGE),
        (2, c.Withdraw(), Role.RESIDENT),
        (1, c.ErasePersonalData(reason="asked for"), Role.DATA_PROTECTION),
    ):
        journey = walked(steps)
        journey.give(command, role)
        yield from journey.events
    lapsed = walked(7)
    lapsed.give(c.LapseRating(), Role.SYSTEM, 7 * _DAY)
    yield from lapsed.events
    yield from _merged()
    yield from _imported()


def _the_long_way() -> list[TicketEvent]:
    journey = walked(5)
    further: tuple[tuple[c.Command, Role], ...] = (
        (c.Transfer(to_unit="dept:water", reason="a pipe"), Role.DEPARTMENT),
        (c.DeclareEmergency(reason="flood"), Role.COUNTY),
        (c.LogResponse(kind=ResponseKind.REPORT, words="the street is closed"), Role.TOWNSHIP),
        (c.StandDown(), Role.COUNTY),
        (c.Suspend(reason="frost"), Role.TOWNSHIP),
        (c.Resume(), Role.SYSTEM),
        (c.Urge(), Role.SYSTEM),
        (c.Escalate(reason="late"), Role.SYSTEM),
        (c.ReviseDeadlines(resolve_due=_DUE, policy="default-2", reason="calendar"), Role.SYSTEM),
        (c.Progress(words="seen"), Role.GRID_WORKER),
        (c.Attach(media_type="image/jpeg", sha256="0" * 64, size_bytes=1), Role.GRID_WORKER),
    )
    for command, role in further:
        journey.give(command, role)
    journey = _handled(walked(5), journey)
    for command, role in (*HAPPY_PATH[5:6], (c.Rework(reason="not done"), Role.GRID_WORKER), *HAPPY_PATH[5:]):
        journey.give(command, role)
    journey.give(c.Reopen(reason="again"), Role.RESIDENT)
    journey.give(c.Return(reason="not ours"), Role.DEPARTMENT)
    return journey.events


def _handled(journey: Journey, before: Journey) -> Journey:
    due = START + 9 * _DAY
    for command, role in (
        (c.Assign(first_handler="officer:lu"), Role.DEPARTMENT),
        (c.AddCohandler(unit="dept:power"), Role.DEPARTMENT),
        (c.RequestExtension(until=due, reason="parts"), Role.DEPARTMENT),
        (c.RefuseExtension(reason="no"), Role.TOWNSHIP),
        (c.RequestExtension(until=due, reason="parts"), Role.DEPARTMENT),
        (c.GrantExtension(), Role.TOWNSHIP),
        (c.Reclassify(category="water.supply", reason="a pipe"), Role.DEPARTMENT),
    ):
        journey.give(command, role)
    journey.events = before.events + journey.events
    return journey


def _merged() -> Iterator[TicketEvent]:
    child, parent = walked(3), Journey(serial=8)
    for command, role in HAPPY_PATH[:3]:
        parent.give(command, role)
    tickets: list[Ticket] = [ticket for ticket in (child.ticket, parent.ticket) if ticket]
    context = child.context(ACTORS[Role.TOWNSHIP])
    merge = decide_pair(tickets[0], tickets[1], c.Merge(into=tickets[1].number), context)
    yield from merge
    after = [evolve(ticket, event) for ticket, event in zip(tickets, merge, strict=True)]
    yield from decide_pair(after[0], after[1], c.Unmerge(reason="two holes"), context)


def _imported() -> list[TicketEvent]:
    journey = Journey()
    context = journey.context(ACTORS[Role.SYSTEM])
    region = Region("us-nyc:queens:09")
    command = c.Import(
        origin="nyc311", source_id="39573567", region=region, category="nyc311:noise",
        category_text="Noise – Loud Music", channel=Channel.PHONE, source_channel="PHONE",
        source_status="Closed", agency="dept:us-nyc:nypd", agency_name="New York City Police Department",
        placed_at=START, closed_at=START + _DAY, resolve_due=START + _DAY, resolution="Responded.",
        closed=True, oddities=("text was encoded twice",),
    )  # fmt: skip
    number = TicketNumber.compose(region, START.date(), 7, length=8)
    return decide(None, command, context._replace(number=number))
