"""The load generator: `python -m tests.benchmarks.http_load PORT CONNECTIONS JOURNEYS FIRST_SERIAL`.

Every connection takes one ticket after the other through its six orders and sends the next request when
the one before is answered. Ends with one JSON object: how many requests, how long, how many were refused.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import TypedDict

import orjson
import uvloop

from tests.benchmarks.http_client import Connection
from tests.benchmarks.http_orders import Prepared, prepared, walk

_ANY_NUMBER = "622901-261123-2HPQK"
"""Taken where the server does not give one: it only validates."""


class LoadJson(TypedDict):
    """What the generator prints."""

    requests: int
    seconds: float
    refused: int


async def load(port: int, connections: int, journeys: int, first: int) -> LoadJson:
    """Send it all; the requests are written beforehand."""
    work = iter([prepared(serial) for serial in range(first, first + journeys)])
    opened = [await Connection.to(port) for _ in range(connections)]
    began = time.perf_counter()
    refused = sum(await asyncio.gather(*(_drain(connection, work) for connection in opened)))
    seconds = time.perf_counter() - began
    for connection in opened:
        connection.close()
    return {"requests": journeys * len(prepared(first)), "seconds": seconds, "refused": refused}


async def _drain(connection: Connection, work: Iterator[list[Prepared]]) -> int:
    return sum([await walk(connection, requests, _ANY_NUMBER) for requests in work])


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(load(*(int(argument) for argument in sys.argv[1:5])))))
