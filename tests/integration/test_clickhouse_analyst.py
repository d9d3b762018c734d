"""The analyst reads the tickets and nothing else, however the question is put."""

import http.client
import re
import subprocess
import sys
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from infra.clickhouse.analyst_guard import Rule
from tests.services.clickhouse import ROOT, Endpoint, analyst, endpoint, shared_endpoint, writer

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
    "SELECT * FROM liudan.tickets_as_of(t = (SELECT s FROM file('{file}', CSV, 's String')))",
    "SELECT * FROM /* a remark */ file /* another */ ('{file}', CSV, 's String')",
    "SELECT * FROM `file`('{file}', CSV, 's String')",
    "SELECT * FROM \"file\"('{file}', CSV, 's String')",
    "SELECT * FROM numbers(1) WHERE (SELECT count() FROM file('{file}', CSV)) > 0",
    "SELECT 1 IN (SELECT s FROM file('{file}', CSV, 's String'))",
    "SELECT EXISTS (SELECT * FROM file('{file}', CSV, 's String'))",
    "SELECT * FROM (EXPLAIN SELECT file('{file}'))",
    "EXPLAIN SYNTAX SELECT file('{file}')",
    "EXPLAIN QUERY TREE SELECT * FROM file('{file}', CSV)",
    "DESCRIBE (SELECT * FROM file('{file}', CSV, 's String'))",
    "EXISTS TABLE default.`{file}`",
    "SHOW CREATE TABLE default.`{file}`",
    "SELECT 1 AS `x` FROM numbers(1) JOIN file('{file}', CSV, 's String') AS f ON 1",
    "SELECT dictGet('default.d', 's', 1)",
    "SELECT dictGet(concat('liu', 'dan.d'), 's', 1)",
    "SELECT joinGet('default.`{file}`', 's', 1)",
    "SELECT * FROM dictionary('default.d')",
    "SELECT * FROM merge('default', '.*')",
    "SELECT * FROM mergeTreeIndex(liudan, ticket_events)",
    "SELECT * FROM s3Cluster('c', '{file}')",
    "SELECT * FROM iceberg('{file}')",
    "SELECT * FROM deltaLake('{file}')",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '{file}'",
    "SELECT 1 FORMAT CapnProto SETTINGS format_schema = '{file}:X'",
    "SELECT f FROM (SELECT '{file}' AS f) WHERE file(f) != ''",
    "SELECT sum(length(file('{file}'))) OVER ()",
    "SELECT COLUMNS('f') APPLY(x -> file(x)) FROM (SELECT '{file}' AS f)",
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
    "RENAME TABLE liudan.ticket_events TO liudan.x",
    "EXCHANGE TABLES liudan.ticket_events AND liudan.parked",
    "CREATE VIEW liudan.v AS SELECT 1",
    "CREATE FUNCTION f AS x -> x",
    "CREATE DICTIONARY liudan.d (n UInt64) PRIMARY KEY n SOURCE(FILE(path '/etc/passwd')) LAYOUT(FLAT())",
    "DETACH TABLE liudan.ticket_events",
    "GRANT ALL ON *.* TO default",
    "SET ROLE ALL",
    "SET ROLE writer_role",
    "EXECUTE AS default SELECT 1",
    "CREATE USER x",
    "DELETE FROM liudan.ticket_events WHERE 1",
    "SELECT 1 PARALLEL WITH SELECT 2",
    "BEGIN TRANSACTION",
    "SELECT * FROM liudan.parked SETTINGS max_execution_time = 0",
    "SELECT 1 SETTINGS max_threads = 100000",
    "SELECT (SELECT 1 SETTINGS max_memory_usage = 0)",
    "EXPLAIN SELECT 1 SETTINGS allow_introspection_functions = 1",
    "WITH x AS (INSERT INTO liudan.parked (number) SELECT 'x') SELECT 1",
    "DROP TABLE liudan.ticket_events",
    "TRUNCATE TABLE liudan.ticket_events",
    "ALTER TABLE liudan.ticket_events DELETE WHERE 1",
    "INSERT INTO liudan.parked (number) VALUES ('x')",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "KILL MUTATION WHERE 1",
    "KILL QUERY WHERE query_id IN (SELECT query_id FROM system.processes)",
    "SYSTEM SHUTDOWN",
    "OPTIMIZE TABLE liudan.ticket_events",
    "BACKUP DATABASE liudan TO File('/tmp/x')",
    "EXPLAIN AST INSERT INTO FUNCTION file('/tmp/x', CSV) SELECT 1",
    "USE system",
]
LOOKS_AROUND = [
    "SELECT hostName()",
    "SELECT getServerSetting('max_connections')",
    "SELECT getMacro('x')",
    "SELECT sleep(3)",
    "SELECT sleepEachRow(1) FROM numbers(3)",
    "SELECT currentProfiles(), FQDN()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM system.query_log",
    "SELECT * FROM `system`.`users`",
    "SELECT * FROM system.build_options",
    "SELECT * FROM system . /* */ parts",
    "SELECT * FROM catalogue.processes",
    "SELECT 1 WHERE 1 IN catalogue.processes",
    "SELECT * FROM clusterAllReplicas(default, system, one)",
    "SHOW PROCESSLIST",
    "SHOW CLUSTERS",
    "SHOW ACCESS",
    "SELECT * FROM {t:Identifier}.{t:Identifier}",
    "SELECT chdb()",
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
    if caught.value.code == 497:
        assert any(f"[rule {rule}]" in str(caught.value) for rule in Rule), caught.value


def test_an_attempt_leaves_no_trace(
    analyst: Client, writer: Client, endpoint: Endpoint, secret: Path
) -> None:
    def traces() -> tuple[object, ...]:
        return (
            writer.query(
                "SELECT name, engine FROM system.tables WHERE database = 'liudan' ORDER BY name"
            ).result_rows,
            writer.query("SELECT count() FROM liudan.ticket_events").result_rows,
            writer.query("SELECT name FROM system.functions WHERE origin != 'System'").result_rows,
            writer.query("SHOW DATABASES").result_rows,
            sorted(path.name for path in secret.parent.iterdir()),
            sorted(path.name for path in (endpoint.folder / "scratch").iterdir()),
        )

    before = traces()
    for attempt in CHANGES:
        with pytest.raises(DatabaseError):
            analyst.command(attempt, parameters={"t": str(secret)})
    assert traces() == before


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


def _as_if_there_were_no_guard(tmp_path: Path, sql: str) -> str:
    """Run a statement in the engine's process as it is locked in, under the analyst's role, unchecked."""
    folder = tmp_path / "unguarded"
    (folder / "data").mkdir(parents=True)
    code = (
        "import os, sys; from pathlib import Path; from infra.clickhouse import endpoint as e\n"
        "from infra.clickhouse.engine import Work; from infra.clickhouse.roles import *\n"
        "folder = Path(sys.argv[1]); scratch = e._scratch(folder); write_config(scratch); os.chdir(scratch)\n"
        "e._lock_in([folder / 'data', scratch]); engine = e.Engine(folder / 'data')\n"
        "role = ANALYST_ROLE if sys.argv[3] == 'analyst' else ''\n"
        "print(engine.run(Work(sys.argv[2], 'TSV', 'liudan', {}, {}, role=role)))"
    )
    results = []
    for role in ("analyst", "writer"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder), sql, role],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode != 0, done.stdout
        results.append(done.stdout + done.stderr)
    return "\n".join(results)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "SELECT file('/etc/passwd')",
        "SELECT 1 INTO OUTFILE '{folder}/out'",
        "INSERT INTO FUNCTION file('{folder}/out', CSV, 'n UInt8') SELECT 1",
        "SELECT * FROM executable('cat', TSV, 's String')",
    ],
)
def test_the_second_and_third_walls_hold_without_the_first(
    endpoint: Endpoint, tmp_path: Path, sql: str
) -> None:
    if "locked into the data folder" not in endpoint.log():
        pytest.skip("this kernel has no Landlock")
    said = _as_if_there_were_no_guard(tmp_path, sql.replace("{folder}", str(tmp_path)))
    assert "root:" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["unguarded"]


LEGITIMATE = [
    "SELECT region, count() FROM liudan.ticket_events GROUP BY region ORDER BY region",
    "SELECT region, count() AS n FROM ticket_events GROUP BY region HAVING n > 1 LIMIT 5",
    "SELECT e.number, p.reason FROM liudan.ticket_events AS e LEFT JOIN liudan.parked AS p USING (number)",
    "SELECT * FROM liudan.ticket_events AS a, liudan.parked AS b WHERE a.number = b.number",
    "SELECT number, row_number() OVER (PARTITION BY region ORDER BY recorded_at) FROM liudan.ticket_events",
    (
        "SELECT number, lagInFrame(state) OVER w FROM ticket_events WINDOW w AS (PARTITION BY "
        "number ORDER BY sequence)"
    ),
    (
        "WITH newest AS (SELECT number, argMax(state, sequence) AS s FROM ticket_events GROUP BY "
        "number) SELECT s, count() FROM newest GROUP BY s"
    ),
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t",
    "WITH `区` AS (SELECT '6229' AS `码`) SELECT `码` FROM `区`",
    "SELECT arrayJoin([1, 2, 3]) AS n",
    "SELECT n FROM (SELECT [1, 2] AS a) ARRAY JOIN a AS n",
    "SELECT quantiles(0.5, 0.9)(returns), quantileExactIf(0.5)(returns, returns > 0) FROM ticket_events",
    "SELECT sumMerge(s) FROM (SELECT sumState(returns) AS s FROM ticket_events)",
    "SELECT countIf(state = 'closed') / count() FROM ticket_events SETTINGS max_threads = 1",
    (
        "SELECT toStartOfMonth(placed_at, 'Asia/Shanghai') AS m, uniqExact(number) FROM "
        "ticket_events GROUP BY m WITH ROLLUP"
    ),
    "SELECT region, category, count() FROM ticket_events GROUP BY GROUPING SETS ((region), (category))",
    "SELECT * EXCEPT (event_id) REPLACE (upper(number) AS number) FROM ticket_events LIMIT 1 BY number",
    "SELECT COLUMNS('_at$') APPLY(max) FROM ticket_events",
    "SELECT if(region LIKE '6229%', 'here', 'there') AS p, count() FROM ticket_events GROUP BY p",
    "SELECT CASE WHEN returns > 1 THEN 'often' ELSE 'seldom' END FROM ticket_events",
    (
        "SELECT number FROM ticket_events WHERE number IN (SELECT number FROM parked) OR number "
        "NOT IN ('a', 'b')"
    ),
    "SELECT EXISTS(SELECT 1 FROM parked), (SELECT count() FROM parked)",
    "SELECT dateDiff('hour', placed_at, closed_at), formatDateTime(now(), '%Y-%m') FROM ticket_events",
    "SELECT 1 UNION ALL SELECT 2 UNION DISTINCT SELECT 3 INTERSECT SELECT 3 EXCEPT SELECT 4",
    "SELECT transform(state, ['placed'], ['点单'], state) FROM ticket_events",
    "SELECT JSONExtractString('{\"a\": \"b\"}', 'a'), map('a', 1)['a'], tuple(1, 'x').2",
    "SELECT number FROM numbers(5) WHERE number % 2 ORDER BY number DESC",
    "SELECT * FROM values('n UInt8, s String', (1, 'a'), (2, 'b'))",
    "SELECT toDate('2026-01-01') + number AS d FROM numbers(31) ORDER BY d WITH FILL",
    "SELECT groupArray(number), argMax(state, sequence), topK(3)(region) FROM ticket_events",
    "SELECT corr(returns, cycle), studentTTest(returns, suspended) FROM ticket_events",
    "SELECT * FROM liudan.parked_since(since = '2026-01-01 00:00:00')",
    "SELECT p.number FROM liudan.parked_since(since = {day:String}) AS p",
    "SELECT database, name, comment FROM system.tables WHERE database = 'liudan'",
    "SELECT table, name, type, comment FROM system.columns WHERE table = 'ticket_events'",
    "SELECT name FROM system.databases",
    "SELECT name, value FROM system.settings WHERE name = 'max_threads'",
    "EXPLAIN SELECT count() FROM ticket_events",
    "EXPLAIN indexes = 1 SELECT count() FROM ticket_events WHERE region = '622901'",
    "EXPLAIN PIPELINE SELECT 1",
    "EXPLAIN SYNTAX SELECT 1",
    "DESCRIBE TABLE liudan.ticket_events",
    "DESCRIBE TABLE `liudan`.`ticket_events`",
    "DESCRIBE (SELECT number, count() FROM ticket_events GROUP BY number)",
    "DESCRIBE TABLE liudan.parked_since(since = '2026-01-01 00:00:00')",
    "SHOW TABLES FROM liudan",
    "SHOW TABLES LIKE 'ticket%'",
    "SHOW COLUMNS FROM ticket_events FROM liudan",
    "SHOW CREATE TABLE liudan.ticket_events",
    "EXISTS TABLE liudan.parked",
    "SELECT version(), timezone(), currentDatabase(), currentUser()",
    "SELECT 'file(''/etc/passwd'')', 'INTO OUTFILE', `file` FROM (SELECT 1 AS file)",
    "/* a remark */ SELECT 1 -- and another\n;",
    "FROM ticket_events SELECT count()",
    "(SELECT 1)",
]


@pytest.fixture
def parameterised_view(writer: Client) -> None:
    writer.command("DROP VIEW IF EXISTS liudan.parked_since")
    writer.command(
        "CREATE VIEW liudan.parked_since AS "
        "SELECT * FROM liudan.parked WHERE changed_at >= {since:DateTime64(9)}"
    )


@pytest.mark.parametrize("sql", LEGITIMATE)
def test_what_an_analyst_needs_works(analyst: Client, parameterised_view: None, sql: str) -> None:
    parameters = {"day": "2026-01-01 00:00:00"} if "{day" in sql else None
    assert analyst.raw_query(sql, parameters=parameters, fmt="JSONCompact")


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
    }
    for sql, answer in questions.items():
        assert analyst.command(sql) == answer, sql
    assert ("ticket_events",) in analyst.query("SHOW TABLES").result_rows
    assert re.search("region", str(analyst.query("DESCRIBE TABLE liudan.ticket_events").result_rows))
    assert "MergeTree" in str(analyst.command("SHOW CREATE TABLE liudan.ticket_events"))
    assert analyst.query("EXPLAIN SELECT 1").result_rows
    assert analyst.query("SELECT {n:UInt8} + 1", parameters={"n": 1}).result_rows == [(2,)]
