"""The roll-up in ClickHouse equals a fold of the same histories in Python."""

import random
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from domain import commands as c
from domain.cloudevent import encode
from domain.errors import Invalid
from domain.vocabulary import Role
from infra.clickhouse.landing import Landing
from infra.clickhouse.rollup import RollupRow, regional_rollup
from infra.event_log.port import LogRecord
from infra.event_log.sink import Step
from tests.journeys import HAPPY_PATH, Journey, walked
from tests.services.clickhouse import Endpoint, analyst, endpoint, shared_endpoint
from tests.services.landing_records import summary

__all__ = ["analyst", "endpoint", "shared_endpoint"]
pytestmark = pytest.mark.clickhouse
SHANGHAI = ZoneInfo("Asia/Shanghai")
REGIONS = (
    "622901001001",
    "622901002003",
    "622921",
    "6230",
    "us-nyc:queens:09",
    "us-nyc:queens",
    "us-nyc:queensland",
)
CLASSES = ("simple", "general", None)
STATES = ("placed", "verified", "accepted", "resolved", "closed", "rejected", "merged")
SUSPENDED = "liudan.ticket.ticket-suspended.v1"
BEGIN = datetime(2026, 1, 25, tzinfo=UTC)
FIRST, LAST = date(2025, 1, 1), date(2027, 1, 1)


@dataclass(frozen=True)
class Fact:
    number: str
    sequence: int
    at: datetime
    type: str
    ticket: dict[str, object]


def _history(seed: random.Random, index: int) -> Iterator[Fact]:
    """A ticket whose every event may change everything: reopened, moved, put on hold, late."""
    number = f"T-{index:05d}"
    placed = at = BEGIN + timedelta(seconds=seed.randrange(20 * 86400), microseconds=seed.randrange(10**6))
    region, suspended = seed.choice(REGIONS), False
    for sequence in range(1, seed.randint(1, 9) + 1):
        at += timedelta(seconds=seed.randrange(6 * 86400), microseconds=seed.randrange(10**6))
        state = seed.choice(STATES)
        kind = f"liudan.ticket.order-{state}.v1"
        if seed.random() < 0.2:
            suspended, kind = (False, kind) if suspended else (True, SUSPENDED)
        region = seed.choice(REGIONS) if seed.random() < 0.1 else region
        ticket = summary(number, region, state, placed, at) | {
            "matter_class": seed.choice(CLASSES),
            "suspended": suspended,
            "resolve_due": seed.choice([None, placed + timedelta(days=seed.randint(1, 15)), at]),
            "resolved_at": _resolved(seed, state, placed, at),
            "closed_at": at if state in {"closed", "rejected", "merged"} else None,
        }
        yield Fact(number, sequence, at, kind, ticket)


def _resolved(seed: random.Random, state: str, placed: datetime, at: datetime) -> datetime | None:
    if state not in {"resolved", "closed"}:
        return None
    return seed.choice([at, at, placed - timedelta(hours=1), None])


def _record(offset: int, fact: Fact) -> LogRecord:
    event = {
        "id": UUID(int=offset), "type": fact.type, "subject": fact.number, "time": fact.at,
        "recordedtime": fact.at, "sequence": fact.sequence, "commandid": UUID(int=offset),
        "correlationid": UUID(int=offset), "causationid": UUID(int=offset),
        "data": {"actor": {"role": "system", "unit": None}, "ticket": fact.ticket},
    }  # fmt: skip
    return LogRecord(0, offset, fact.number, orjson.dumps(event, option=orjson.OPT_UTC_Z))


def _land(endpoint: Endpoint, records: list[LogRecord]) -> None:
    landing = Landing(endpoint.client)
    landing.start_offsets([0])
    for start in range(0, len(records), 400):  # several parts
        batch = records[start : start + 400]
        landing.apply(batch, {0: Step(start, start + len(batch))})
    landing.close()


def _place(region: str, depth: int) -> str:
    if region[0].isdigit():
        return region[: (2, 4, 6, 9, 12)[depth - 1]]
    return ":".join(region.split(":")[:depth])


def _inside(region: str, prefix: str) -> bool:
    if not prefix or region == prefix:
        return True
    return region.startswith(prefix if prefix[0].isdigit() else f"{prefix}:")


def _fold(
    facts: list[Fact], prefix: str, depth: int, as_of: datetime, first: date, last: date
) -> list[RollupRow]:
    newest: dict[str, Fact] = {}
    held: dict[str, datetime] = {}
    for fact in facts:
        if fact.at <= as_of:
            newest[fact.number] = fact
            if fact.type == SUSPENDED:
                held[fact.number] = fact.at
    groups: dict[tuple[str, str, date], list[Fact]] = defaultdict(list)
    for fact in newest.values():
        month = fact.ticket["placed_at"].astimezone(SHANGHAI).date().replace(day=1)  # type: ignore[attr-defined]  # a time
        region = str(fact.ticket["region"])
        if _inside(region, prefix) and first <= month <= last:
            groups[_place(region, depth), str(fact.ticket["matter_class"] or ""), month].append(fact)
    return [
        RollupRow(
            *key,
            placed=len(group),
            closed=sum(fact.ticket["state"] == "closed" for fact in group),
            overdue=sum(_overdue(fact.ticket, held.get(fact.number), as_of) for fact in group),
            median_resolve_seconds=_median(group),
        )
        for key, group in sorted(groups.items())
    ]


def _overdue(ticket: dict[str, object], held: datetime | None, as_of: datetime) -> bool:
    due = ticket["resolve_due"]
    stopped = ticket["resolved_at"] or ticket["closed_at"] or (held if ticket["suspended"] else as_of)
    assert isinstance(stopped, datetime)
    return isinstance(due, datetime) and stopped > due


def _median(group: list[Fact]) -> float | None:
    times = [
        (fact.ticket["resolved_at"] - fact.ticket["placed_at"]).total_seconds()  # type: ignore[operator]  # times
        for fact in group
        if fact.ticket["resolved_at"] and fact.ticket["resolved_at"] >= fact.ticket["placed_at"]  # type: ignore[operator]
    ]
    return statistics.median(times) if times else None


def test_it_equals_a_fold(endpoint: Endpoint, analyst: Client) -> None:
    seed = random.Random(622901)
    facts = [fact for index in range(600) for fact in _history(seed, index)]
    shuffled = sorted(facts, key=lambda fact: (fact.at, fact.number, fact.sequence))
    _land(endpoint, [_record(offset, fact) for offset, fact in enumerate(shuffled)])
    moments = [BEGIN + timedelta(days=days) for days in (-1, 9, 25, 400)] + [facts[77].at]
    for as_of in moments:
        for prefix, depth in (
            ("", 1),
            ("", 3),
            ("62", 4),
            ("622901", 5),
            ("us-nyc", 2),
            ("us-nyc:queens", 3),
        ):
            first, last = (
                (date(2026, 1, 1), date(2026, 2, 1)) if depth == 3 else (date(2026, 2, 1), date(2026, 3, 1))
            )
            rows = regional_rollup(
                analyst, region_prefix=prefix, depth=depth, as_of=as_of, month_from=first, month_to=last
            )
            expected = _fold(facts, prefix, depth, as_of, first, last)
            assert [_rounded(row) for row in rows] == [_rounded(row) for row in expected], (
                as_of,
                prefix,
                depth,
            )
    assert rows


def _rounded(row: RollupRow) -> RollupRow:
    seconds = row.median_resolve_seconds
    return replace(row, median_resolve_seconds=None if seconds is None else round(seconds, 4))


def _land_journey(endpoint: Endpoint, journey: Journey) -> None:
    _land(endpoint, [LogRecord(0, n, e.number, encode(e), n + 1) for n, e in enumerate(journey.events)])


def _row(client: Client, as_of: datetime) -> RollupRow:
    [row] = regional_rollup(client, depth=5, as_of=as_of, month_from=FIRST, month_to=LAST)
    return row


def test_a_reopened_ticket_is_open_again_and_was_closed_before(endpoint: Endpoint, analyst: Client) -> None:
    journey = walked(len(HAPPY_PATH))
    closed_at = journey.now
    journey.give(c.Reopen(reason="again"), Role.RESIDENT, timedelta(days=2))
    _land_journey(endpoint, journey)
    before, after = _row(analyst, closed_at), _row(analyst, journey.now)
    assert (before.placed, before.closed, before.overdue) == (1, 1, 0)
    assert before.median_resolve_seconds is not None
    assert (after.placed, after.closed, after.median_resolve_seconds) == (1, 0, None)


def test_an_open_ticket_becomes_overdue_as_the_ticket_itself_says(
    endpoint: Endpoint, analyst: Client
) -> None:
    journey = walked(3)
    assert journey.ticket is not None
    assert journey.ticket.deadlines is not None
    due = journey.ticket.deadlines.resolve_due
    assert due is not None
    _land_journey(endpoint, journey)
    for as_of in (journey.now, due, due + timedelta(microseconds=1), due + timedelta(days=40)):
        assert _row(analyst, as_of).overdue == journey.ticket.overdue(as_of)


def test_time_on_hold_does_not_make_a_ticket_overdue(endpoint: Endpoint, analyst: Client) -> None:
    journey = walked(5)
    journey.give(c.Suspend(reason="material"), Role.COUNTY, timedelta(hours=1))
    _land_journey(endpoint, journey)
    assert _row(analyst, journey.now + timedelta(days=300)).overdue == 0


def test_senseless_questions_are_refused(analyst: Client) -> None:
    for depth, as_of in ((0, BEGIN), (6, BEGIN), (1, BEGIN.replace(tzinfo=None))):
        with pytest.raises(Invalid):
            regional_rollup(analyst, depth=depth, as_of=as_of, month_from=FIRST, month_to=LAST)


def test_what_is_asked_is_never_part_of_the_statement(endpoint: Endpoint, analyst: Client) -> None:
    rows = regional_rollup(
        analyst, region_prefix="' OR 1 --", depth=1, as_of=BEGIN, month_from=FIRST, month_to=LAST
    )
    assert rows == []
