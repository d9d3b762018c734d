"""Events a second into a new build of the analytics."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httpclient import HttpClient
from kafka import KafkaConsumer, TopicPartition

from consumers.shared_landing import land_in_shares
from infra.clickhouse.accounts import WRITER, read_password
from infra.clickhouse.builds import begin_next, drop_next
from infra.clickhouse.migrate import migrate
from infra.clickhouse.schema import NEXT_EVENTS_TABLE
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.kafka_socket import DIRECT
from infra.event_log.port import TICKETS_TOPIC
from infra.event_mapper import TicketMapper
from infra.settings import Settings
from tests.benchmarks.broker import PARTITIONS, real_broker
from tests.benchmarks.histories import journey_events, number_of
from tests.benchmarks.landing import clickhouse_endpoint
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides
from tests.benchmarks.orders import EVENTS_A_JOURNEY
from tests.benchmarks.profiled import profiled

_BARE_RECORDS = 5_000
_PUBLISHED_AT_ONCE = 1_000


class RebuildOfTheAnalytics:
    """Events a second from a topic of a real broker into a new build of the landing table.

    Ours: `land_in_shares` as `liudan rebuild analytics` runs it, into an empty build, until the last event is
    in it. Theirs: kafka-python's consumer alone, 5,000 records a poll, nothing done with them. Both: 12
    partitions; our clock starts before we connect to the broker, theirs when the partitions are assigned.
    LIUDAN_BENCH_EVENTS sets how many events (default 1,000,000, --quick 45,000).
    """

    name = "rebuild"
    unit = "events/s"
    against = "bare kafka-python consumption"
    limit = Limit(Direction.AT_LEAST, 0.5)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Start a broker and an endpoint, and fill the topic."""
        with ExitStack() as stack:
            open_client = stack.enter_context(clickhouse_endpoint(place))
            client = stack.enter_context(closing(open_client()))
            migrate(client)
            bootstrap = stack.enter_context(real_broker(place.folder))
            log = stack.enter_context(closing(KafkaEventLog(bootstrap)))
            wanted = int(os.environ.get("LIUDAN_BENCH_EVENTS", str(place.pick(1_000_000, 45_000))))
            events = _fill(log, wanted // EVENTS_A_JOURNEY)

            settings = _settings(place, client, bootstrap)

            def ours() -> Figure:
                return profiled(place.profile, lambda: _rebuild(settings, client, events))

            ours()
            _consume(bootstrap, events)
            yield Sides(ours, lambda: _consume(bootstrap, events))


def _fill(log: KafkaEventLog, journeys: int) -> int:
    """Publish one history again and again under other numbers."""
    mapper, model = TicketMapper(), journey_events(0)
    number = model[0].number.encode()
    stored = [mapper.to_stored_event(event).state for event in model]
    for first in range(0, journeys, _PUBLISHED_AT_ONCE):
        serials = range(first, min(first + _PUBLISHED_AT_ONCE, journeys))
        log.publish(
            TICKETS_TOPIC,
            [
                (str(number_of(serial)), state.replace(number, number_of(serial).encode()), position)
                for serial in serials
                for position, state in enumerate(stored, start=serial * EVENTS_A_JOURNEY + 1)
            ],
        )
    return journeys * EVENTS_A_JOURNEY


def _settings(place: Place, client: Client, bootstrap: str) -> Settings:
    password = read_password(place.folder / "clickhouse", WRITER)
    assert isinstance(client, HttpClient)
    address = client.url.removeprefix("http://")
    return Settings(home=place.folder, kafka=bootstrap, clickhouse=f"http://{WRITER}:{password}@{address}")


def _rebuild(settings: Settings, client: Client, events: int) -> Figure:
    drop_next(client)
    begin_next(client)
    began = time.perf_counter()
    land_in_shares(settings, range(PARTITIONS), lambda _: None)
    seconds = time.perf_counter() - began
    landed = client.command(f"SELECT count() FROM {NEXT_EVENTS_TABLE}")
    if landed != events:
        raise RuntimeError(f"{landed} of {events} events are in the new build")
    return Figure(events / seconds)


def _consume(bootstrap: str, events: int) -> Figure:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, proxy_url=DIRECT)
    try:
        consumer.assign([TopicPartition(TICKETS_TOPIC, each) for each in range(PARTITIONS)])
        consumer.seek_to_beginning()
        began, left = time.perf_counter(), events
        while left > 0:
            left -= sum(map(len, consumer.poll(timeout_ms=1000, max_records=_BARE_RECORDS).values()))
        return Figure(events / (time.perf_counter() - began))
    finally:
        consumer.close()
