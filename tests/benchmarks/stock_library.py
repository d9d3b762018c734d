"""The other side of the in-process measures: the stock `eventsourcing` library as its manual shows it.

A declarative aggregate with the same six orders, whose events say what ours say (the same actor, ids, words,
summary and running clocks), saved with the stock application, transcoder and recorder. The aggregates stay
in memory, so that nothing is ever loaded: the most favourable way to use it.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NotRequired, TypedDict
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

THREADS = 32

Clock = dict[str, str | int | list[int]]
Deadlines = dict[str, str | Clock]

_SUMMARY: dict[str, str | int | bool | None] = {
    "number": "622901-261123-7KQ4M", "region": "622901001001", "grid": None, "category": "roads.surface",
    "matter_class": "general", "urgency": "normal", "channel": "wechat", "state": "dispatched",
    "level": "department", "holder": "dept:622901:roads", "first_handler": "officer:roads", "cycle": 1,
    "placed_at": "2026-11-23T05:58:00.123456Z", "stage_entered_at": "2026-11-23T06:12:09.123456Z",
    "stage_due": "2026-11-24T06:12:09.123456Z", "resolve_due": "2026-11-28T05:58:00.123456Z",
    "rating_due": None, "resolved_at": None, "closed_at": None, "suspended": False, "emergency": False,
    "returns": 0, "end": None, "origin": None, "source_id": None,
}  # fmt: skip
_THRESHOLDS = [50, 80, 100, 150]
_DEADLINES: Deadlines = {
    "stage_due": "2026-11-24T06:12:09.123456Z", "resolve_due": "2026-11-28T05:58:00.123456Z",
    "policy": "default-2", "calendar": "cn-1/2026",
    "stage_clock": {
        "start": "2026-11-23T06:12:09.123456Z", "amount": 1, "unit": "working_day", "thresholds": _THRESHOLDS,
    },
    "resolve_clock": {
        "start": "2026-11-23T05:58:00.123456Z", "amount": 5, "unit": "working_day", "thresholds": _THRESHOLDS,
    },
}  # fmt: skip


class Facts(TypedDict):
    """What every event of ours says besides its own."""

    actor: dict[str, str]
    command_id: str
    correlation_id: str
    causation_id: str
    recorded_at: str
    ticket: dict[str, str | int | bool | None]
    deadlines: NotRequired[Deadlines]
    """Said by every event that begins an order."""


def facts() -> Facts:
    """Give what one command would bring along."""
    command_id = str(uuid4())
    return {
        "actor": {"id": "officer:township", "role": "township", "unit": "622901001"},
        "command_id": command_id,
        "correlation_id": command_id,
        "causation_id": command_id,
        "recorded_at": "2026-11-23T06:12:09.130001Z",
        "ticket": _SUMMARY,
    }


def begun() -> Facts:
    """Give what a command that begins an order would bring along."""
    return {**facts(), "deadlines": _DEADLINES}


class StockTicket(Aggregate):
    """The ticket, in the declarative style."""

    @event("Placed")
    def __init__(self, facts: Facts, region: str, category: str, sealed: str) -> None:
        self.region, self.category, self.state = region, category, "placed"

    @event("Verified")
    def verify(self, facts: Facts, matter_class: str) -> None:
        self.matter_class, self.state = matter_class, "verified"

    @event("Issued")
    def issue(self, facts: Facts, holder: str) -> None:
        self.holder, self.state = holder, "issued"

    @event("Dispatched")
    def dispatch(self, facts: Facts, holder: str) -> None:
        self.holder, self.state = holder, "dispatched"

    @event("Accepted")
    def accept(self, facts: Facts, first_handler: str) -> None:
        self.first_handler, self.state = first_handler, "accepted"

    @event("Resolved")
    def resolve(self, facts: Facts, outcome: str) -> None:
        self.outcome, self.state = outcome, "resolved"

    @event("FedBack")
    def feed_back(self, facts: Facts, holder: str) -> None:
        self.holder, self.state = holder, "fed_back"

    @event("Rated")
    def rate(self, facts: Facts, solved: bool, score: int) -> None:
        self.solved, self.score = solved, score

    @event("Closed")
    def close(self, facts: Facts, reason: str) -> None:
        self.state = "closed"


def stock_application(environment: Mapping[str, str]) -> Application[UUID]:
    """Open the stock application; `environment` says where it persists."""
    return Application(env=dict(environment))


def walk(app: Application[UUID]) -> None:
    """Take one ticket through its six orders, saving after each command."""
    ticket = StockTicket(facts=begun(), region="622901001001", category="roads.surface", sealed="x" * 400)
    app.save(ticket)
    ticket.verify(facts=begun(), matter_class="general")
    app.save(ticket)
    ticket.issue(facts=begun(), holder="622901001")
    app.save(ticket)
    ticket.dispatch(facts=begun(), holder="dept:622901:roads")
    app.save(ticket)
    ticket.accept(facts=begun(), first_handler="officer:roads")
    app.save(ticket)
    ticket.resolve(facts=begun(), outcome="solved")
    app.save(ticket)
    ticket.feed_back(facts=begun(), holder="622901001001")
    app.save(ticket)
    ticket.rate(facts=facts(), solved=True, score=5)
    ticket.close(facts=facts(), reason="rated")
    app.save(ticket)


def walk_all(app: Application[UUID], journeys: int, pool: ThreadPoolExecutor) -> None:
    """Take many tickets through, as many at a time as the pool has threads."""
    for done in [pool.submit(walk, app) for _ in range(journeys)]:
        done.result()
