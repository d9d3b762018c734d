"""The poll loop over a real broker and a sink with real transactions."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from consumers.backoff import Backoff
from consumers.dead_letters import DeadLetters
from consumers.poll_loop import LoopSettings, PollLoop
from consumers.progress import Condition
from domain.errors import Halted
from infra.broker.broker import Cluster
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import TICKETS_TOPIC
from tests.services.eventually import eventually
from tests.services.kafka import broker, empty_topics, kafka, own_broker
from tests.services.sample_events import event_bytes, number
from tests.services.sqlite_sink import SqliteSink
from tests.services.stream_process import stream_process

__all__ = ["broker", "kafka", "own_broker"]
pytestmark = pytest.mark.kafka

TICKETS = 25


def put(log: KafkaEventLog, first: int, last: int) -> None:
    log.publish(
        TICKETS_TOPIC,
        [
            (number(ticket), event_bytes(number(ticket), sequence), None)
            for sequence in range(first, last + 1)
            for ticket in range(TICKETS)
        ],
    )


def everything(last: int) -> dict[str, list[int]]:
    return {number(ticket): list(range(1, last + 1)) for ticket in range(TICKETS)}


@contextmanager
def following(
    log: KafkaEventLog, sink: SqliteSink, settings: LoopSettings | None = None
) -> Iterator[PollLoop]:
    loop = PollLoop(
        log,
        TICKETS_TOPIC,
        "follow",
        sink,
        settings=settings or LoopSettings(max_records=50, report_seconds=0.2),
        backoff=Backoff(longest_seconds=0.5),
    )
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        loop.stop.set()
        thread.join()


@pytest.fixture
def log(kafka: str) -> Iterator[KafkaEventLog]:
    with closing(KafkaEventLog(kafka)) as log:
        yield log


@pytest.fixture
def sink(tmp_path: Path) -> SqliteSink:
    return SqliteSink(tmp_path / "sink.db")


def test_applies_everything_and_reports_no_lag_in_the_end(log: KafkaEventLog, sink: SqliteSink) -> None:
    put(log, 1, 20)
    with following(log, sink) as loop:
        eventually(lambda: sink.count() == 20 * TICKETS)
        eventually(lambda: len(loop.progress.standing().lag) == 12)
        eventually(lambda: loop.progress.standing().total_lag == 0)
        assert loop.progress.standing().condition is Condition.RUNNING
    assert sink.sequences() == everything(20)
    ends = {partition: end for partition, end in log.end_offsets(TICKETS_TOPIC).items() if end}
    reached = loop.progress.standing().positions
    assert {partition: reached[partition] for partition in ends} == ends


def test_two_members_share_the_work_and_one_takes_over(kafka: str, sink: SqliteSink) -> None:
    with (
        closing(KafkaEventLog(kafka)) as log,
        closing(KafkaEventLog(kafka)) as second,
        following(log, sink) as one,
    ):
        put(log, 1, 5)
        eventually(lambda: sink.count() == 5 * TICKETS)
        with following(second, sink) as other:
            eventually(lambda: len(other.progress.standing().positions) == 6)
            put(log, 6, 10)
            eventually(lambda: sink.count() == 10 * TICKETS)
            assert other.progress.standing().applied > 0
            one.stop.set()
            put(log, 11, 20)
            eventually(lambda: sink.count() == 20 * TICKETS)
    assert sink.sequences() == everything(20)


def test_a_killed_member_loses_and_doubles_nothing(kafka: str, tmp_path: Path) -> None:
    sink = SqliteSink(tmp_path / "sink.db")
    with closing(KafkaEventLog(kafka)) as log:
        for round_ in range(3):
            before = sink.count()
            with stream_process("follow", str(tmp_path / "sink.db"), kafka):
                put(log, 1 + round_ * 40, 40 + round_ * 40)
                eventually(lambda before=before: sink.count() > before)  # type: ignore[misc]  # bound
        with following(log, sink):
            eventually(lambda: sink.count() == 120 * TICKETS)
    assert sink.sequences() == everything(120)


def test_survives_a_broker_that_is_killed(own_broker: Cluster, tmp_path: Path) -> None:
    sink = SqliteSink(tmp_path / "sink.db")
    with closing(KafkaEventLog(own_broker.bootstrap)) as log, following(log, sink) as loop:
        put(log, 1, 5)
        eventually(lambda: sink.count() == 5 * TICKETS)
        own_broker.kill()
        own_broker.restart()
        own_broker.wait_ready()
        put(log, 6, 10)
        eventually(lambda: sink.count() == 10 * TICKETS)
        assert loop.progress.standing().condition is Condition.RUNNING
    assert sink.sequences() == everything(10)


def test_an_event_that_came_twice_is_applied_once(log: KafkaEventLog, sink: SqliteSink) -> None:
    put(log, 1, 3)
    put(log, 2, 5)
    with following(log, sink):
        eventually(lambda: sink.count() == 5 * TICKETS)
    assert sink.sequences() == everything(5)


def test_a_gap_in_a_ticket_stops_the_loop(log: KafkaEventLog, sink: SqliteSink) -> None:
    put(log, 1, 2)
    put(log, 4, 4)
    loop = PollLoop(log, TICKETS_TOPIC, "follow", sink, settings=LoopSettings(max_records=1))
    with pytest.raises(Halted, match="4 comes after 2"):
        loop.run()


def test_a_topic_made_anew_stops_the_loop_and_asks_for_a_rebuild(kafka: str, sink: SqliteSink) -> None:
    with closing(KafkaEventLog(kafka)) as log:
        put(log, 1, 3)
        with following(log, sink):
            eventually(lambda: sink.count() == 3 * TICKETS)
    empty_topics(kafka)
    with closing(KafkaEventLog(kafka)) as log, pytest.raises(Halted, match="rebuild the projection"):
        PollLoop(log, TICKETS_TOPIC, "follow", sink).run()


def test_poison_is_set_aside_with_its_ticket_and_replayed(log: KafkaEventLog, sink: SqliteSink) -> None:
    bad = number(3)
    log.publish(TICKETS_TOPIC, [(bad, b"{torn", 1)], [("trace", b"t-1")])
    put(log, 1, 3)
    with following(log, sink):
        eventually(lambda: sink.count() == 3 * (TICKETS - 1))
        letters = DeadLetters(log)
        eventually(lambda: len(letters.open("follow", bad)) == 4)
    first, *behind = letters.open()
    assert (first.record.value, first.record.position, first.reason) == (b"{torn", 1, "not an event")
    assert ("trace", b"t-1") in first.record.headers
    assert [letter.record.value for letter in behind] == [event_bytes(bad, each) for each in (1, 2, 3)]
    assert letters.discard("follow", bad, sink, by="operator") == 4
    assert letters.open() == []
    put(log, 4, 4)
    with following(log, sink):
        eventually(lambda: sink.count() == 4 * TICKETS)
    assert sink.sequences() == everything(4)
