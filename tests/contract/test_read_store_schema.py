"""The read store's schema: made by its migrations alone, opened by anybody, refused with a clear sentence."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from domain.errors import Invalid, Transient
from infra.read_store.open import ReadStore, open_read_store
from infra.read_store.schema import METADATA
from infra.read_store.ticket_queries import SqlTicketQueries
from projections.sla_clocks import ClockRow
from projections.ticket_state import TicketRow
from tests.contract.read_store_fixtures import open_reads, project, read_url, reads
from tests.journeys import walked

__all__ = ["open_reads", "read_url", "reads"]
ROOT = Path(__file__).parents[2]


def described(connection: sa.Connection) -> set[tuple[object, ...]]:
    """The database's own description of its tables and indexes."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql IS NOT NULL"
        return {(name, "".join(text.split())) for name, text in connection.exec_driver_sql(query)}
    columns = (
        "SELECT table_name, column_name, data_type, collation_name, is_nullable "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    return {tuple(row) for query in (columns, indexes) for row in connection.exec_driver_sql(query)}


def test_the_migrations_make_the_schema(reads: ReadStore) -> None:
    with reads.writing() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        migrated = described(connection)
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
        assert described(connection) == migrated
    assert len(migrated) > 10


def test_the_columns_are_the_rows_fields() -> None:
    assert tuple(METADATA.tables["ticket_state_1"].columns.keys()) == TicketRow._fields
    assert tuple(METADATA.tables["sla_clocks_1"].columns.keys()) == ClockRow._fields


def test_several_processes_may_open_a_new_store_at_once(read_url: str) -> None:
    code = f"from infra.read_store.open import open_read_store; open_read_store({read_url!r}).close()"
    processes = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [process.communicate()[1] for process in processes] == [b"", b"", b""]
    assert [process.returncode for process in processes] == [0, 0, 0]


def test_rows_survive_closing_and_opening(open_reads: Callable[[], ReadStore]) -> None:
    journey = walked(3)
    first = open_reads()
    project(first, journey.events)
    first.close()
    assert SqlTicketQueries(open_reads()).get(journey.events[0].number) is not None


def test_a_schema_that_is_newer_is_left_alone(reads: ReadStore, read_url: str) -> None:
    with reads.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Invalid, match="newer than this version") as refused:
        open_read_store(read_url)
    assert refused.value.field == "LIUDAN_READ_STORE"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://u@h/db", "of kind “mysql”"),
        ("sqlite://", "must name a file"),
        ("sqlite:////tmp/x.db?mode=ro", "must name a file"),
        ("sqlite:////nowhere/at/all/read.db", "/nowhere/at/all does not exist"),
    ],
)
def test_a_setting_that_makes_no_sense(url: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence) as refused:
        open_read_store(url)
    assert refused.value.field == "LIUDAN_READ_STORE"


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(Transient, match=r"start the server, .*LIUDAN_READ_STORE") as refused:
        open_read_store("postgresql://somebody:secret@127.0.0.1:9/db")
    assert "secret" not in str(refused.value)


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    file = tmp_path / "read.db"
    file.write_text("this is a letter, not a database\n" * 100)
    with pytest.raises(Transient, match="not a SQLite database"):
        open_read_store(f"sqlite:///{file}")


@pytest.mark.postgres
def test_a_database_that_does_not_exist(postgres_url: str) -> None:
    with pytest.raises(Transient, match=r"does not exist; create it"):
        open_read_store(postgres_url + "_not")


def test_a_full_disk_is_said_so_and_can_be_got_over(tmp_path: Path) -> None:
    store = open_read_store(f"sqlite:///{tmp_path}/read.db")
    events = walked(8).events
    project(store, events[:1])
    with store.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Transient, match="disk is full"), store.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE filler AS SELECT randomblob(900000)")
    with store.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    project(store, events)
    row = SqlTicketQueries(store).get(events[0].number)
    assert row is not None
    assert row.version == len(events)
    store.close()


def test_a_lock_that_is_held_too_long_is_transient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.read_store.open.BUSY_SECONDS", 0.05)
    store = open_read_store(f"sqlite:///{tmp_path}/read.db")
    holder = sqlite3.connect(tmp_path / "read.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Transient, match="held the file"):
        project(store, walked(1).events)
    holder.close()
    project(store, walked(1).events)
    store.close()
