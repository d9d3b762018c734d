"""One suite for every event log: Kafka, and the event store with its side topics."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest

from domain.errors import Halted, Transient
from infra.event_log.embedded import EmbeddedEventLog
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import SLA_TOPIC, TICKETS_TOPIC, EventLog, LogReader, LogRecord
from infra.event_store.open import open_event_store
from tests.services.kafka import broker, kafka
from tests.services.sample_events import event_bytes, number, sequence_of, stored

__all__ = ["broker", "kafka"]

Put = Callable[[str, Sequence[int]], None]


@dataclass
class Backend:
    """An event log, how tickets get into it, and a second log over the same as another process would have."""

    log: EventLog
    put: Put
    other: EventLog


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "kafka":
        yield from _kafka(request.getfixturevalue("kafka"))
    else:
        yield from _embedded(tmp_path)


def _kafka(bootstrap: str) -> Iterator[Backend]:
    with closing(KafkaEventLog(bootstrap)) as log, closing(KafkaEventLog(bootstrap)) as other:

        def put(ticket: str, sequences: Sequence[int]) -> None:
            log.publish(TICKETS_TOPIC, [(ticket, event_bytes(ticket, each), each) for each in sequences])

        yield Backend(log, put, other)


def _embedded(folder: Path) -> Iterator[Backend]:
    url = f"sqlite:///{folder}/events.db"
    with closing(open_event_store(url)) as store, closing(open_event_store(url)) as second:

        def put(ticket: str, sequences: Sequence[int]) -> None:
            store.append([stored(ticket, each) for each in sequences])

        with (
            closing(EmbeddedEventLog(store, folder)) as log,
            closing(EmbeddedEventLog(second, folder)) as other,
        ):
            yield Backend(log, put, other)


def from_the_beginning(partitions: Sequence[int]) -> Mapping[int, int]:
    return {}


def take(reader: LogReader, count: int, timeout_seconds: float = 20) -> list[LogRecord]:
    """Poll until so many records have come."""
    records: list[LogRecord] = []
    until = monotonic() + timeout_seconds
    while len(records) < count and monotonic() < until:
        records += reader.poll(count - len(records), 0.2)
    return records


def test_gives_the_bytes_the_key_and_the_position(backend: Backend) -> None:
    backend.put(number(1), [1, 2, 3])
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        records = take(reader, 3)
    assert [record.value for record in records] == [event_bytes(number(1), each) for each in (1, 2, 3)]
    assert {record.key for record in records} == {number(1)}
    assert [record.position for record in records] == [1, 2, 3]


def test_keeps_the_order_within_a_ticket(backend: Backend) -> None:
    for sequence in range(1, 21):
        for ticket in range(15):
            backend.put(number(ticket), [sequence])
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        records = take(reader, 300)
    assert len(records) == 300
    for ticket in range(15):
        mine = [sequence_of(record.value) for record in records if record.key == number(ticket)]
        assert mine == list(range(1, 21))


def test_offsets_rise_within_a_partition_up_to_the_end(backend: Backend) -> None:
    for ticket in range(30):
        backend.put(number(ticket), [1, 2])
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        records = take(reader, 60)
    last: dict[int, int] = {}
    for record in records:
        assert record.offset > last.get(record.partition, -1)
        last[record.partition] = record.offset
    ends = {partition: end for partition, end in backend.log.end_offsets(TICKETS_TOPIC).items() if end}
    assert ends == {partition: offset + 1 for partition, offset in last.items()}


def test_starts_where_the_sink_says(backend: Backend) -> None:
    backend.put(number(1), [1, 2, 3, 4])
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        third = take(reader, 4)[2]
    starts = {third.partition: third.offset}
    with closing(backend.log.reader("g2", TICKETS_TOPIC, lambda _: starts)) as reader:
        assert [sequence_of(record.value) for record in take(reader, 2)] == [3, 4]


def test_never_reads_positions_back_from_the_log(backend: Backend) -> None:
    backend.put(number(1), [1, 2])
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        records = take(reader, 2)
        reader.applied({records[-1].partition: records[-1].offset + 1})
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        assert len(take(reader, 2)) == 2


def test_reads_again_from_the_sinks_positions_after_a_rewind(backend: Backend) -> None:
    backend.put(number(1), [1, 2, 3])
    starts: dict[int, int] = {}
    with closing(backend.log.reader("g", TICKETS_TOPIC, lambda _: starts)) as reader:
        first = take(reader, 3)
        starts[first[0].partition] = first[1].offset
        reader.rewind()
        assert [sequence_of(record.value) for record in take(reader, 2)] == [2, 3]


def test_asks_again_when_the_sink_was_away(backend: Backend) -> None:
    backend.put(number(1), [1])
    failures = [Transient("away")]

    def start(partitions: Sequence[int]) -> Mapping[int, int]:
        if failures and partitions:
            raise failures.pop()
        return {}

    with closing(backend.log.reader("g", TICKETS_TOPIC, start)) as reader:
        with pytest.raises(Transient):
            take(reader, 1)
        assert len(take(reader, 1)) == 1


def test_wakes_up_for_a_new_record(backend: Backend) -> None:
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        backend.put(number(1), [1])
        take(reader, 1)
        later = threading.Timer(0.3, backend.put, (number(1), [2]))
        later.start()
        began = monotonic()
        records = reader.poll(10, 20.0)
        later.join()
    assert [sequence_of(record.value) for record in records] == [2]
    assert monotonic() - began < 10


def test_an_empty_poll_ends_after_its_time(backend: Backend) -> None:
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        began = monotonic()
        assert not reader.poll(10, 0.3)
    assert 0.2 < monotonic() - began < 10


def test_a_position_that_is_not_in_the_log_halts(backend: Backend) -> None:
    backend.put(number(1), [1])
    with (
        closing(backend.log.reader("g", TICKETS_TOPIC, lambda parts: dict.fromkeys(parts, 999))) as reader,
        pytest.raises(Halted, match="rebuild the projection"),
    ):
        take(reader, 1)


def test_lag_counts_what_is_still_to_come(backend: Backend) -> None:
    backend.put(number(1), range(1, 11))
    with closing(backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)) as reader:
        take(reader, 4)
        assert sum(reader.lag().values()) == 6
        take(reader, 6)
        assert sum(reader.lag().values()) == 0


def test_a_group_shares_the_partitions_and_hands_them_on(backend: Backend) -> None:
    for ticket in range(40):
        backend.put(number(ticket), [1])
    first = backend.log.reader("g", TICKETS_TOPIC, from_the_beginning)
    with closing(backend.other.reader("g", TICKETS_TOPIC, from_the_beginning)) as second:
        with closing(first):
            owned = _owners(first, second)
            assert owned[0].isdisjoint(owned[1])
        before = owned[0] | owned[1]
        until = monotonic() + 30
        while set(second.lag()) != before and monotonic() < until:
            second.poll(100, 0.2)
        assert set(second.lag()) == before


def _owners(first: LogReader, second: LogReader) -> tuple[set[int], set[int]]:
    """Poll both, as two processes would, until every partition has an owner and nothing moves."""
    stop = threading.Event()

    def follow(reader: LogReader) -> None:
        while not stop.is_set():
            reader.poll(100, 0.2)

    threads = [threading.Thread(target=follow, args=(reader,)) for reader in (first, second)]
    for thread in threads:
        thread.start()
    stop.wait(4)
    stop.set()
    for thread in threads:
        thread.join()
    return set(first.lag()), set(second.lag())


def test_two_groups_each_read_everything(backend: Backend) -> None:
    backend.put(number(1), [1, 2, 3])
    for group in ("a", "b"):
        with closing(backend.log.reader(group, TICKETS_TOPIC, from_the_beginning)) as reader:
            assert len(take(reader, 3)) == 3


def test_publishes_to_the_side_topics_with_headers(backend: Backend) -> None:
    headers = [("liudan-reason", b"because"), ("other", b"\xff\x00")]
    backend.log.publish(SLA_TOPIC, [("k1", b"one", None), ("k1", b"two", 7)], headers)
    with closing(backend.other.reader("g", SLA_TOPIC, from_the_beginning)) as reader:
        one, two = take(reader, 2)
    assert (one.key, one.value, one.position) == ("k1", b"one", None)
    assert (two.key, two.value, two.position) == ("k1", b"two", 7)
    for record in (one, two):
        assert set(headers) <= set(record.headers)


def test_publishing_without_waiting_is_there_when_it_says_so(backend: Backend) -> None:
    pending = [backend.log.publish_async(SLA_TOPIC, [("k", b"%d" % each, None)]) for each in range(50)]
    assert all(one.wait(20) for one in pending)
    assert all(one.done() for one in pending)
    assert [record.value for record in backend.log.history(SLA_TOPIC)] == [b"%d" % each for each in range(50)]


def test_history_is_everything_up_to_now_and_joins_no_group(backend: Backend) -> None:
    assert list(backend.log.history(TICKETS_TOPIC)) == []
    for ticket in range(20):
        backend.put(number(ticket), [1, 2])
    found = sorted((record.key, sequence_of(record.value)) for record in backend.log.history(TICKETS_TOPIC))
    assert found == [(number(ticket), sequence) for ticket in range(20) for sequence in (1, 2)]


def test_the_history_of_some_partitions_is_theirs_alone(backend: Backend) -> None:
    for ticket in range(20):
        backend.put(number(ticket), [1])
    everything = [(r.partition, r.offset) for r in backend.log.history(TICKETS_TOPIC)]
    partitions = sorted({partition for partition, _ in everything})
    shares = [partitions[0::2], partitions[1::2]]
    found = [
        [(r.partition, r.offset) for r in backend.log.history(TICKETS_TOPIC, partitions=share)]
        for share in shares
    ]
    for share, mine in zip(shares, found, strict=True):
        assert {partition for partition, _ in mine} == set(share)
    assert sorted(found[0] + found[1]) == sorted(everything)


def test_a_topic_keeps_its_identity(backend: Backend) -> None:
    assert backend.log.identity(TICKETS_TOPIC) == backend.other.identity(TICKETS_TOPIC)
    assert backend.log.identity(TICKETS_TOPIC) != backend.log.identity(SLA_TOPIC)


def test_a_group_name_may_be_anything_sensible(backend: Backend) -> None:
    backend.put(number(1), [1])
    with closing(backend.log.reader(f"state-{uuid4()}", TICKETS_TOPIC, from_the_beginning)) as reader:
        assert len(take(reader, 1)) == 1
