"""The views give what a fold of the same events in Python gives, now and as of any moment."""

from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client

from domain.ticket_event import TicketEvent
from infra.clickhouse.landing import Landing
from infra.event_log.sink import Step
from tests.contract.read_store_sample import histories as sampled
from tests.journeys import START
from tests.published_histories import histories as published
from tests.services.clickhouse import Endpoint, analyst, endpoint, shared_endpoint
from tests.services.landing_records import record
from tests.warehouse_histories import (
    DAY,
    BrokenLimit,
    HeldOrder,
    History,
    broken_limits,
    held_orders,
    land,
    long_ways,
    merged_and_unmerged,
    moved_limits,
    random_histories,
    tickets,
    until,
)

__all__ = ["analyst", "endpoint", "sampled", "shared_endpoint"]
pytestmark = pytest.mark.clickhouse

FOR_EVER = START + 4000 * DAY
MOMENTS = [
    START - 3 * DAY,
    START + timedelta(hours=5),
    START + DAY,
    START + 12 * DAY,
    START + 40 * DAY,
    FOR_EVER,
]
KNOWN_UNTIL = {"nyc311": START - DAY, "boston311": START + DAY}


@pytest.fixture
def landed(endpoint: Endpoint, sampled: list[list[TicketEvent]]) -> list[History]:
    """Everything that can happen to tickets, landed."""
    everything = [*sampled, *long_ways(), *moved_limits(), *merged_and_unmerged(), *random_histories(150)]
    landing = Landing(endpoint.client)
    land(landing, everything)
    landing.close()
    return everything


def _literal(moment: datetime) -> str:
    """As a literal of the views' parameters: local time of Asia/Shanghai."""
    return f"'{moment.astimezone(UTC) + timedelta(hours=8):%Y-%m-%d %H:%M:%S.%f}'"


def test_tickets_are_what_their_events_leave(landed: list[History], analyst: Client) -> None:
    summary = (
        "version", "changed_at", "region", "category", "urgency", "channel", "state", "cycle", "placed_at",
        "stage_entered_at", "resolved_at", "closed_at", "solved", "score", "returns", "suspended_at",
    )  # fmt: skip
    words = ("grid", "matter_class", "first_handler", "outcome", "end", "parent", "origin", "source_id")
    for moment in MOMENTS:
        query = f"SELECT * FROM liudan.tickets_as_of(t = {_literal(moment)})"
        rows = {row["number"]: row for row in analyst.query(query).named_results()}
        expected = tickets(until(landed, moment))
        assert rows.keys() == expected.keys()
        for number, ticket in expected.items():
            row = rows[number]
            for name in summary:
                assert row[name] == getattr(ticket, name), (number, name)
            for name in words:
                assert row[name] == (getattr(ticket, name) or ""), (number, name)
            assert (row["level"], row["holder"]) == (
                (ticket.holder.level, ticket.holder.unit) if ticket.holder else ("", "")
            )
            if ticket.resolved_at is not None and ticket.resolver is not None:
                assert (row["resolver_level"], row["resolver"]) == (
                    ticket.resolver.level,
                    ticket.resolver.unit,
                )
            due = ticket.deadlines.resolve_due if ticket.deadlines else None
            assert (row["resolve_due"], row["open"]) == (due, not ticket.ended)
            assert (row["urged"], row["emergency"]) == (ticket.urged, ticket.emergency_at is not None)
    now = "SELECT * EXCEPT (changed_at) FROM liudan.tickets ORDER BY number"
    for_ever = (
        f"SELECT * EXCEPT (changed_at) FROM liudan.tickets_as_of(t = {_literal(FOR_EVER)}) ORDER BY number"
    )
    assert analyst.query(now).result_rows == analyst.query(for_ever).result_rows


def test_breaches_are_those_of_the_sql_read_model(
    landed: list[History], endpoint: Endpoint, analyst: Client
) -> None:
    columns = ", ".join(BrokenLimit.__dataclass_fields__)
    for known in ({}, KNOWN_UNTIL):
        _tell_known_until(endpoint, known)
        for moment in MOMENTS:
            source = f"liudan.breaches_as_of(t = {_literal(moment)})"
            query = f"SELECT {columns} FROM {source} ORDER BY number, cycle, clock, run"
            found = [BrokenLimit(*row) for row in analyst.query(query).result_rows]
            assert found == broken_limits(until(landed, moment), moment, known), moment
    assert len(found) > 100
    assert len({limit.clock for limit in found}) == 6
    now = {row[:3] for row in analyst.query("SELECT number, clock, run FROM liudan.breaches").result_rows}
    assert now == {
        (limit.number, limit.clock, limit.run)
        for limit in broken_limits(landed, datetime.now(UTC), KNOWN_UNTIL)
    }


def test_breaches_of_one_ticket_are_looked_for_in_its_events_alone(
    landed: list[History], endpoint: Endpoint
) -> None:
    number = landed[0][0].number
    plan = (
        endpoint.client()
        .query(f"EXPLAIN indexes = 1 SELECT * FROM liudan.breaches WHERE number = '{number}'")
        .result_rows
    )
    conditions = [line.strip(" │├└─") for (line,) in plan if "Condition:" in line]
    assert conditions == [f"Condition: (number in ['{number}', '{number}'])"] * 2


def _tell_known_until(endpoint: Endpoint, known: dict[str, datetime]) -> None:
    client = endpoint.client()
    client.command("TRUNCATE TABLE liudan.origins")
    client.close()
    landing = Landing(endpoint.client)
    landing.keep_origins({origin: moment - DAY for origin, moment in known.items()})
    landing.keep_origins(known)
    landing.close()


def test_orders_say_who_had_what_to_do_and_when(landed: list[History], analyst: Client) -> None:
    columns = ", ".join(HeldOrder.__dataclass_fields__)
    for moment in MOMENTS:
        query = f"SELECT {columns} FROM liudan.orders_as_of(t = {_literal(moment)}) ORDER BY number, run"
        found = [HeldOrder(*row) for row in analyst.query(query).result_rows]
        assert found == held_orders(until(landed, moment)), moment
    assert {order.how for order in found} == {
        "",
        "done",
        "returned",
        "transferred",
        "rework",
        "lapsed",
        "ended",
    }


def test_ratings_are_answers_and_silence_is_none(landed: list[History], analyst: Client) -> None:
    asked, answers, lapsed = {}, {}, set()
    for history in landed:
        for event in history:
            key = (str(event.number), event.ticket["cycle"])
            if event.payload.TYPE == "result-fed-back":
                asked[key] = event.occurred_at
            elif event.payload.TYPE == "rating-lapsed":
                lapsed.add(key)
            elif event.payload.TYPE == "order-rated":
                answers[key] = (event.occurred_at, event.payload.solved, event.payload.score)  # type: ignore[attr-defined]  # its kind
    query = "SELECT number, cycle, asked_at, answered_at, solved, score, lapsed FROM liudan.ratings"
    rows = {(row[0], row[1]): tuple(row[2:]) for row in analyst.query(query).result_rows}
    assert rows.keys() == asked.keys() | answers.keys()
    assert answers
    assert lapsed
    for key, row in rows.items():
        assert row == (asked.get(key), *answers.get(key, (None, None, None)), key in lapsed)


def test_figures_as_they_were_known_then(endpoint: Endpoint, analyst: Client) -> None:
    entered_late = record(0, 1)
    value = entered_late.value.replace(b'"recordedtime":"2026-01-01', b'"recordedtime":"2026-02-01')
    assert value != entered_late.value
    landing = Landing(endpoint.client)
    landing.start_offsets([0])
    landing.apply([record(0, 0), entered_late._replace(value=value)], {0: Step(0, 2)})
    landing.close()
    state = "SELECT state FROM liudan.tickets_as_known(t = '2026-01-10 00:00:00', known = '{} 00:00:00')"
    assert analyst.command(state.format("2026-01-10")) == "placed"
    assert analyst.command(state.format("2026-03-01")) == "verified"
    assert analyst.command("SELECT state FROM liudan.tickets_as_of(t = '2026-01-10 00:00:00')") == "verified"


def test_regions_know_their_place(landed: list[History], analyst: Client) -> None:
    rows = {row["code"]: row for row in analyst.query("SELECT * FROM liudan.regions").named_results()}
    village = rows["622901001001"]
    assert village["path"] == ["62", "6229", "622901", "622901001", "622901001001"]
    assert (village["kind"], village["depth"], village["parent"]) == ("village", 5, "622901001")
    assert rows["622901"]["name_zh"] == "临夏市"
    assert rows["130225"]["name_en"] == "Laoting County"
    assert rows["us-nyc:queens:09"]["path"] == ["us-nyc", "us-nyc:queens", "us-nyc:queens:09"]
    assert (rows["us-nyc"]["scheme"], rows["us-nyc"]["parent"]) == ("us-nyc", "")
    seen = {str(event.ticket["region"]) for history in landed for event in history}
    assert seen <= rows.keys()
    assert len(rows) == analyst.command("SELECT uniqExact(code) FROM liudan.regions")


def test_every_kind_of_event_passes_through_every_view(endpoint: Endpoint, analyst: Client) -> None:
    by_number: dict[str, History] = {}
    for event in published():  # several histories have the same number: the first one's events
        if event.sequence == len(by_number.get(str(event.number), ())) + 1:
            by_number.setdefault(str(event.number), []).append(event)
    landing = Landing(endpoint.client)
    land(landing, by_number.values())
    landing.close()
    for view in ("tickets", "orders", "ratings", "breaches", "regions"):
        assert analyst.query(f"SELECT * FROM liudan.{view}").result_rows is not None
    assert analyst.command("SELECT count() FROM liudan.tickets") == len(by_number)
