"""Ticket histories for tests of the warehouse, landed as the product lands them, and what views make of them.

The expectations are folds in Python, written from the definitions and not from the SQL.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.cloudevent import encode
from domain.evolve import fold
from domain.ticket import Ticket
from domain.ticket_event import TicketEvent
from domain.vocabulary import ENDED, Role, State
from infra.clickhouse.landing import Landing
from infra.event_log.port import LogRecord
from infra.event_log.sink import Step
from tests.journeys import HAPPY_PATH, START, Journey
from tests.random_journeys import random_journey
from tests.read_models import clock_rows, pair

DAY = timedelta(days=1)
History = list[TicketEvent]
_ORDERS = {
    State.PLACED: "verify", State.VERIFIED: "issue", State.ISSUED: "dispatch", State.DISPATCHED: "accept",
    State.ACCEPTED: "handle", State.RESOLVED: "feed_back", State.FED_BACK: "rate",
}  # fmt: skip
_HOW = {"order-returned": "returned", "order-transferred": "transferred", "rework-ordered": "rework"}


def random_histories(number: int) -> list[History]:
    """Tickets that went through accepted commands of any kind; the same ones every time."""
    found: list[History] = []
    serials = count(300)

    @settings(
        max_examples=number, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def walk(data: st.DataObject) -> None:
        found.append(random_journey(data, next(serials)).events)

    walk()
    return found


def moved_limits() -> list[History]:
    """Limits that are moved before and after they have passed, also while the clock stands still."""
    found = []
    for serial, (steps, suspended_after, days) in enumerate(
        ((5, 20, (9, 30)), (5, 1, (9, 2, 5)), (3, 20, (1, 2, 30)), (5, None, (1, 1, 40)), (2, None, (40, 1)))
    ):
        journey = Journey(serial=270 + serial)
        for command, role in HAPPY_PATH[:steps]:
            journey.give(command, role, timedelta(minutes=10))
        if suspended_after is not None:
            journey.give(c.Suspend(reason="frost"), Role.COUNTY, suspended_after * DAY)
        for n, day in enumerate(days):
            revise = c.ReviseDeadlines(
                resolve_due=START + day * DAY, policy=f"default-{n + 2}", reason="calendar"
            )
            journey.give(revise, Role.SYSTEM, 3 * DAY)
        if suspended_after is not None and serial % 2 == 0:
            journey.give(c.Resume(), Role.SYSTEM, 2 * DAY)
        found.append(journey.events)
    return found


def long_ways() -> list[History]:
    """Tickets that are handed on, returned, done again, reopened, and not rated."""
    ways: tuple[tuple[tuple[c.Command, Role], ...], ...] = (
        ((c.Transfer(to_unit="dept:water", reason="a pipe"), Role.DEPARTMENT),),
        ((c.Return(reason="not ours"), Role.DEPARTMENT), *HAPPY_PATH[3:]),
        (HAPPY_PATH[4], HAPPY_PATH[5], (c.Rework(reason="not done"), Role.GRID_WORKER), *HAPPY_PATH[5:]),
        (*HAPPY_PATH[4:], (c.Reopen(reason="again"), Role.RESIDENT), *HAPPY_PATH[5:]),
        (*HAPPY_PATH[4:7], (c.LapseRating(), Role.SYSTEM)),
    )
    found = []
    for serial, way in enumerate(ways):
        journey = Journey(serial=260 + serial)
        for command, role in (*HAPPY_PATH[:4], *way):
            journey.give(command, role, timedelta(hours=26) if role is not Role.SYSTEM else 8 * DAY)
        found.append(journey.events)
    return found


def merged_and_unmerged() -> list[History]:
    """A ticket that is merged late, and another one whose merge is undone."""
    found = []
    for serial in (280, 285):
        child, parent = Journey(serial=serial), Journey(serial=serial + 1)
        for journey in (child, parent):
            for command, role in HAPPY_PATH[:2]:
                journey.give(command, role, timedelta(hours=9))
        assert parent.ticket is not None
        pair(child, parent, c.Merge(into=parent.ticket.number), DAY)
        if serial == 285:
            pair(child, parent, c.Unmerge(reason="another lamp"), 3 * DAY)
        found += [child.events, parent.events]
    return found


def land(landing: Landing, histories: Iterable[History]) -> None:
    """Land them, ordered by when they happened, in one partition."""
    events = sorted(
        (event for history in histories for event in history),
        key=lambda event: (event.occurred_at, event.number, event.sequence),
    )
    records = [LogRecord(0, n, str(e.number), encode(e), n + 1) for n, e in enumerate(events)]
    start = landing.start_offsets([0])[0]
    for first in range(start, len(records), 700):
        batch = records[first : first + 700]
        landing.apply(batch, {0: Step(first, first + len(batch))})


def until(histories: Iterable[History], moment: datetime) -> list[History]:
    """What had happened by then."""
    cut = ([event for event in history if event.occurred_at <= moment] for history in histories)
    return [history for history in cut if history]


def tickets(histories: Iterable[History]) -> dict[str, Ticket]:
    """Every ticket as its events leave it."""
    found = {}
    for history in histories:
        ticket = fold(None, history)
        assert ticket is not None
        found[str(ticket.number)] = ticket
    return found


@dataclass(frozen=True, slots=True)
class BrokenLimit:
    """A breach, as the definition says."""

    number: str
    cycle: int
    clock: str
    run: int
    due_at: datetime
    stopped_at: datetime | None
    overdue_seconds: float
    suspended: bool
    region: str
    level: str
    holder: str


def broken_limits(
    histories: Iterable[History], as_of: datetime, known_until: dict[str, datetime]
) -> list[BrokenLimit]:
    """Every breach as of a moment, ordered by its key."""
    found = []
    for history in histories:
        for row in clock_rows(history):
            if row.due_at is None or row.clock == "rating":
                continue
            known = known_until.get(row.origin or "") if len(history) == 1 else None
            end = row.stopped_at or row.suspended_at or min(known or as_of, as_of)
            if row.due_at < as_of and row.due_at < end:
                stopped = row.stopped_at if row.stopped_at and row.stopped_at <= as_of else None
                late = (min(end, as_of) - row.due_at).total_seconds()
                found.append(
                    BrokenLimit(
                        row.number, row.cycle, row.clock, row.run, row.due_at, stopped, late,
                        row.suspended_at is not None, row.region, row.level or "", row.holder or "",
                    )
                )  # fmt: skip
    return sorted(found, key=lambda limit: (limit.number, limit.cycle, limit.clock, limit.run))


@dataclass(slots=True)
class HeldOrder:
    """An order in one holder's hands."""

    number: str
    cycle: int
    run: int
    order: str
    level: str
    holder: str
    first_handler: str
    started_at: datetime
    ended_at: datetime | None = None
    how: str = ""


def held_orders(histories: Iterable[History]) -> list[HeldOrder]:
    """Every order, ordered by ticket and beginning."""
    return [
        order for history in sorted(histories, key=lambda h: str(h[0].number)) for order in _held(history)
    ]


def _held(history: Sequence[TicketEvent]) -> Iterator[HeldOrder]:
    before: tuple[object, ...] | None = None
    running: HeldOrder | None = None
    for event in history:
        ticket = event.ticket
        place = tuple(ticket[key] for key in ("state", "level", "holder", "cycle", "stage_entered_at"))
        if place != before:
            if running is not None:
                running.ended_at, running.how = event.occurred_at, _how(event)
                yield running
            running = None if ticket["state"] in ENDED else _begun(event)
            before = place
        if running is not None:
            running.first_handler = ticket["first_handler"] or ""
    if running is not None:
        yield running


def _begun(event: TicketEvent) -> HeldOrder:
    ticket = event.ticket
    first = event.sequence == 1
    return HeldOrder(
        str(event.number), ticket["cycle"], event.sequence, _ORDERS[State(ticket["state"])],
        ticket["level"] or "", ticket["holder"] or "", "",
        ticket["stage_entered_at"] if first else event.occurred_at,
    )  # fmt: skip


def _how(event: TicketEvent) -> str:
    if event.payload.TYPE in _HOW:
        return _HOW[event.payload.TYPE]
    if event.ticket["state"] in ("rejected", "withdrawn", "merged"):
        return "ended"
    return "lapsed" if event.ticket["end"] == "rating_lapsed" else "done"
