"""How a batch is divided among inserts that run side by side."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from infra.clickhouse.lanes import Chunk, in_lanes
from infra.event_log.port import LogRecord

PARTITIONS = st.lists(st.integers(0, 11), max_size=200)


def batch(partitions: Sequence[int]) -> list[LogRecord]:
    seen: Counter[int] = Counter()
    records = []
    for partition in partitions:
        records.append(LogRecord(partition, seen[partition], "", b""))
        seen[partition] += 1
    return records


def flat(lane: Sequence[Chunk]) -> list[LogRecord]:
    return [record for chunk in lane for record in chunk]


@given(PARTITIONS, st.integers(1, 4), st.integers(1, 50))
def test_every_record_is_in_one_lane_and_a_partition_keeps_its_order(
    partitions: list[int], lanes: int, rows: int
) -> None:
    records = batch(partitions)
    divided = [flat(lane) for lane in in_lanes(records, lanes, rows)]
    assert sorted(record for lane in divided for record in lane) == sorted(records)
    assert len(divided) <= lanes
    for partition in set(partitions):
        [of_it] = [found for lane in divided if (found := [r for r in lane if r.partition == partition])]
        assert of_it == [record for record in records if record.partition == partition]


@given(PARTITIONS, st.integers(1, 4), st.integers(1, 50))
def test_chunks_are_about_as_long_as_they_should_be(partitions: list[int], lanes: int, rows: int) -> None:
    for lane in in_lanes(batch(partitions), lanes, rows):
        assert all(1 <= len(chunk) <= 1.5 * rows + 1 for chunk in lane)
        assert len({len(chunk) for chunk in lane[:-1]}) <= 1


def test_partitions_are_shared_out_evenly() -> None:
    lanes = in_lanes(batch([0] * 60 + [1] * 40 + [2] * 30 + [3] * 10), 2, 50)
    assert [len(flat(lane)) for lane in lanes] == [70, 70]


def test_a_small_batch_is_one_insert() -> None:
    [[chunk]] = in_lanes(batch([0, 1, 2] * 40), 2, 100)
    assert len(chunk) == 120
