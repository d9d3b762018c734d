"""The matters that ClickHouse makes of the landing table are those of the fold in Python."""

from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import pairwise
from threading import Timer

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from domain.cloudevent import encode
from domain.ticket_event import TicketEvent
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.indicators import matter_tables
from infra.clickhouse.indicators.matter_sql import matters_sql
from infra.clickhouse.indicators.matter_tables import (
    MATTERS_VIEW,
    POSITIONS,
    RECENT,
    SETTLED,
    current_matters,
    read_position,
    refresh,
)
from infra.clickhouse.landing import Landing
from infra.event_log.port import LogRecord
from infra.event_log.sink import Letter, Step
from projections.indicators.matter import Matter
from projections.indicators.matter_fold import matters_of
from tests.random_towns import town_histories
from tests.services.clickhouse import Endpoint, endpoint, own_endpoint, shared_endpoint, writer
from tests.services.landed import land, land_tickets

__all__ = ["endpoint", "own_endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse
KILLS, STEP = 6, 90
BEGIN = datetime(2026, 8, 1, tzinfo=UTC)
Histories = Sequence[Sequence[TicketEvent]]


def stored(client: Client, table: str = MATTERS_VIEW) -> list[Matter]:
    rows = client.query(f"SELECT {', '.join(Matter._fields)} FROM {table} ORDER BY number, cycle").result_rows
    return [Matter(*row) for row in rows]


def folded(tickets: Histories) -> list[Matter]:
    return sorted((matter for history in tickets for matter in matters_of(history)), key=lambda one: one[:2])


def assert_same(found: list[Matter], expected: list[Matter]) -> None:
    differences = [
        (theirs.number, theirs.cycle, name, theirs_value, mine_value)
        for mine, theirs in zip(found, expected, strict=True)
        for name, mine_value, theirs_value in zip(Matter._fields, mine, theirs, strict=True)
        if mine_value != theirs_value
    ]
    assert differences == []


def in_time(tickets: Histories) -> list[TicketEvent]:
    """Mixed as they would come; a ticket's own in their order."""
    return sorted(
        (event for history in tickets for event in history),
        key=lambda e: (e.occurred_at, e.number, e.sequence),
    )


def known(events: Sequence[TicketEvent]) -> Histories:
    by_number: dict[str, list[TicketEvent]] = {}
    for event in events:
        by_number.setdefault(event.number, []).append(event)
    return list(by_number.values())


def test_random_histories_give_the_same_matters(endpoint: Endpoint, writer: Client) -> None:
    tickets = list(town_histories(7, BEGIN, 500, 60))
    land_tickets(endpoint, tickets)
    expected = folded(tickets)
    assert_same(stored(writer, f"({matters_sql()})"), expected)
    assert_same(stored(writer), expected)
    for name in Matter._fields:
        assert len({getattr(matter, name) for matter in expected}) > 1, f"{name} is never put to the test"


def test_they_follow_step_by_step_and_are_settled_now_and_then(
    endpoint: Endpoint, writer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matter_tables, "RECENT_ROWS", 40)
    events = in_time(list(town_histories(8, BEGIN, 80, 20)))
    recent = []
    for start in range(0, len(events), STEP):
        land(endpoint, events[start : start + STEP], start)
        assert refresh(writer)
        recent.append(writer.query(f"SELECT count() FROM {RECENT}").result_rows[0][0])
        assert_same(stored(writer), folded(known(events[: start + STEP])))
    assert not refresh(writer)
    assert read_position(writer).store_position == len(events)
    assert read_position(writer).complete
    assert any(after < before for before, after in pairwise(recent)), "they were never settled"


def test_tickets_that_share_a_hash_are_told_apart(
    endpoint: Endpoint, writer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = "toUInt32(sipHash64(number) % 40)"
    monkeypatch.setattr(matter_tables, "RECENT_ROWS", 40)
    monkeypatch.setattr(matter_tables, "NUMBER_HASH", few)
    monkeypatch.setattr(matter_tables, "KEPT", matter_tables.KEPT | {"number_hash": few})
    asked = f"({current_matters(Matter._fields, 'true')})"
    events = in_time(list(town_histories(14, BEGIN, 80, 20)))
    for start in range(0, len(events), STEP):
        land(endpoint, events[start : start + STEP], start)
        assert refresh(writer)
        assert_same(stored(writer, asked), folded(known(events[: start + STEP])))
    assert writer.command(f"SELECT uniqExact(number_hash) < uniqExact(number) FROM {SETTLED}") == 1


def test_what_a_killed_refresh_leaves_does_no_harm(endpoint: Endpoint, writer: Client) -> None:
    events = in_time(list(town_histories(9, BEGIN, 60, 20)))
    half = len(events) // 2
    land(endpoint, events[:half])
    refresh(writer)
    before = writer.query(f"SELECT * EXCEPT changed_at FROM {POSITIONS} FINAL").result_rows
    land(endpoint, events[half:], half)
    refresh(writer)
    # killed before the positions were written: the rows are there, the positions are not
    writer.command(f"TRUNCATE TABLE {POSITIONS}")
    columns = ["log_partition", "next_offset", "events", "store_position", "build", "made_by"]
    writer.insert(POSITIONS, before, column_names=columns)
    assert_same(stored(writer), folded(known(events)))
    assert not read_position(writer).complete
    assert refresh(writer)
    assert_same(stored(writer), folded(known(events)))


def test_another_build_or_another_statement_makes_all_anew(endpoint: Endpoint, writer: Client) -> None:
    tickets = list(town_histories(13, BEGIN, 20, 20))
    land_tickets(endpoint, tickets)
    for changed in ("build + 1 AS build", "'another' AS made_by"):
        writer.command(f"TRUNCATE TABLE {SETTLED}")
        writer.command(f"INSERT INTO {POSITIONS} SELECT * EXCEPT changed_at REPLACE ({changed}), now64(6) "
                       f"FROM {POSITIONS} FINAL")  # fmt: skip
        assert refresh(writer)
        assert_same(stored(writer), folded(tickets))
    assert not refresh(writer)


def test_a_parked_ticket_that_lands_late_is_counted(endpoint: Endpoint, writer: Client) -> None:
    tickets = list(town_histories(10, BEGIN, 20, 20))
    late, others = tickets[0], tickets[1:]
    first = [LogRecord(0, n, event.number, encode(event), n + 1) for n, event in enumerate(late)]
    with closing(Landing(endpoint.client)) as landing:
        landing.start_offsets([0])
        landing.park(first[0], "not to be read")
        landing.apply([], {0: Step(0, len(first))})
        land(endpoint, in_time(others), len(first))
        refresh(writer)
        assert_same(stored(writer), folded(others))
        position = read_position(writer)
        landing.release(late[0].number, lambda: [Letter(record) for record in first])
    assert refresh(writer), "its offsets lie below the position that was remembered"
    assert read_position(writer).offsets == position.offsets
    assert_same(stored(writer), folded(tickets))


def test_killed_while_it_refreshes_it_is_exact_afterwards(
    own_endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matter_tables, "RECENT_ROWS", 30)  # so that settled matters are rewritten, too
    events = in_time(list(town_histories(12, BEGIN, 60, 20)))
    step = len(events) // KILLS
    for n in range(KILLS):
        land(own_endpoint, events[n * step : (n + 1) * step], n * step)
        with closing(own_endpoint.client()) as client:
            killer = Timer(0.03 + 0.05 * n, own_endpoint.kill)
            killer.start()
            with suppress(ClickHouseError, ClickHouseUnavailable):
                while killer.is_alive():
                    refresh(client)
            killer.join()
        own_endpoint.start()
        with closing(own_endpoint.client()) as client:
            assert read_position(client).store_position <= (n + 1) * step
            refresh(client)
            assert_same(stored(client), folded(known(events[: (n + 1) * step])))
