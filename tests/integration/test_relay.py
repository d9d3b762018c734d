"""The relay against a real broker: in order and nothing missing, whoever is killed."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from consumers.backoff import Backoff
from consumers.progress import Condition
from consumers.relay import Relay, RelaySettings
from infra.broker.broker import Cluster
from infra.broker.topics import create_topics
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.relay_mark import relay_bookmark
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from tests.services.eventually import eventually
from tests.services.kafka import broker, empty_topics, kafka, own_broker, require_kafka
from tests.services.sample_events import event_bytes, number, sequence_of, stored
from tests.services.stream_process import stream_process

__all__ = ["broker", "kafka", "own_broker"]
pytestmark = pytest.mark.kafka

TICKETS = 25


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with closing(open_event_store(store_url(tmp_path))) as store:
        yield store


def store_url(folder: Path) -> str:
    return f"sqlite:///{folder}/events.db"


def add(store: EventStore, first: int, last: int) -> None:
    """Commit the events of the given sequences for every ticket."""
    for sequence in range(first, last + 1):
        store.append([stored(number(ticket), sequence) for ticket in range(TICKETS)])


@contextmanager
def relaying(store: EventStore, bootstrap: str, settings: RelaySettings | None = None) -> Iterator[Relay]:
    with closing(KafkaEventLog(bootstrap)) as log:
        relay = Relay(store, log, settings=settings, backoff=Backoff(longest_seconds=0.5))
        thread = threading.Thread(target=relay.run)
        thread.start()
        try:
            yield relay
        finally:
            relay.stop.set()
            thread.join()


def position(relay: Relay) -> int:
    return relay.progress.standing().positions.get(0, 0)


def check_topic(bootstrap: str, last: int, *, repeats: bool = True) -> None:
    """Every event is there with its bytes, and none before an earlier one of its ticket."""
    newest: dict[str, int] = {}
    with closing(KafkaEventLog(bootstrap)) as log:
        for record in log.history(TICKETS_TOPIC):
            sequence = sequence_of(record.value)
            reached = newest.get(record.key, 0)
            assert sequence <= reached + 1, f"{record.key}: {sequence} right after {reached}"
            assert repeats or sequence == reached + 1
            assert record.value == event_bytes(record.key, sequence)
            newest[record.key] = max(reached, sequence)
    assert newest == {number(ticket): last for ticket in range(TICKETS)}


def test_carries_the_stored_bytes_once_and_in_order(store: EventStore, kafka: str) -> None:
    add(store, 1, 10)
    with relaying(store, kafka) as relay:
        eventually(lambda: position(relay) == 10 * TICKETS)
        add(store, 11, 20)
        eventually(lambda: position(relay) == 20 * TICKETS)
    check_topic(kafka, 20, repeats=False)


def test_goes_on_where_it_was_after_a_restart(store: EventStore, kafka: str) -> None:
    add(store, 1, 5)
    with relaying(store, kafka) as relay:
        eventually(lambda: position(relay) == 5 * TICKETS)
    add(store, 6, 10)
    with relaying(store, kafka) as relay:
        eventually(lambda: position(relay) == 10 * TICKETS)
    check_topic(kafka, 10, repeats=False)


def test_catches_up_in_order_when_the_broker_was_away(store: EventStore, own_broker: Cluster) -> None:
    add(store, 1, 5)
    with relaying(store, own_broker.bootstrap, RelaySettings(batch=20)) as relay:
        eventually(lambda: position(relay) == 5 * TICKETS)
        own_broker.kill()
        add(store, 6, 40)  # commands go on while it is away
        time.sleep(1)
        assert position(relay) == 5 * TICKETS
        own_broker.restart()
        own_broker.wait_ready()
        add(store, 41, 50)
        eventually(lambda: position(relay) == 50 * TICKETS)
    check_topic(own_broker.bootstrap, 50)


def test_a_broker_killed_under_load_loses_nothing(store: EventStore, own_broker: Cluster) -> None:
    with relaying(store, own_broker.bootstrap, RelaySettings(batch=20, in_flight=8)) as relay:
        writer = threading.Thread(target=add, args=(store, 1, 400))
        writer.start()
        for _ in range(2):
            time.sleep(0.4)
            own_broker.kill()
            own_broker.restart()
            own_broker.wait_ready()
        writer.join()
        eventually(lambda: position(relay) == 400 * TICKETS)
    check_topic(own_broker.bootstrap, 400)


def test_waits_for_a_broker_that_is_not_there_yet(store: EventStore, own_broker: Cluster) -> None:
    own_broker.kill()
    add(store, 1, 2)
    with relaying(store, own_broker.bootstrap) as relay:
        eventually(lambda: relay.progress.standing().condition is Condition.WAITING)
        own_broker.restart()
        own_broker.wait_ready()
        eventually(lambda: position(relay) == 2 * TICKETS)
    check_topic(own_broker.bootstrap, 2)


def test_a_relay_that_is_killed_skips_nothing(store: EventStore, kafka: str, tmp_path: Path) -> None:
    writer = threading.Thread(target=add, args=(store, 1, 600))
    writer.start()
    with closing(KafkaEventLog(kafka)) as log:
        name = relay_bookmark(log)
        for _ in range(4):
            before = store.bookmark(name)
            with stream_process("relay", store_url(tmp_path), kafka):
                eventually(lambda before=before: store.bookmark(name) > before)  # type: ignore[misc]  # bound
    writer.join()
    with relaying(store, kafka) as relay:
        eventually(lambda: position(relay) == 600 * TICKETS)
    check_topic(kafka, 600)


def test_of_two_relays_one_is_active_and_the_other_takes_over(store: EventStore, kafka: str) -> None:
    quick = RelaySettings(standby_seconds=0.05)
    add(store, 1, 3)
    with relaying(store, kafka, quick) as second_holder:
        eventually(lambda: position(second_holder) == 3 * TICKETS)
        with relaying(store, kafka, quick) as other:
            add(store, 4, 6)
            eventually(lambda: position(second_holder) == 6 * TICKETS)
            assert other.progress.standing().applied == 0
            second_holder.stop.set()
            add(store, 7, 9)
            eventually(lambda: position(other) == 9 * TICKETS)
    check_topic(kafka, 9)


def test_a_topic_made_anew_is_filled_from_the_first_event(store: EventStore, kafka: str) -> None:
    add(store, 1, 5)
    with relaying(store, kafka) as relay:
        eventually(lambda: position(relay) == 5 * TICKETS)
    empty_topics(kafka)
    with relaying(store, kafka) as relay:
        eventually(lambda: relay.progress.standing().applied == 5 * TICKETS)
    check_topic(kafka, 5, repeats=False)


@pytest.mark.slow
def test_three_nodes_lose_one_and_nothing_else(store: EventStore, tmp_path: Path) -> None:
    require_kafka()
    with Cluster(tmp_path / "kafka", nodes=3) as cluster:
        create_topics(cluster.bootstrap)
        with relaying(store, cluster.bootstrap, RelaySettings(batch=50)) as relay:
            writer = threading.Thread(target=add, args=(store, 1, 200))
            writer.start()
            eventually(lambda: position(relay) > 0)
            cluster.kill(2)
            writer.join()
            eventually(lambda: position(relay) == 200 * TICKETS)
        check_topic(cluster.bootstrap, 200)
