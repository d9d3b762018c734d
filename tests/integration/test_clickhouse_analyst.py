"""The analyst reads the tickets and nothing else, however the question is put."""

import http.client
import re
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from tests.services.clickhouse import Endpoint, analyst, endpoint, shared_endpoint, writer

__all__ = ["analyst", "endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse
SECRET = "no analyst may read this"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that everybody on the machine may read."""
    file = tmp_path / "secret.csv"
    file.write_text(f'"{SECRET}"\n')
    return file


READS_FILES = [
    "SELECT * FROM file('{file}', CSV, 's String')",
    "SELECT * FROM FILE('{file}', 'CSV', 's String')",
    "SELECT file('{file}')",
    "SELECT arrayMap(f -> file(f), ['{file}'])",
    "SELECT f APPLY(file) FROM (SELECT '{file}' AS f)",
    "SELECT * APPLY file FROM (SELECT '{file}' AS f)",
    "SELECT * FROM `{file}`",
    "SELECT * FROM default.`{file}`",
    "SELECT '' IN default.`{file}`",
    "SELECT '' IN `{file}`",
    "FROM file('{file}', CSV, 's String') SELECT *",
    "WITH x AS (SELECT * FROM file('{file}', CSV, 's String')) SELECT * FROM x",
    "SELECT (SELECT s FROM file('{file}', CSV, 's String'))",
    "SELECT 1 UNION ALL SELECT length(s) FROM file('{file}', CSV, 's String')",
    "SELECT * FROM view(SELECT * FROM file('{file}', CSV, 's String'))",
    "SELECT 1; SELECT * FROM file('{file}', CSV, 's String')",
    "SELECT 1 /* */; /* */ SELECT file('{file}')",
    "EXPLAIN SELECT * FROM file('{file}', CSV, 's String')",
    "SELECT * FROM liudan.tickets_as_of(t = (SELECT s FROM file('{file}', CSV, 's String')))",
    "SELECT * FROM default.tickets_as_of(t = '2026-01-01 00:00:00')",
    "DESCRIBE file('{file}')",
    "DESCRIBE TABLE file('{file}', CSV)",
    "DESCRIBE (SELECT file('{file}'))",
    "SELECT * FROM executable('cat {file}', TSV, 's String')",
    "SELECT * FROM url('file://{file}', CSV, 's String')",
    "SELECT * FROM fileCluster('default', '{file}', CSV)",
    "SELECT * FROM sqlite('{file}', 'x')",
    "SELECT * FROM loop(file('{file}', CSV, 's String')) LIMIT 1",
    "SELECT * FROM python('open')",
    "SELECT hasColumnInTable('default', '{file}', 's')",
    "SELECT catboostEvaluate('{file}', 1)",
    "SELECT * FROM {t:Identifier}",
    "CREATE TABLE liudan.stolen ENGINE = File(CSV, '{file}')",
    "CREATE TEMPORARY TABLE stolen (s String) ENGINE = File(CSV, '{file}')",
    "ATTACH TABLE liudan.stolen FROM '{file}' (s String) ENGINE = File(CSV)",
    "INSERT INTO liudan.parked (reason) SELECT file('{file}')",
]
REACHES_OUT = [
    "SELECT * FROM url('http://127.0.0.1:{port}/ping', LineAsString)",
    "SELECT * FROM remote('127.0.0.1:{port}', system.one)",
    "SELECT * FROM s3('http://127.0.0.1:{port}/x', CSV)",
    "SELECT * FROM mysql('127.0.0.1:{port}', 'a', 'b', 'c', 'd')",
    "SELECT * FROM clusterAllReplicas('default', system.one)",
]
CHANGES = [
    "DROP TABLE liudan.ticket_events",
    "TRUNCATE TABLE liudan.ticket_events",
    "ALTER TABLE liudan.ticket_events DELETE WHERE 1",
    "INSERT INTO liudan.parked (number) VALUES ('x')",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "KILL QUERY WHERE 1",
    "SYSTEM SHUTDOWN",
    "OPTIMIZE TABLE liudan.ticket_events",
    "BACKUP DATABASE liudan TO File('/tmp/x')",
    "EXPLAIN AST INSERT INTO FUNCTION file('/tmp/x', CSV) SELECT 1",
    "USE system",
]
LOOKS_AROUND = [
    "SELECT * FROM system.processes",
    "SELECT * FROM system.server_settings",
    "SELECT 'x' IN system.processes",
    "SELECT * FROM merge('system', '.*')",
    "SHOW TABLES FROM system",
    "SHOW TABLES FROM default",
    "SHOW COLUMNS FROM processes FROM system",
    "DESCRIBE system.processes",
]


@pytest.mark.parametrize("attempt", READS_FILES + REACHES_OUT + CHANGES + LOOKS_AROUND)
def test_what_is_not_the_analysts_is_refused(
    analyst: Client, shared_endpoint: Endpoint, secret: Path, attempt: str
) -> None:
    sql = attempt.replace("{file}", str(secret)).replace("{port}", str(shared_endpoint.port))
    with pytest.raises(DatabaseError) as caught:
        analyst.command(sql, parameters={"t": str(secret)})
    assert SECRET not in str(caught.value)
    assert caught.value.code in {36, 62, 164, 497}, caught.value


@pytest.mark.parametrize("tail", ["", " TRUNCATE", " APPEND", " AND STDOUT"])
@pytest.mark.parametrize(
    "head", ["SELECT 1", "SHOW TABLES", "EXPLAIN SELECT 1", "DESCRIBE liudan.ticket_events"]
)
def test_nothing_is_written_to_a_file(analyst: Client, tmp_path: Path, head: str, tail: str) -> None:
    with pytest.raises(DatabaseError):
        analyst.command(f"{head} INTO OUTFILE '{tmp_path}/out'{tail} FORMAT CSV")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('{file}', CSV, 's String')",
        "SELECT file('{file}')",
        "SELECT * FROM url('http://127.0.0.1:{port}/', CSV, 's String') SETTINGS http_max_tries = 1",
        "SELECT 1 INTO OUTFILE '{folder}/out'",
        "SELECT * FROM default.`{file}`",
    ],
)
def test_even_the_writer_is_locked_into_the_data_folder(
    writer: Client, endpoint: Endpoint, secret: Path, sql: str
) -> None:
    if "locked into the data folder" not in endpoint.log():
        pytest.skip("this kernel has no Landlock")
    folder = str(secret.parent)
    sql = sql.replace("{file}", str(secret)).replace("{port}", str(endpoint.port)).replace("{folder}", folder)
    with pytest.raises(ClickHouseError) as caught:
        writer.command(sql)
    assert SECRET not in str(caught.value)
    assert list(secret.parent.iterdir()) == [secret]


def test_the_passwords_cannot_be_read_by_anybody(writer: Client, endpoint: Endpoint) -> None:
    if "locked into the data folder" not in endpoint.log():
        pytest.skip("this kernel has no Landlock")
    for target in (endpoint.folder / "writer.password", Path("/proc/self/environ")):
        with pytest.raises(ClickHouseError, match="denied"):
            writer.command(f"SELECT * FROM file('{target}', LineAsString, 's String')")


def test_the_engine_finds_its_own_auxiliary_vector(writer: Client) -> None:
    """Where it may not, it looks for it in memory where it is not, and half of all starts crash."""
    query = "SELECT length(s) > 0 FROM file('/proc/self/auxv', RawBLOB, 's String')"
    assert writer.command(query) == 1


@pytest.mark.parametrize(
    "setting", ["readonly", "max_memory_usage", "allow_introspection_functions", "format_schema_path"]
)
def test_settings_do_not_open_a_door(endpoint: Endpoint, setting: str) -> None:
    login = {"X-ClickHouse-User": "analyst", "X-ClickHouse-Key": endpoint.password("analyst")}
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=20)
    connection.request("POST", f"/?{setting}=0", "CREATE TABLE liudan.x (n UInt8) ENGINE = Memory", login)
    response = connection.getresponse()
    assert (response.status, response.headers["X-ClickHouse-Exception-Code"] in {"164", "497"}) == (403, True)
    response.close()
    connection.close()


def test_what_is_the_analysts_works(endpoint: Endpoint, analyst: Client) -> None:
    questions = {
        "SELECT count() FROM liudan.ticket_events": 0,
        "SELECT count() FROM ticket_events": 0,
        "SELECT sum(number) FROM numbers(4)": 6,
        "SELECT 2 IN (1, 2, 3)": 1,
        "SELECT count() FROM (SELECT 1 FROM ticket_events WHERE number IN (SELECT number FROM parked))": 0,
        "WITH t AS (SELECT 1 AS n) SELECT n FROM t": 1,
        "SELECT format('{}-{}', 'a', 'b')": "a-b",
        "SELECT 6 AS `a/b`": 6,
        "SELECT count() > 30 FROM system.columns WHERE table = 'ticket_events'": 1,
        "EXISTS TABLE liudan.ticket_events": 1,
        "SELECT count() FROM liudan.tickets": 0,
        "SELECT count() FROM liudan.tickets_as_of(t = '2026-01-01 00:00:00')": 0,
        "SELECT count() FROM tickets_as_of(t = '2026-01-01 00:00:00')": 0,
    }
    for sql, answer in questions.items():
        assert analyst.command(sql) == answer, sql
    assert ("ticket_events",) in analyst.query("SHOW TABLES").result_rows
    assert re.search("region", str(analyst.query("DESCRIBE TABLE liudan.ticket_events").result_rows))
    assert "MergeTree" in str(analyst.command("SHOW CREATE TABLE liudan.ticket_events"))
    assert analyst.query("EXPLAIN SELECT 1").result_rows
    assert analyst.query("SELECT {n:UInt8} + 1", parameters={"n": 1}).result_rows == [(2,)]
