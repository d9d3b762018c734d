"""What only the event store in PostgreSQL has to withstand."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from infra.event_store.open import open_event_store, open_postgres
from infra.event_store.port import StoreUnavailable
from infra.event_store.postgres import PostgresEventStore
from infra.event_store.postgres_schema import LOCK_KEY
from tests.contract.event_store_client import event, receipt

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresEventStore]:
    opened = open_postgres(make_url(postgres_url))
    yield opened
    opened.close()


@pytest.fixture
def admin(postgres_url: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


Admin = psycopg.Connection[tuple[object, ...]]


def end_sessions(admin: Admin, which: str = "true") -> int:
    """Terminate the store's sessions, as an administrator or a restart would; returns how many."""
    rows = admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'liudan' "
        f"AND datname = current_database() AND {which}"
    ).fetchall()
    return len(rows)


@pytest.mark.parametrize("table", ["events", "commands"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET version = 9", "DELETE FROM {}", "TRUNCATE {}"])
def test_history_cannot_be_changed(
    store: PostgresEventStore, admin: Admin, table: str, statement: str
) -> None:
    stream = uuid4()
    store.append([event(stream, 1)], receipt(stream, 1))
    with pytest.raises(psycopg.errors.RaiseException, match=f"{table} is append-only"):
        admin.execute(statement.format(table))


def test_sessions_that_were_ended_while_idle_are_not_noticed(store: PostgresEventStore, admin: Admin) -> None:
    position = store.append([event(uuid4(), 1)])[0]
    assert store.last_position() == position
    assert end_sessions(admin) >= 2
    time.sleep(0.2)
    assert store.append([event(uuid4(), 1)])[0] > position
    end_sessions(admin)
    assert len(store.read(0, 10)) == 2


def test_a_connection_lost_during_the_append_leaves_the_outcome_open(
    store: PostgresEventStore, admin: Admin
) -> None:
    """Sending it again might store it twice; the caller's retry with the same id is safe."""
    store.append([event(uuid4(), 1)])
    command = receipt(uuid4(), 1)
    failed: list[Exception] = []

    def append() -> None:
        try:
            store.append([event(command.stream_id, 1)], command)
        except StoreUnavailable as error:
            failed.append(error)

    admin.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
    thread = threading.Thread(target=append)
    thread.start()
    deadline = time.monotonic() + 20
    while not end_sessions(admin, "wait_event = 'advisory'") and time.monotonic() < deadline:
        time.sleep(0.02)
    thread.join()
    admin.execute("SELECT pg_advisory_unlock(%s)", (LOCK_KEY,))

    assert "repeat it with the same id" in str(failed[0])
    assert store.receipt(command.command_id) is None
    assert store.append([event(command.stream_id, 1)], command)


def test_waiting_survives_the_end_of_the_listening_session(store: PostgresEventStore, admin: Admin) -> None:
    position = store.append([event(uuid4(), 1)])[0]
    assert not store.wait(position, 1.0)  # starts the listener
    assert end_sessions(admin, "query LIKE 'LISTEN%'") == 1
    threading.Timer(0.3, store.append, [[event(uuid4(), 1)]]).start()
    assert store.wait(position, 20)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not listeners(admin):
        time.sleep(0.05)
    assert listeners(admin) == 1


def test_a_notification_wakes_before_the_next_look(
    store: PostgresEventStore, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.event_store.postgres.LOOK_SECONDS", 60.0)
    store.wait(0, 1.0)  # starts the listener
    assert listeners(admin) == 1
    threading.Timer(0.3, store.append, [[event(uuid4(), 1)]]).start()
    started = time.monotonic()
    assert store.wait(0, 60)
    assert time.monotonic() - started < 30


def listeners(admin: Admin) -> int:
    return len(
        admin.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        ).fetchall()
    )


def test_nobody_passes_an_append_in_flight(store: PostgresEventStore, admin: Admin) -> None:
    """A writer holding lower positions blocks the next one until its commit is visible."""
    store.append([event(uuid4(), 1)])
    with admin.transaction():
        admin.execute(
            "SELECT liudan_append_v1('{1}', %s, '{1}', '{t}', '{x}', '{null}', '{null}', '{null}', '{null}')",
            ([uuid4()],),
        )
        thread = threading.Thread(target=store.append, args=([event(uuid4(), 1)],))
        thread.start()
        time.sleep(0.5)
        assert store.last_position() == 1
    thread.join()
    assert [n.id for n in store.read(0, 10)] == [1, 2, 3]


def test_a_server_that_acknowledges_early_is_overruled(postgres_url: str, admin: Admin) -> None:
    admin.execute(f"ALTER DATABASE {make_url(postgres_url).database} SET synchronous_commit = off")
    store = open_postgres(make_url(postgres_url))
    store.append([event(uuid4(), 1)])
    connection = store._writer._connection
    assert connection is not None
    assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    store.close()


def test_a_role_without_the_right_to_create_uses_what_is_there(
    store: PostgresEventStore, postgres_url: str, admin: Admin
) -> None:
    name = f"clerk_{uuid4().hex}"
    admin.execute(f"CREATE ROLE {name} LOGIN")
    url = make_url(postgres_url).set(username=name)
    try:
        with pytest.raises(StoreUnavailable, match="this user lacks a right; grant it"):
            open_postgres(url).append([event(uuid4(), 1)])
        admin.execute(f"GRANT SELECT, INSERT ON events, commands, bookmarks TO {name}")
        clerk = open_postgres(url)
        assert clerk.append([event(uuid4(), 1)])
        clerk.close()
    finally:
        admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_what_is_wrong_with_the_address_is_said(postgres_url: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"no connection .*check that the server runs") as refused:
        open_event_store("postgresql+psycopg://liudan:secret@127.0.0.1:1/liudan")
    assert "secret" not in str(refused.value)
    with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
        open_event_store(postgres_url.rpartition("/")[0] + "/nowhere")
