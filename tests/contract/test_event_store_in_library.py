"""The stores as recorders of the `eventsourcing` library: application, repository, subscription."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate
from eventsourcing.domain import event as decided
from eventsourcing.persistence import ApplicationRecorder, IntegrityError
from sqlalchemy.engine import make_url

from infra.event_store.port import EventStore
from tests.contract.event_store_client import event
from tests.contract.event_store_fixtures import open_store, store, store_url

__all__ = ["open_store", "store", "store_url"]


class Ticket(Aggregate):
    @decided("Placed")
    def __init__(self, matter: str) -> None:
        self.matter = matter

    @decided("Renamed")
    def rename(self, matter: str) -> None:
        self.matter = matter


def environment(url: str) -> dict[str, str]:
    parsed = make_url(url)
    if parsed.drivername == "sqlite":
        return {
            "PERSISTENCE_MODULE": "infra.event_store.sqlite",
            "SQLITE_DBNAME": str(Path(parsed.database or "")),
        }
    return {
        "PERSISTENCE_MODULE": "infra.event_store.postgres",
        "POSTGRES_DBNAME": parsed.database or "",
        "POSTGRES_HOST": parsed.host or "",
        "POSTGRES_PORT": str(parsed.port),
        "POSTGRES_USER": parsed.username or "",
        "POSTGRES_PASSWORD": "",
    }


@pytest.fixture(params=[False, True], ids=["", "snapshots"])
def application(store_url: str, request: pytest.FixtureRequest) -> Any:
    snapshots = {"IS_SNAPSHOTTING_ENABLED": "y"} if request.param else {}
    app: Application[Any] = Application(env=environment(store_url) | snapshots)
    yield app
    app.close()


def test_an_application_saves_loads_and_travels_in_time(application: Application[Any]) -> None:
    ticket = Ticket("garbage")
    ticket.rename("sewage")
    assert [r.notification.id for r in application.save(ticket)] == [1, 2]

    assert application.repository.get(ticket.id).matter == "sewage"
    assert application.repository.get(ticket.id, version=1).matter == "garbage"
    assert application.recorder.max_notification_id() == 2
    with pytest.raises(AggregateNotFoundError):
        application.repository.get(uuid4())


def test_a_lost_race_is_the_librarys_conflict(application: Application[Any]) -> None:
    ticket = Ticket("garbage")
    application.save(ticket)
    one: Ticket = application.repository.get(ticket.id)
    other: Ticket = application.repository.get(ticket.id)
    one.rename("sewage")
    other.rename("noise")
    application.save(one)
    with pytest.raises(IntegrityError):
        application.save(other)


def test_a_snapshot_is_used(store_url: str) -> None:
    app: Application[Any] = Application(env=environment(store_url) | {"IS_SNAPSHOTTING_ENABLED": "y"})
    ticket = Ticket("garbage")
    ticket.rename("sewage")
    app.save(ticket)
    app.take_snapshot(ticket.id)
    assert app.snapshots is not None
    assert len(list(app.snapshots.get(ticket.id))) == 1
    assert app.repository.get(ticket.id).matter == "sewage"
    app.close()


def test_a_subscription_yields_the_past_then_waits_for_the_future(store: EventStore) -> None:
    assert isinstance(store, ApplicationRecorder)
    streams = [uuid4() for _ in range(4)]
    store.append([event(streams[0], 1)])
    store.append([event(streams[1], 1)])
    with store.subscribe(gt=1) as subscription:
        assert next(subscription).originator_id == streams[1]
        threading.Timer(0.2, store.append, [[event(streams[2], 1)]]).start()
        assert next(subscription).originator_id == streams[2]
        threading.Timer(0.2, subscription.stop).start()
        assert list(subscription) == []


def test_a_subscription_passes_over_other_topics(store: EventStore) -> None:
    assert isinstance(store, ApplicationRecorder)
    store.append([event(uuid4(), 1)])
    wanted = event(uuid4(), 1)
    with store.subscribe(topics=["no.such.topic"]) as subscription:
        threading.Timer(0.5, subscription.stop).start()
        assert list(subscription) == []
    with store.subscribe(topics=[wanted.topic]) as subscription:
        assert next(subscription).id == 1


def test_a_recorder_reads_as_the_library_asks(open_store: Callable[[], EventStore]) -> None:
    recorder = open_store()
    assert isinstance(recorder, ApplicationRecorder)
    assert recorder.max_notification_id() is None
    stream = uuid4()
    recorder.insert_events([event(stream, version) for version in range(1, 6)])
    assert [e.originator_version for e in recorder.select_events(stream, desc=True, limit=2)] == [5, 4]
    assert [e.originator_version for e in recorder.select_events(stream, gt=1, lte=3)] == [2, 3]
    assert [n.id for n in recorder.select_notifications(2, 10, 4)] == [2, 3, 4]
    assert [n.id for n in recorder.select_notifications(None, 2)] == [1, 2]
    assert recorder.insert_events([]) == []
