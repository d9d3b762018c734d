"""The fast way and the careful way from records to rows give the same, and the culprit is named."""

from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cloudevent import encode
from domain.errors import Poison
from infra.clickhouse.arrow_rows import COLUMN_NAMES, landing_table, parsed_at_once, parsed_one_by_one
from infra.event_log.port import LogRecord
from tests.journeys import HAPPY_PATH, walked
from tests.services.landing_records import record


def _as_lists(columns: list[pa.Array] | None) -> list[list[object]]:
    assert columns is not None
    return [column.to_pylist() for column in columns]


def _journey() -> list[LogRecord]:
    events = walked(len(HAPPY_PATH)).events
    return [LogRecord(0, n, event.number, encode(event), n + 1) for n, event in enumerate(events)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5000)), min_size=1, max_size=40))
@settings(deadline=None)
def test_both_ways_agree(places: list[tuple[int, int]]) -> None:
    records = [record(partition, offset) for partition, offset in places] + _journey()
    assert _as_lists(parsed_at_once(records)) == _as_lists(parsed_one_by_one(records))


def test_a_batch_of_many_blocks_keeps_its_order() -> None:
    records = [record(1, offset) for offset in range(12_000)]
    assert sum(len(each.value) for each in records) > 8 << 20
    table = landing_table(records)
    assert table.column_names == list(COLUMN_NAMES)
    assert table["log_offset"].to_pylist() == list(range(12_000))
    assert table["number"].to_pylist() == [each.key for each in records]


@dataclass(frozen=True)
class Spoiled:
    old: bytes
    new: bytes


SPOILED = {
    "cut off": Spoiled(b'"source_id":null}', b'"source_id":'),
    "two objects in one record": Spoiled(b'"specversion":"1.0",', b'"x":1}{"specversion":"1.0",'),
    "text for a number": Spoiled(b'"cycle":1', b'"cycle":"1"'),
    "a fraction": Spoiled(b'"cycle":1', b'"cycle":1.5'),
    "a negative number": Spoiled(b'"returns":0', b'"returns":-1'),
    "a number too large": Spoiled(b'"returns":0', b'"returns":2147483648'),
    "a number for text": Spoiled(b'"urgency":"normal"', b'"urgency":3'),
    "no time": Spoiled(b'"placed_at":"2026-01-01T', b'"placed_at":"soon'),
    "a time out of reach": Spoiled(b'"placed_at":"2026', b'"placed_at":"0026'),
    "no UUID": Spoiled(b'"id":"00000000', b'"id":"x0000000'),
    "a missing state": Spoiled(b'"state":', b'"stat":'),
    "another ticket": Spoiled(b'"subject":"62', b'"subject":"63'),
    "broken UTF-8": Spoiled(b'"normal"', b'"norm\xff"'),
    "flag as a word": Spoiled(b'"suspended":false', b'"suspended":"no"'),
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED.keys())
def test_the_one_bad_record_is_named(spoiled: Spoiled) -> None:
    records = [record(2, offset) for offset in range(200)]
    value = records[57].value.replace(spoiled.old, spoiled.new, 1)
    assert value != records[57].value
    records[57] = records[57]._replace(value=value)
    with pytest.raises(Poison, match="partition 2, offset 57"):
        landing_table(records)


def test_an_empty_value_cannot_hide_behind_two_events_in_another() -> None:
    records = [record(0, offset) for offset in range(10)]
    records[3] = records[3]._replace(value=records[3].value + records[4].value)
    records[4] = records[4]._replace(value=b"")
    with pytest.raises(Poison, match="offset 3"):
        landing_table(records)


def test_what_only_arrow_dislikes_still_lands() -> None:
    records = [record(0, offset) for offset in range(3)]
    doubled = records[1].value.replace(b'"sequence":2', b'"sequence":9,"sequence":2')
    records[1] = records[1]._replace(value=doubled)
    assert landing_table(records)["sequence"].to_pylist() == [1, 2, 3]
