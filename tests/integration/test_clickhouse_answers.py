"""How the endpoint's answers travel: formats, packing, streams, headers, errors, and being ended early."""

import gzip
import http.client
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import brotli
import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports.zstd import decompress as zstd_decompress

from infra.clickhouse.compression import NativeFrames, unframed
from tests.services.clickhouse import Endpoint, analyst, endpoint, own_endpoint, shared_endpoint, writer

__all__ = ["analyst", "endpoint", "own_endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse

# As long as anybody lets it run.
ENDLESS = "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)"
LONG = "SELECT number, toString(number) AS text FROM numbers(100000000000)"


class Http:
    """Plain HTTP requests of one user."""

    def __init__(self, endpoint: Endpoint, user: str = "writer") -> None:
        self._login = {"X-ClickHouse-User": user, "X-ClickHouse-Key": endpoint.password(user)}
        self._port = endpoint.port

    def open(
        self,
        sql: str | bytes,
        *,
        headers: dict[str, str] | None = None,
        method: str = "POST",
        **query: object,
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        target = "/?" + urlencode({name: str(value) for name, value in query.items()})
        body = sql.encode() if isinstance(sql, str) else sql
        connection.request(method, target, body, self._login | (headers or {}))
        return connection, connection.getresponse()

    def __call__(
        self,
        sql: str | bytes,
        *,
        headers: dict[str, str] | None = None,
        method: str = "POST",
        **query: object,
    ) -> tuple[int, bytes, dict[str, str]]:
        connection, response = self.open(sql, headers=headers, method=method, **query)
        try:
            body = response.read()
        except http.client.IncompleteRead as cut:
            body = cut.partial
        connection.close()
        return response.status, body, {name.lower(): value for name, value in response.getheaders()}


@pytest.fixture
def ask(endpoint: Endpoint) -> Http:
    return Http(endpoint)


@pytest.fixture
def ask_as_analyst(endpoint: Endpoint) -> Http:
    return Http(endpoint, "analyst")


def _ids(body: bytes) -> list[int]:
    return [row["n"] for row in json.loads(body)["data"]]


FORMATS: dict[str, Callable[[bytes], object]] = {
    "JSON": _ids,
    "JSONCompact": lambda body: [row[0] for row in json.loads(body)["data"]],
    "JSONEachRow": lambda body: [json.loads(line)["n"] for line in body.splitlines()],
    "CSVWithNames": lambda body: [int(line) for line in body.split()[1:]],
    "TabSeparatedWithNamesAndTypes": lambda body: [int(line) for line in body.split()[2:]],
    "RowBinary": lambda body: [int.from_bytes(body[n : n + 8], "little") for n in range(0, len(body), 8)],
    "ArrowStream": lambda body: pa.ipc.open_stream(body).read_all()["n"].to_pylist(),
    "Arrow": lambda body: pa.ipc.open_file(pa.BufferReader(body)).read_all()["n"].to_pylist(),
    "Parquet": lambda body: pq.read_table(pa.BufferReader(body))["n"].to_pylist(),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_whole_over_many_blocks(ask_as_analyst: Http, name: str) -> None:
    sql = f"SELECT number AS n FROM numbers(200000) FORMAT {name} -- and a remark\n;"
    status, body, headers = ask_as_analyst(sql)
    assert (status, headers["x-clickhouse-format"]) == (200, name)
    assert FORMATS[name](body) == list(range(200_000))


def test_the_format_may_be_named_beside_the_statement(ask: Http) -> None:
    assert json.loads(ask("SELECT 1 AS n", default_format="JSONEachRow")[1]) == {"n": 1}
    assert json.loads(ask("SELECT 1 AS n", headers={"X-ClickHouse-Format": "JSONEachRow"})[1]) == {"n": 1}
    assert ask("SELECT 1 AS n FORMAT TSV", default_format="JSONEachRow")[1] == b"1\n"
    assert ask("SELECT 1 AS n FORMAT CSV SETTINGS max_threads = 1")[1] == b"1\n"
    assert ask("SHOW DATABASES LIKE 'liu%'")[1] == b"liudan\n"
    assert ask("SELECT 1", default_format="no/such")[0] == 404
    assert ask("SELECT 1 FORMAT NoSuch")[0] == 404


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": zstd_decompress,
    "lz4": lz4.frame.decompress,
    "br": brotli.decompress,
}


@pytest.mark.parametrize("rows", [1, 500_000])
@pytest.mark.parametrize("encoding", UNPACK)
def test_answers_are_packed_as_the_client_asks(ask: Http, encoding: str, rows: int) -> None:
    sql = f"SELECT number FROM numbers({rows}) FORMAT RowBinary"
    _, body, headers = ask(sql, headers={"Accept-Encoding": encoding}, enable_http_compression=1)
    assert headers["content-encoding"] == encoding
    assert UNPACK[encoding](body) == b"".join(n.to_bytes(8, "little") for n in range(rows))
    _, plain, headers = ask(sql, headers={"Accept-Encoding": encoding})
    assert "content-encoding" not in headers  # as on a server: only where it is enabled
    assert len(plain) == 8 * rows


def test_clickhouses_own_frames_go_both_ways(ask: Http) -> None:
    _, body, _ = ask("SELECT number FROM numbers(400000) FORMAT RowBinary", compress=1)
    assert len(unframed(body, 1 << 30)) == 3_200_000
    packed = NativeFrames().compress(b"SELECT 40 + 2")
    assert ask(packed, decompress=1)[1] == b"42\n"
    damaged = packed[:-1] + bytes([packed[-1] ^ 1])
    status, message, headers = ask(damaged, decompress=1)
    assert (status, headers["x-clickhouse-exception-code"]) == (500, "40"), message


PACK: dict[str, Callable[[bytes], bytes]] = {"deflate": zlib.compress, "br": brotli.compress}


@pytest.mark.parametrize("encoding", PACK)
def test_packed_questions(ask: Http, encoding: str) -> None:
    body = PACK[encoding](b"SELECT 40 + 2")
    assert ask(body, headers={"Content-Encoding": encoding})[1] == b"42\n"
    assert ask(body[:-3], headers={"Content-Encoding": encoding})[2]["x-clickhouse-exception-code"] == "271"
    assert ask(body, headers={"Content-Encoding": "x-own"})[0] == 501


_ONE_ROW_GROUP_AT_A_TIME = "SETTINGS output_format_parquet_row_group_size = 65536"


@pytest.mark.parametrize("name", ["JSON", "CSV", "Parquet", "Native"])
def test_a_large_answer_takes_no_memory(own_endpoint: Endpoint, name: str) -> None:
    ask = Http(own_endpoint, "analyst")
    tail = f"FORMAT {name} {_ONE_ROW_GROUP_AT_A_TIME if name == 'Parquet' else ''}"
    columns = "number, hex(SHA512(toString(number))) AS text"
    ask(f"SELECT {columns} FROM numbers(200000) {tail}")
    before = _peak_kilobytes(own_endpoint)
    connection, response = ask.open(f"SELECT {columns} FROM numbers(2500000) {tail}")
    received = 0
    while piece := response.read(1 << 20):
        received += len(piece)
    connection.close()
    assert received > 150_000_000
    assert _peak_kilobytes(own_endpoint) - before < 140_000


def _peak_kilobytes(endpoint: Endpoint) -> int:
    assert endpoint.process is not None
    status = Path(f"/proc/{endpoint.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def test_the_summary_counts(ask: Http) -> None:
    _, _, headers = ask("SELECT number FROM numbers(1000)")
    summary = json.loads(headers["x-clickhouse-summary"])
    assert (summary["read_rows"], summary["result_rows"]) == ("1000", "1000")
    assert int(summary["elapsed_ns"]) > 0
    ask("CREATE TABLE liudan.counted (n UInt8) ENGINE = MergeTree ORDER BY n")
    _, _, headers = ask(b"INSERT INTO liudan.counted FORMAT CSV\n1\n2\n")
    assert json.loads(headers["x-clickhouse-summary"])["written_rows"] == "2"


def test_progress_in_headers(ask: Http) -> None:
    connection, response = ask.open(
        "SELECT sum(cityHash64(number)) FROM numbers(500000000)",
        send_progress_in_http_headers=1, http_headers_progress_interval_ms=10,
    )  # fmt: skip
    response.read()
    connection.close()
    said = [json.loads(value) for value in response.headers.get_all("X-ClickHouse-Progress", [])]
    read = [int(one["read_rows"]) for one in said]
    assert read
    assert read == sorted(read)


def test_headers_of_an_answer(ask: Http) -> None:
    _, _, headers = ask("SELECT 1 FORMAT JSON", query_id="my-own")
    assert headers["x-clickhouse-query-id"] == "my-own"
    assert headers["x-clickhouse-timezone"]
    assert headers["content-type"] == "application/json; charset=UTF-8"


LATE = "SELECT throwIf(number = 3000000, 'too far') FROM numbers(4000000)"


def test_an_error_before_anything_was_sent_has_its_status(ask: Http) -> None:
    status, message, headers = ask("SELECT throwIf(number = 10, 'too far') FROM numbers(20)")
    assert (status, headers["x-clickhouse-exception-code"]) == (500, "395")
    assert b"too far" in message


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_late_error_is_framed_and_the_connection_broken_off(ask: Http, encoding: str) -> None:
    connection, response = ask.open(
        LATE, headers={"Accept-Encoding": encoding}, enable_http_compression=int(bool(encoding))
    )
    assert response.status == 200
    tag = response.headers["X-ClickHouse-Exception-Tag"]
    with pytest.raises(http.client.IncompleteRead) as cut:
        response.read()
    connection.close()
    body = gzip.decompress(cut.value.partial) if encoding else cut.value.partial
    assert body.endswith(f" {tag}\r\n__exception__\r\n".encode())
    assert b"__exception__\r\n" + tag.encode() + b"\r\nCode: 395. DB::Exception: " in body
    assert b"too far" in body


def test_who_waits_for_the_end_gets_the_status(ask: Http) -> None:
    status, message, headers = ask(LATE, wait_end_of_query=1)
    assert (status, headers["x-clickhouse-exception-code"]) == (500, "395"), message[:200]
    status, body, headers = ask("SELECT number FROM numbers(4000000) FORMAT RowBinary", wait_end_of_query=1)
    assert (status, len(body)) == (200, 32_000_000)


def _running(ask: Http) -> list[str]:
    return ask("SELECT query_id FROM system.processes WHERE query NOT LIKE '%processes%'")[1].decode().split()


def _eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.fixture
def endless(ask: Http) -> Iterator[list[tuple[int, bytes, dict[str, str]]]]:
    """A statement of the writer that runs until it is killed, with the answer that it gets then."""
    answers: list[tuple[int, bytes, dict[str, str]]] = []
    asking = threading.Thread(target=lambda: answers.append(ask(ENDLESS, query_id="endless")))
    asking.start()
    _eventually(lambda: "endless" in _running(ask))
    yield answers
    ask("KILL QUERY WHERE query_id = 'endless' SYNC")
    asking.join(timeout=20)


def test_a_statement_is_killed_by_its_id(ask: Http, endless: list[tuple[int, bytes, dict[str, str]]]) -> None:
    status, rows, _ = ask("KILL QUERY WHERE query_id = 'endless' SYNC FORMAT TSV")
    assert status == 200
    assert rows.startswith(f"finished\tendless\twriter\t{ENDLESS}".encode())
    _eventually(lambda: bool(endless))
    assert endless[0][2]["x-clickhouse-exception-code"] == "394"
    _eventually(lambda: _running(ask) == [])


def test_the_analyst_kills_only_the_analysts(
    ask: Http, ask_as_analyst: Http, endless: list[tuple[int, bytes, dict[str, str]]]
) -> None:
    assert ask_as_analyst("KILL QUERY WHERE 1 SYNC")[:2] == (200, b"")
    assert _running(ask) == ["endless"]
    own = threading.Thread(target=lambda: ask_as_analyst(ENDLESS, query_id="own"))
    own.start()
    _eventually(lambda: "own" in _running(ask))
    assert ask_as_analyst("KILL QUERY WHERE query_id = 'own' ASYNC")[1].startswith(b"waiting\town\tanalyst\t")
    own.join(timeout=20)
    _eventually(lambda: _running(ask) == ["endless"])


def test_an_id_in_use_is_refused(ask: Http, endless: list[tuple[int, bytes, dict[str, str]]]) -> None:
    status, message, headers = ask("SELECT 1", query_id="endless")
    assert (status, headers["x-clickhouse-exception-code"]) == (500, "216"), message


@pytest.mark.parametrize("sql", [ENDLESS, f"{LONG} FORMAT CSV", f"{LONG} FORMAT Parquet"])
def test_a_client_that_leaves_ends_its_statement(endpoint: Endpoint, ask: Http, sql: str) -> None:
    leaving = socket.create_connection(("127.0.0.1", endpoint.port), timeout=20)
    key = endpoint.password("analyst")
    head = f"POST / HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: analyst\r\nX-ClickHouse-Key: {key}\r\n"
    leaving.sendall(f"{head}Content-Length: {len(sql)}\r\n\r\n{sql}".encode())
    _eventually(lambda: len(_running(ask)) == 1)
    leaving.close()
    _eventually(lambda: _running(ask) == [])


def test_sessions_keep_tables_and_settings(ask: Http) -> None:
    def say(sql: str, *, method: str = "POST", **more: int) -> tuple[int, bytes]:
        return ask(sql, session_id="s", headers=None, method=method, **more)[:2]

    assert say("SELECT 1", session_check=1)[0] == 500  # not found
    assert say("CREATE TEMPORARY TABLE mine (n UInt8)")[0] == 200
    assert say("INSERT INTO mine FORMAT CSV\n7\n")[0] == 200
    assert say("SET max_block_size = 77")[0] == 200
    assert say("SELECT n, getSetting('max_block_size') FROM mine", session_check=1) == (200, b"7\t77\n")
    assert say("SELECT getSetting('max_block_size')", max_block_size=5) == (200, b"5\n")
    assert say("SELECT getSetting('max_block_size'), currentDatabase()") == (200, b"77\tliudan\n")
    assert say("SELECT n FROM mine", method="GET") == (200, b"7\n")
    assert say("SELECT n FROM mine", session_timeout=4000)[0] == 500
    assert ask("SELECT n FROM mine", session_id="other")[0] == 404
    assert ask("SELECT n FROM mine")[0] == 404
    assert say("SELECT n FROM mine", session_timeout=1)[0] == 200
    time.sleep(3)
    assert say("SELECT 1", session_check=1)[0] == 500  # it has ended


def test_a_session_is_used_by_one_client_at_a_time(ask: Http) -> None:
    thread = threading.Thread(target=lambda: ask(ENDLESS, session_id="busy", query_id="in-session"))
    thread.start()
    _eventually(lambda: "in-session" in _running(ask))
    assert ask("SELECT 1", session_id="busy")[2]["x-clickhouse-exception-code"] == "373"
    ask("KILL QUERY WHERE query_id = 'in-session' SYNC")
    thread.join(timeout=20)
    _eventually(lambda: ask("SELECT 1", session_id="busy")[1] == b"1\n")


def test_the_analysts_sessions_keep_nothing(ask_as_analyst: Http) -> None:
    assert ask_as_analyst("SELECT 1", session_id="a")[1] == b"1\n"
    assert ask_as_analyst("SELECT 2", session_id="a", session_check=1)[1] == b"2\n"
    assert ask_as_analyst("CREATE TEMPORARY TABLE t (n UInt8)", session_id="a")[0] == 403


@pytest.mark.parametrize(
    ("limit", "sql", "code"),
    [
        (("max_execution_time", 0.3), ENDLESS, "159"),
        (("max_memory_usage", 30_000_000), "SELECT groupArray(number) FROM numbers(100000000)", "241"),
        (("max_result_rows", 10), "SELECT number FROM numbers(11)", "396"),
    ],
)
def test_the_analysts_limits_are_kept(
    ask_as_analyst: Http, limit: tuple[str, float], sql: str, code: str
) -> None:
    name, value = limit
    _, message, headers = ask_as_analyst(f"{sql} SETTINGS {name} = {value}")
    assert headers["x-clickhouse-exception-code"] == code, message[:300]


@pytest.mark.parametrize("value", ["0", "61", "-1", "1e9", "nan", "6 0"])
def test_the_analysts_limits_cannot_be_lifted(ask_as_analyst: Http, value: str) -> None:
    status, message, _ = ask_as_analyst("SELECT 1", max_execution_time=value)
    assert (status, b"limits-stay" in message) == (403, True)


def test_analysts_wait_for_one_another_and_never_keep_the_writer_waiting(
    endpoint: Endpoint, ask: Http, ask_as_analyst: Http
) -> None:
    ask("CREATE TABLE liudan.busy (n UInt32) ENGINE = MergeTree ORDER BY n")
    crowd = [threading.Thread(target=lambda: ask_as_analyst(ENDLESS)) for _ in range(30)]
    for one in crowd:
        one.start()
    _eventually(lambda: len(_running(ask)) == 4)
    for n in range(20):
        assert ask(f"INSERT INTO liudan.busy FORMAT CSV\n{n}\n")[0] == 200
    assert ask("SELECT count() FROM liudan.busy")[1] == b"20\n"
    assert len(_running(ask)) <= 4
    status, _, headers = ask_as_analyst("SELECT 1")
    assert (status, headers["x-clickhouse-exception-code"]) == (500, "202")
    while any(one.is_alive() for one in crowd):
        ask("KILL QUERY WHERE user = 'analyst' SYNC")
    assert ask_as_analyst("SELECT 1")[1] == b"1\n"


def test_sigterm_ends_what_is_running(own_endpoint: Endpoint) -> None:
    ask = Http(own_endpoint, "analyst")
    threads = [
        threading.Thread(target=lambda sql=sql: _ignoring(lambda: ask(sql)))
        for sql in (ENDLESS, f"{LONG} FORMAT CSV")
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    _eventually(lambda: len(_running(Http(own_endpoint))) == 2)
    began = time.monotonic()
    assert own_endpoint.stop() == 0, own_endpoint.log()
    assert time.monotonic() - began < 12
    for thread in threads:
        thread.join(timeout=20)


def _ignoring(call: Callable[[], object]) -> None:
    try:
        call()
    except (OSError, http.client.HTTPException):
        return


@pytest.mark.slow
def test_thousands_of_requests_leave_nothing_behind(own_endpoint: Endpoint) -> None:
    ask, ask_as_analyst = Http(own_endpoint), Http(own_endpoint, "analyst")

    def round_of_requests(n: int) -> None:
        ask(f"SELECT {n}")
        ask_as_analyst(f"SELECT number FROM numbers(2000) WHERE number > {n} FORMAT JSON")
        ask_as_analyst("SELECT * FROM file('/etc/passwd')")
        ask("SELECT nothing")
        ask("SELECT 1", session_id=f"s{n % 7}", session_timeout=1)
        connection, response = ask.open(f"{LONG} FORMAT CSV")
        response.read(1000)
        connection.close()

    for n in range(40):
        round_of_requests(n)
    time.sleep(2)
    descriptors, threads = _held(own_endpoint)
    memory = _kilobytes(own_endpoint)
    for n in range(350):
        round_of_requests(n)
    time.sleep(2)
    after = _held(own_endpoint)
    assert after[0] <= descriptors + 10, (descriptors, after)
    assert after[1] <= threads + 10, (threads, after)
    assert _kilobytes(own_endpoint) - memory < 150_000
    assert _running(ask) == []


def _held(endpoint: Endpoint) -> tuple[int, int]:
    assert endpoint.process is not None
    process = Path(f"/proc/{endpoint.process.pid}")
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))


def _kilobytes(endpoint: Endpoint) -> int:
    assert endpoint.process is not None
    status = Path(f"/proc/{endpoint.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
