"""Events a second from Kafka into the ticket-state table."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import orjson
from kafka import KafkaConsumer, TopicPartition

from consumers.followers import FOLLOWERS
from consumers.poll_loop import PollLoop
from consumers.projector import ProjectionSink
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.kafka_socket import DIRECT
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.subject import subject_of
from infra.read_store.open import open_read_store
from infra.read_store.ticket_rows import TicketStateProjection
from tests.benchmarks.broker import PARTITIONS, real_broker
from tests.benchmarks.histories import stored_journeys
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides
from tests.benchmarks.orders import EVENTS_A_JOURNEY
from tests.benchmarks.profiled import profiled
from tests.benchmarks.watched_sink import WatchedSink

_SETTINGS = FOLLOWERS["ticket-state"].settings


class TicketState:
    """Events a second from a topic of a real broker into SQLite, rows and positions in one transaction.

    Ours: the poll loop with the ticket-state projection, into an empty table. Theirs: kafka-python's
    consumer alone, each record parsed by orjson. Both: the same topic of whole six-order histories, 12
    partitions, batches of up to 1,000 records; the clock starts when the partitions are assigned.
    """

    name = "projection"
    unit = "events/s"
    against = "bare kafka-python consumption with JSON parsing"
    limit = Limit(Direction.AT_LEAST, 0.3)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Start a broker and fill the topic."""
        runs = count()
        with ExitStack() as stack:
            bootstrap = stack.enter_context(real_broker(place.folder))
            log = stack.enter_context(closing(KafkaEventLog(bootstrap)))
            journeys = place.pick(6000, 800)
            for serial in range(0, journeys, 500):
                stored = stored_journeys(serial, min(500, journeys - serial))
                log.publish(TICKETS_TOPIC, [(subject_of(event.state), event.state, None) for event in stored])
            events = journeys * EVENTS_A_JOURNEY

            def ours() -> Figure:
                file = place.folder / f"read-{next(runs)}.db"
                return profiled(place.profile, lambda: _project(log, file, events))

            ours()
            _consume(bootstrap, events)
            yield Sides(ours, lambda: _consume(bootstrap, events))


def _project(log: KafkaEventLog, file: Path, events: int) -> Figure:
    with closing(open_read_store(f"sqlite:///{file}")) as reads:
        sink = WatchedSink(
            ProjectionSink.following(reads, TicketStateProjection(), log, TICKETS_TOPIC), events
        )
        PollLoop(log, TICKETS_TOPIC, f"bench-{uuid4()}", sink, settings=_SETTINGS, stop=sink.stop).run()
    return Figure(events / sink.seconds)


def _consume(bootstrap: str, events: int) -> Figure:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, proxy_url=DIRECT)
    try:
        consumer.assign([TopicPartition(TICKETS_TOPIC, each) for each in range(PARTITIONS)])
        consumer.seek_to_beginning()
        began, left = time.perf_counter(), events
        while left > 0:
            for records in consumer.poll(timeout_ms=1000, max_records=_SETTINGS.max_records).values():
                for record in records:
                    orjson.loads(record.value)
                left -= len(records)
        return Figure(events / (time.perf_counter() - began))
    finally:
        consumer.close()
