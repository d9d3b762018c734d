"""The service's own role in PostgreSQL: it does all its work, and can neither change nor remove anything."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from domain.errors import Invalid
from infra.cli import liudan
from infra.event_store.grants import grants_for
from infra.event_store.open import open_event_store
from infra.event_store.port import CommandSeen, EventStore, VersionTaken
from tests.contract.event_store_client import TOPIC, event, receipt

pytestmark = pytest.mark.postgres
ROLE = "liudan-service"
COLUMNS = "stream_id, version, topic, state"
NEW_TRIGGER = "CREATE OR REPLACE FUNCTION liudan_append_only() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'"
FILL_IN = (
    f"INSERT INTO events (position, {COLUMNS}) OVERRIDING SYSTEM VALUE "
    "VALUES (1, gen_random_uuid(), 1, 't', 'x')"
)
OVERWRITE = (
    f"INSERT INTO events ({COLUMNS}) SELECT {COLUMNS} FROM events "
    "ON CONFLICT (stream_id, version) DO UPDATE SET state = 'x'"
)


@pytest.fixture
def role_url(postgres_url: str) -> Iterator[str]:
    """A database whose owner has made the schema and given the rights (twice), as the service's role."""
    open_event_store(postgres_url).close()
    printed = CliRunner().invoke(liudan, ["grants", "--role", ROLE]).stdout
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        for _ in range(2):
            owner.execute(printed.encode())
        yield make_url(postgres_url).set(username=ROLE).render_as_string(hide_password=False)
        owner.execute(f"DROP OWNED BY {psycopg.sql.Identifier(ROLE).as_string(None)}".encode())
        owner.execute(f"DROP ROLE {psycopg.sql.Identifier(ROLE).as_string(None)}".encode())


@pytest.fixture
def store(role_url: str) -> Iterator[EventStore]:
    opened = open_event_store(role_url)
    yield opened
    opened.close()


def test_it_does_all_its_work(store: EventStore, role_url: str) -> None:
    stream, command = uuid4(), uuid4()
    positions = store.append([event(stream, 1), event(stream, 2)], receipt(stream, 2, command))
    with pytest.raises(VersionTaken):
        store.append([event(stream, 2)])
    with pytest.raises(CommandSeen):
        store.append([event(stream, 3)], receipt(stream, 3, command))

    async def together() -> list[object]:
        good = [store.append_async([event(uuid4(), 1)], receipt(uuid4(), 1)) for _ in range(50)]
        return await asyncio.gather(*good, store.append_async([event(stream, 1)]), return_exceptions=True)

    assert sum(isinstance(one, Exception) for one in asyncio.run(together())) == 1
    assert [one.originator_version for one in store.stream(stream)] == [1, 2]
    assert len(store.read(0, 100, (TOPIC,))) == 52
    assert store.wait(positions[0], 1.0)
    store.set_bookmark("relay", positions[-1])
    store.set_bookmark("relay", positions[-1] + 1)
    assert store.bookmark("relay") == positions[-1] + 1
    with store.lock("one") as mine:
        assert mine
    again = open_event_store(role_url)
    assert again.count() == 52
    again.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET state = 'x'",
        "UPDATE events SET version = version",
        "DELETE FROM events",
        "TRUNCATE events",
        "DELETE FROM commands",
        "UPDATE commands SET version = 9",
        "TRUNCATE commands, events",
        "DELETE FROM bookmarks",
        "DROP TABLE events",
        "DROP FUNCTION liudan_append_v1",
        "DROP TRIGGER events_append_only ON events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "ALTER TABLE events DISABLE TRIGGER events_append_only",
        "ALTER TABLE events RENAME TO past",
        NEW_TRIGGER,
        "CREATE TABLE events2 (x int)",
        "CREATE RULE quiet AS ON INSERT TO events DO INSTEAD NOTHING",
        "SET session_replication_role = replica",
        "SELECT setval('events_position_seq', 1)",
        "SELECT * FROM events FOR UPDATE",
        FILL_IN,
        OVERWRITE,
        "BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_it_can_neither_change_nor_remove(store: EventStore, role_url: str, statement: str) -> None:
    store.append([event(uuid4(), 1)], receipt(uuid4(), 1))
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with psycopg.connect(role_url, autocommit=True) as service, refused:
        service.execute(statement.encode())
    assert store.count() == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET state = 'x'", "DELETE FROM events", "TRUNCATE events CASCADE"]
)
def test_not_even_the_owner_changes_it_by_mistake(postgres_url: str, statement: str) -> None:
    opened = open_event_store(postgres_url)
    opened.append([event(uuid4(), 1)])
    refused = pytest.raises(psycopg.errors.RaiseException, match="append-only")
    with psycopg.connect(postgres_url, autocommit=True) as owner, refused:
        owner.execute(statement.encode())
    assert opened.count() == 1
    opened.close()


def test_a_name_stays_a_name() -> None:
    script = grants_for("""x"; DROP TABLE events; --'""")
    assert script.count('"x""; DROP TABLE events; --\'"') >= 6


@pytest.mark.parametrize("role", ["", "x" * 64, "a\nb"])
def test_what_is_not_a_roles_name_is_refused(role: str) -> None:
    with pytest.raises(Invalid):
        grants_for(role)
