"""The schema is what the migrations and views make of it, and says so of itself."""

import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.client import Client

from domain.errors import Invalid
from infra.clickhouse.migrate import migrate, status
from infra.clickhouse.migration_files import migrations, views
from infra.clickhouse.schema import MIGRATIONS_TABLE
from infra.warehouse_commands import warehouse
from tests.services.clickhouse import Endpoint, endpoint, own_endpoint, shared_endpoint, writer

__all__ = ["endpoint", "own_endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse

DESCRIBED = """
SELECT name, engine, create_table_query, comment FROM system.tables WHERE database = 'liudan' ORDER BY name
"""
WITHOUT_COMMENT = """
SELECT concat(table, '.', name) FROM system.columns WHERE database = 'liudan' AND comment = ''
UNION ALL SELECT name FROM system.tables WHERE database = 'liudan' AND comment = ''
"""


@pytest.fixture
def empty(own_endpoint: Endpoint) -> Endpoint:
    return own_endpoint


def test_the_schema_equals_the_migrations(empty: Endpoint) -> None:
    client = empty.client()
    assert [change.applied_at for change in status(client)] == [None] * len((*migrations(), *views()))
    assert len(migrate(client)) == len((*migrations(), *views()))
    once = client.query(DESCRIBED).result_rows
    assert all(change.applied_at for change in status(client))
    assert migrate(client) == []
    for file in (*migrations(), *views()):  # a kill before the row was written: all is done again
        for statement in file.statements():
            client.command(statement)
    assert client.query(DESCRIBED).result_rows == once
    client.close()


def test_everything_says_what_it_is(endpoint: Endpoint, writer: Client) -> None:
    assert writer.query(WITHOUT_COMMENT).result_rows == []


def test_a_view_that_has_changed_is_made_anew(empty: Endpoint) -> None:
    client = empty.client()
    migrate(client)
    file = views()[0]
    client.insert(
        MIGRATIONS_TABLE,
        [["view", file.number, file.name, "another text"]],
        column_names=["kind", "number", "name", "digest"],
    )
    assert [change.file.name for change in migrate(client)] == [file.name]
    assert migrate(client) == []
    client.close()


@pytest.mark.parametrize(
    ("number", "name", "says"), [(9999, "from_the_future", "newer"), (1, "landing", "changed after")]
)
def test_a_schema_that_is_not_ours_is_refused(empty: Endpoint, number: int, name: str, says: str) -> None:
    client = empty.client()
    migrate(client)
    row = ["migration", number, name, "another text"]
    client.insert(MIGRATIONS_TABLE, [row], column_names=["kind", "number", "name", "digest"])
    with pytest.raises(Invalid, match=says):
        migrate(client)
    client.close()


def test_the_command_shows_what_it_would_do_and_does_it(
    empty: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    url = empty.url.replace("http://", f"http://writer:{empty.password('writer')}@")
    monkeypatch.setenv("LIUDAN_CLICKHOUSE", url)
    monkeypatch.setenv("LIUDAN_HOME", str(tmp_path))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(warehouse, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert run("status").count("not applied") == len((*migrations(), *views()))
    assert "CREATE TABLE IF NOT EXISTS liudan.ticket_events\n" in run("migrate", "--dry-run")
    assert "not applied" in run("status")
    assert "landing" in run("migrate")
    assert run("migrate") == "everything is applied\n"
    assert "not applied" not in run("status")
    assert run("migrate", "--dry-run") == ""
