"""An event as a flat row: everything of the summary, nothing of a person."""

from datetime import UTC, datetime

import orjson
import pytest

from domain.cloudevent import encode
from domain.errors import Poison
from domain.ticket_event import TicketSummary
from infra.clickhouse.arrow_rows import parsed_at_once, parsed_one_by_one
from infra.event_log.port import LogRecord
from projections.ticket_events import COLUMNS, Kind, landing_row
from tests.journeys import HAPPY_PATH, RESIDENT_ID, walked
from tests.published_histories import histories
from tests.services.landing_records import record


def test_a_row_says_what_the_summary_says() -> None:
    for event in walked(len(HAPPY_PATH)).events:
        row = landing_row(encode(event), event.number)
        for name, value in event.ticket.items():
            expected = "" if value is None and row[name] == "" else value
            assert row.get(name, expected) == expected, name
        assert row["occurred_at"] == event.occurred_at
        assert row["sequence"] == event.sequence
        assert row["type"] == event.type


def test_every_part_of_the_summary_has_a_column() -> None:
    assert set(TicketSummary.__annotations__) == {
        c.name for c in COLUMNS if c.path[:2] == ("data", "ticket")
    } | {"number"}


def test_no_person_has_a_column() -> None:
    for event in walked(len(HAPPY_PATH)).events:
        values = list(landing_row(encode(event), event.number).values())
        assert event.actor.id not in values or event.actor.id == event.ticket["first_handler"]
        assert str(RESIDENT_ID) not in map(str, values)


def _without(path: tuple[str, ...]) -> bytes:
    event = orjson.loads(record(0, 0).value)
    branch = event
    for step in path[:-1]:
        branch = branch.get(step, {})
    branch.pop(path[-1], None)
    return orjson.dumps(event)


@pytest.mark.parametrize("column", [c for c in COLUMNS if c.required], ids=lambda c: c.name)
def test_a_missing_required_value_is_poison_and_named(column) -> None:  # type: ignore[no-untyped-def]  # parametrised
    with pytest.raises(Poison, match=column.path[-1]):
        landing_row(_without(column.path), record(0, 0).key)


@pytest.mark.parametrize("column", [c for c in COLUMNS if not c.required], ids=lambda c: c.name)
def test_a_missing_optional_value_is_empty(column) -> None:  # type: ignore[no-untyped-def]  # parametrised
    row = landing_row(_without(column.path), record(0, 0).key)
    empty = {Kind.WORD: "", Kind.TEXT: "", Kind.FLAG: False}
    assert row[column.name] == empty.get(column.kind)


@pytest.mark.parametrize(
    "value", [b"", b"not json", b"[1]", b"null", b'"text"', b"\xff", b'{"id":"\\ud800"}', b'{"id":5}']
)
def test_what_is_no_event_is_poison(value: bytes) -> None:
    with pytest.raises(Poison):
        landing_row(value, "622901-260101-0000000")


def test_what_a_kind_of_event_says_of_itself_has_its_columns() -> None:
    for event in histories():
        row = landing_row(encode(event), event.number)
        said = orjson.loads(encode(event))["data"]
        for column in COLUMNS:
            if column.path[:1] == ("data",) and column.path[1] in said and column.only_in in ("", event.type):
                value = said
                for step in column.path[1:]:
                    value = value.get(step) if value else None
                landed = row[column.name]
                as_text = landed.isoformat() if isinstance(landed, datetime) else landed
                as_said = (value, value or "", value or False, f"{value}".replace("Z", "+00:00"))
                assert as_text in as_said, column.name


@pytest.mark.parametrize("way", ["fast", "careful"])
def test_free_words_never_land(way: str) -> None:
    words = "写给自己看的话"
    for event in histories():
        said = orjson.loads(encode(event))
        if event.type != "liudan.ticket.order-rejected.v1":
            said["data"]["reason"] = words
        record = LogRecord(0, 0, event.number, orjson.dumps(said), 1)
        columns = parsed_at_once([record]) if way == "fast" else parsed_one_by_one([record])
        assert columns is not None
        assert words not in [column.to_pylist()[0] for column in columns]


def test_both_ways_agree_on_every_kind_of_event() -> None:
    records = [LogRecord(0, n, event.number, encode(event), n) for n, event in enumerate(histories())]
    fast, careful = parsed_at_once(records), parsed_one_by_one(records)
    assert fast is not None
    for column, one, other in zip(COLUMNS, fast, careful, strict=True):
        assert one.to_pylist() == other.to_pylist(), column.name


def test_a_score_that_its_column_cannot_hold_is_poison() -> None:
    value = record(0, 0).value.replace(b'"sealed":', b'"score":256,"sealed":')
    with pytest.raises(Poison, match="score"):
        landing_row(value, record(0, 0).key)
    assert parsed_at_once([record(0, 0)._replace(value=value)]) is None


def test_an_event_under_another_tickets_key_is_poison() -> None:
    with pytest.raises(Poison, match="622901"):
        landing_row(record(0, 0).value, "622901-260101-OTHER")


def test_times_keep_their_microseconds_and_their_moment() -> None:
    value = record(0, 3).value.replace(
        b'"time":"2026-01-01T00:03:00.000003Z"', b'"time":"2026-01-01T08:03:00.000003+08:00"'
    )
    assert landing_row(value, record(0, 3).key)["occurred_at"] == datetime(2026, 1, 1, 0, 3, 0, 3, tzinfo=UTC)
