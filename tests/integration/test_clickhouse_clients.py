"""ClickHouse's own clients work with the endpoint unchanged, as the analyst too."""

import asyncio
import json
import subprocess
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint
from tests.services.node import node_with

__all__ = ["endpoint", "shared_endpoint"]
pytestmark = pytest.mark.clickhouse
NODE_PACKAGE = Path(__file__).parents[1] / "node_client"


@pytest.fixture(scope="session")
def node_client(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return node_with(NODE_PACKAGE, tmp_path_factory.mktemp("node"))


@pytest.mark.parametrize("user", ["analyst", "writer"])
def test_the_client_for_node(endpoint: Endpoint, node_client: list[str], user: str) -> None:
    done = subprocess.run(
        [*node_client, endpoint.url, user, endpoint.password(user)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["plain"] == said["packed"] == [{"n": n, "word": "it's 六单"} for n in range(3)]
    assert (said["streamed"], said["ping"]) == (300_000, True)
    assert "aborted" in said["aborted"]
    if user == "analyst":
        assert (said["refused"]["code"], said["refused"]["type"]) == ("497", "ACCESS_DENIED")
        assert "[rule only-generators]" in said["refused"]["message"]
    else:
        assert said["inserted"] == [{"n": 1, "word": "一"}, {"n": 2, "word": "二"}]


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_clickhouse_connect_as_the_analyst(endpoint: Endpoint, compress: str | bool) -> None:
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=endpoint.port, username="analyst", password=endpoint.password("analyst"),
        compress=compress,
    )  # fmt: skip
    assert client.query("SELECT number FROM numbers(100000)").row_count == 100_000
    assert client.query_arrow("SELECT number AS n FROM numbers(100000)")["n"].to_pylist()[-1] == 99_999
    assert client.query("SELECT {n:UInt8} AS n", parameters={"n": 7}).first_row == (7,)
    assert client.command("SELECT count() FROM liudan.ticket_events") == 0
    assert client.query("DESCRIBE TABLE liudan.ticket_events").row_count > 30
    with pytest.raises(DatabaseError, match="only-reads"):
        client.command("DROP TABLE liudan.ticket_events")
    client.close()


def test_clickhouse_connect_asynchronously_as_the_analyst(endpoint: Endpoint) -> None:
    pytest.importorskip("aiohttp", reason="the async client of clickhouse-connect needs aiohttp")

    async def ask() -> list[int]:
        client = await clickhouse_connect.get_async_client(
            host="127.0.0.1", port=endpoint.port, username="analyst", password=endpoint.password("analyst")
        )
        try:
            answers = await asyncio.gather(
                *[client.query(f"SELECT sum(number) + {n} FROM numbers(100)") for n in range(12)]
            )
            return [answer.result_rows[0][0] for answer in answers]
        finally:
            await client.close()

    assert asyncio.run(ask()) == [4950 + n for n in range(12)]
