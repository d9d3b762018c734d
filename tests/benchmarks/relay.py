"""Events a second from the event store to Kafka."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count

from eventsourcing.persistence import Notification
from kafka import KafkaProducer

from consumers.relay import PARTITION, Relay
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.kafka_writer import producer_settings
from infra.event_log.port import POSITION_HEADER
from infra.event_log.subject import subject_of
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from tests.benchmarks.broker import PARTITIONS, real_broker
from tests.benchmarks.histories import fill
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides
from tests.benchmarks.profiled import profiled

_BARE_TOPIC = "bench.bare"
_LOOK_SECONDS = 0.002


class RelayToKafka:
    """Events a second to a real broker, until the last one is acknowledged.

    Ours: the relay, from a SQLite event store. Theirs: a bare kafka-python producer that is given the
    same bytes, keys and headers from memory and then flushed. Both: 12 partitions, the same producer
    settings (idempotent, acks=all, lz4), already connected.
    """

    name = "relay"
    unit = "events/s"
    against = "bare kafka-python producer"
    limit = Limit(Direction.AT_LEAST, 0.7)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Start a broker; every run of ours carries new events, and theirs carries the same ones again."""
        serials = count()
        with ExitStack() as stack:
            bootstrap = stack.enter_context(real_broker(place.folder, [_BARE_TOPIC]))
            store = stack.enter_context(closing(open_event_store(f"sqlite:///{place.folder}/events.db")))
            log = stack.enter_context(closing(KafkaEventLog(bootstrap)))
            producer = KafkaProducer(**producer_settings(bootstrap))
            stack.callback(producer.close)
            journeys = place.pick(4000, 600)
            events: list[Notification] = []

            def ours() -> Figure:
                events[:] = fill(store, next(serials) * journeys, journeys)
                return profiled(place.profile, lambda: _relay(store, log, events))

            ours()
            _produce(producer, events)
            yield Sides(ours, lambda: _produce(producer, events))


def _relay(store: EventStore, log: KafkaEventLog, events: Sequence[Notification]) -> Figure:
    relay = Relay(store, log)
    seconds: list[float] = []
    watcher = threading.Thread(target=lambda: seconds.append(_watch(relay, events[-1].id)))
    watcher.start()
    relay.run()
    watcher.join()
    return Figure(len(events) / seconds[0])


def _watch(relay: Relay, last: int) -> float:
    """Give the seconds from the relay's start of work to its last acknowledgement, and stop it then."""
    while PARTITION not in relay.progress.standing().positions:
        time.sleep(_LOOK_SECONDS)
    began = time.perf_counter()
    while relay.progress.standing().positions[PARTITION] < last:
        time.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - began
    relay.stop.set()
    return seconds


def _produce(producer: KafkaProducer, events: Sequence[Notification]) -> Figure:
    records = [
        (subject_of(event.state).encode(), event.state, [(POSITION_HEADER, b"%d" % event.id)])
        for event in events
    ]
    assert len(producer.partitions_for(_BARE_TOPIC)) == PARTITIONS
    began = time.perf_counter()
    for key, value, headers in records:
        producer.send(_BARE_TOPIC, value=value, key=key, headers=headers)
    producer.flush()
    return Figure(len(records) / (time.perf_counter() - began))
