"""The embedded endpoint speaks ClickHouse's HTTP protocol to ordinary clients."""

import asyncio
import gzip
import http.client
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import clickhouse_connect
import lz4.frame
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError

from domain.errors import Invalid
from infra.clickhouse.connect import connect
from infra.clickhouse.errors import ClickHouseUnavailable
from tests.services.clickhouse import (
    ROOT,
    Endpoint,
    endpoint,
    free_port,
    own_endpoint,
    shared_endpoint,
    writer,
)

__all__ = ["endpoint", "own_endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse


@pytest.fixture
def numbers(writer: Client) -> Client:
    writer.command(
        "CREATE TABLE liudan.numbers (n UInt64, word LowCardinality(String)) ENGINE = MergeTree ORDER BY n"
    )
    return writer


def test_native_and_arrow_inserts_come_back(numbers: Client) -> None:
    numbers.insert("liudan.numbers", [[1, "一"], [2, "it's"]], column_names=["n", "word"])
    numbers.insert_arrow("liudan.numbers", pa.table({"n": [3], "word": ["\\tab\t"]}))
    rows = numbers.query("SELECT n, word FROM liudan.numbers ORDER BY n").result_rows
    assert rows == [(1, "一"), (2, "it's"), (3, "\\tab\t")]
    arrow = numbers.query_arrow("SELECT n FROM liudan.numbers ORDER BY n")
    assert arrow["n"].to_pylist() == [1, 2, 3]


def test_parameters_settings_and_commands(writer: Client) -> None:
    text = "it's\t\\ 六单\n"
    assert writer.query("SELECT {t:String}, {n:UInt8} + 1", parameters={"t": text, "n": 6}).result_rows == [
        (text, 7)
    ]
    assert writer.command("SELECT getSetting('max_block_size')", settings={"max_block_size": 1234}) == 1234
    assert writer.command("SELECT getSetting('max_block_size')") != 1234
    assert str(writer.server_version).split(".")[0].isdigit()


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip"])
def test_compressed_inserts(numbers: Client, endpoint: Endpoint, compression: str) -> None:
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=endpoint.port, username="writer", password=endpoint.password("writer"),
        compress=compression, autogenerate_session_id=False,
    )  # fmt: skip
    rows = [[n, "word" * (n % 5)] for n in range(20_000)]
    client.insert("liudan.numbers", rows, column_names=["n", "word"])
    assert client.command("SELECT count(), sum(n) FROM liudan.numbers") == ["20000", str(sum(range(20_000)))]
    client.close()


def test_large_answers_are_streamed(writer: Client) -> None:
    with writer.query_row_block_stream("SELECT number FROM numbers(300000)") as stream:
        blocks = [len(block) for block in stream]
    assert sum(blocks) == 300_000
    assert len(blocks) > 1


def test_an_error_in_the_middle_of_an_answer_is_an_error(writer: Client) -> None:
    sql = "SELECT throwIf(number = 250000, 'too far') FROM numbers(300000)"
    with pytest.raises((StreamFailureError, DatabaseError), match="too far"):
        _ = writer.query(sql, settings={"max_block_size": 10_000, "max_threads": 1}).result_rows


def test_errors_carry_clickhouses_codes(writer: Client) -> None:
    for sql, code in (("SELEC 1", 62), ("SELECT nothing", 47), ("SELECT 1 FROM liudan.nowhere", 60)):
        with pytest.raises(DatabaseError) as caught:
            writer.query(sql)
        assert caught.value.code == code


def test_async_client(numbers: Client, endpoint: Endpoint) -> None:
    pytest.importorskip("aiohttp", reason="the async client of clickhouse-connect needs aiohttp")

    async def both() -> list[int]:
        client = await clickhouse_connect.get_async_client(
            host="127.0.0.1", port=endpoint.port, username="writer", password=endpoint.password("writer")
        )
        try:
            await client.insert("liudan.numbers", [[5, "five"]], column_names=["n", "word"])
            answers = await asyncio.gather(
                *[client.query(f"SELECT {n} + max(n) FROM liudan.numbers") for n in range(20)]
            )
            return [answer.result_rows[0][0] for answer in answers]
        finally:
            await client.close()

    assert asyncio.run(both()) == [5 + n for n in range(20)]


def _request(
    endpoint: Endpoint, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    login = {"X-ClickHouse-User": "writer", "X-ClickHouse-Key": endpoint.password("writer")}
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=20)
    try:
        connection.request(method, target, body, login | (headers or {}))
        response = connection.getresponse()
        return (
            response.status,
            response.read(),
            {name.lower(): value for name, value in response.getheaders()},
        )
    finally:
        connection.close()


def test_plain_http(endpoint: Endpoint) -> None:
    assert _request(endpoint, "GET", "/")[:2] == (200, b"Ok.\n")
    assert _request(endpoint, "GET", "/ping")[:2] == (200, b"Ok.\n")
    assert _request(endpoint, "GET", "/?query=SELECT+1%2B1")[:2] == (200, b"2\n")
    assert _request(endpoint, "POST", "/", b"SELECT 6 AS six FORMAT JSONEachRow")[1] == b'{"six":6}\n'
    assert _request(endpoint, "POST", "/?query=SELECT+7", b"")[1] == b"7\n"
    status, message, headers = _request(endpoint, "POST", "/", b"SELECT bad bad bad")
    assert (status, headers["x-clickhouse-exception-code"]) == (400, "62")
    assert message.startswith(b"Code: 62.")
    assert "x-clickhouse-query-id" in headers


def test_get_changes_nothing(endpoint: Endpoint) -> None:
    status, message, _ = _request(endpoint, "GET", "/?query=DROP+TABLE+liudan.ticket_events")
    assert status == 500  # as a server answers, whose table of statuses does not know READONLY
    assert b"READONLY" in message


def test_curl(numbers: Client, endpoint: Endpoint) -> None:
    def curl(*arguments: str, data: bytes | None = None) -> str:
        login = f"writer:{endpoint.password('writer')}"
        command = ["curl", "-sS", "-u", login, *arguments]
        return subprocess.run(
            command, input=data, capture_output=True, check=True, timeout=30
        ).stdout.decode()

    curl(
        f"{endpoint.url}/?query=INSERT+INTO+liudan.numbers+FORMAT+CSV",
        "--data-binary",
        "@-",
        data=b'8,"eight"\n',
    )
    assert curl(endpoint.url, "-d", "SELECT word FROM liudan.numbers") == "eight\n"


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("lz4", lz4.frame.compress)])
def test_compressed_bodies(endpoint: Endpoint, encoding: str, pack) -> None:  # type: ignore[no-untyped-def]  # untyped library
    body = pack(b"SELECT ") + pack(b"40 + 2")
    assert _request(endpoint, "POST", "/", body, {"Content-Encoding": encoding})[1] == b"42\n"
    status, message, _ = _request(endpoint, "POST", "/", body[:-3], {"Content-Encoding": encoding})
    assert (status, b"CANNOT_DECOMPRESS" in message) == (500, True)


def test_a_wrong_password_is_refused_and_says_so(endpoint: Endpoint) -> None:
    for user, password in (("writer", "wrong"), ("default", ""), ("analyst", endpoint.password("writer"))):
        with pytest.raises(Invalid, match="user or password"):
            connect(endpoint.url, user, password)


def test_nobody_there_and_wrong_urls_are_said_in_a_sentence() -> None:
    with pytest.raises(ClickHouseUnavailable, match="LIUDAN_CLICKHOUSE"):
        connect(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Invalid, match="is not a URL"):
        connect("clickhouse:9000")


def test_password_files_are_private(endpoint: Endpoint) -> None:
    for name in ("writer.password", "analyst.password"):
        assert (endpoint.folder / name).stat().st_mode & 0o777 == 0o600


def test_an_insert_whose_body_never_ends_writes_nothing(numbers: Client, endpoint: Endpoint) -> None:
    with _half_an_insert(endpoint):
        pass
    assert numbers.command("SELECT count() FROM liudan.numbers") == 0


def test_a_query_waits_for_the_inserts_that_began_before_it(numbers: Client, endpoint: Endpoint) -> None:
    answers: list[object] = []
    asking = threading.Thread(
        target=lambda: answers.append(numbers.command("SELECT count() FROM liudan.numbers"))
    )
    with _half_an_insert(endpoint) as half:
        asking.start()
        time.sleep(0.3)
        assert not answers
        half.sendall(b"2,two\n")
        assert half.recv(100).startswith(b"HTTP/1.1 200")
    asking.join(timeout=20)
    assert answers == [2]


def test_the_writer_never_waits_for_an_analyst_who_is_still_sending(
    numbers: Client, endpoint: Endpoint
) -> None:
    with _half_an_insert(endpoint, "analyst"):
        began = time.monotonic()
        assert numbers.command("SELECT count() FROM liudan.numbers") == 0
        assert time.monotonic() - began < 10  # the body may take 30 seconds


def _half_an_insert(endpoint: Endpoint, user: str = "writer") -> socket.socket:
    body = b"INSERT INTO liudan.numbers FORMAT CSV\n1,one\n"
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: {user}\r\n"
        f"X-ClickHouse-Key: {endpoint.password(user)}\r\n"
        f"Content-Length: {len(body) + 6}\r\n\r\n"
    )
    half = socket.create_connection(("127.0.0.1", endpoint.port), timeout=20)
    half.sendall(head.encode() + body)
    time.sleep(0.1)
    return half


def _refused(endpoint: Endpoint, *more: str) -> str:
    result = subprocess.run(
        endpoint.command_line(*more), cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    return result.stderr


def test_a_port_in_use_and_a_folder_in_use_are_said_in_a_sentence(endpoint: Endpoint, tmp_path: Path) -> None:
    assert f"port {endpoint.port} on 127.0.0.1 is in use" in _refused(
        Endpoint(tmp_path / "other", endpoint.port)
    )
    assert "another process serves" in _refused(Endpoint(endpoint.folder, free_port()))


def test_a_missing_engine_is_said_in_a_sentence(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['chdb'] = None\n"
        "from infra.clickhouse.endpoint import main\n"
        "sys.argv[1:] = ['--path', sys.argv[1], '--port', sys.argv[2]]; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x"), str(free_port())],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert result.returncode == 1
    assert "extra `embedded`" in result.stderr


def test_it_stops_cleanly_and_comes_back_with_its_data(own_endpoint: Endpoint) -> None:
    client = own_endpoint.client()
    client.command("CREATE TABLE liudan.kept (n UInt8) ENGINE = MergeTree ORDER BY n")
    client.insert("liudan.kept", [[6]], column_names=["n"])
    password = own_endpoint.password("writer")
    assert own_endpoint.stop() == 0
    with pytest.raises((OperationalError, DatabaseError)):
        client.command("SELECT 1")
    own_endpoint.start()
    assert own_endpoint.password("writer") == password
    assert client.command("SELECT n FROM liudan.kept") == 6
    client.close()


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    child = Endpoint(tmp_path / "clickhouse")
    code = "import subprocess, sys, time\nsubprocess.Popen(sys.argv[1:])\ntime.sleep(60)"
    command = [sys.executable, "-c", code, *child.command_line("--die-with-parent")]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as parent,
    ):
        _wait_until(child.answers)
        parent.kill()
    _wait_until(lambda: not child.answers())


def _wait_until(condition) -> None:  # type: ignore[no-untyped-def]  # a plain predicate
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
