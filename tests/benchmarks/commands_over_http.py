"""Commands a second over HTTP, one API process."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import orjson

from consumers.supervisor.parts import free_port
from tests.benchmarks.http_load import LoadJson
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides, Unavailable
from tests.benchmarks.processes import ROOT, python_process

CONNECTIONS = 64


class OverHttp:
    """Commands a second over HTTP/1.1, one server process, SQLite, embedded log.

    Ours: `liudan api`, every request a durable command of a six-order journey, answered with the ticket.
    Theirs: the same application, middleware and server, the same requests, but each command's endpoint
    is an ordinary FastAPI one that only has its body validated by the same model. Both: one load
    generator in a process of its own, 64 keep-alive connections.
    """

    name = "http"
    unit = "commands/s"
    against = "the same app, an endpoint that only validates the body"
    limit = Limit(Direction.AT_LEAST, 0.4)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Start both servers and warm them up."""
        serials = count()
        with ExitStack() as stack:
            ours = stack.enter_context(_api(place))
            theirs = stack.enter_context(_validating(place))
            mine, others = place.pick(2500, 300), place.pick(3500, 500)
            for port in (ours, theirs):
                _load(port, 100, next(serials))
            yield Sides(
                lambda: _load(ours, mine, next(serials)), lambda: _load(theirs, others, next(serials))
            )


@contextmanager
def _api(place: Place) -> Iterator[int]:
    port, home = free_port(), place.folder / "ours"
    profile = ["-m", "cProfile", "-o", str(place.profile)] if place.profile else []
    arguments = [*profile, "-m", "infra.cli", "api", "--port", str(port)]
    with _server(arguments, place.folder / "ours.log", home, port):
        yield port


@contextmanager
def _validating(place: Place) -> Iterator[int]:
    port, home = free_port(), place.folder / "theirs"
    arguments = ["-m", "tests.benchmarks.validating_api", str(home), str(port)]
    with _server(arguments, place.folder / "theirs.log", home, port):
        yield port


@contextmanager
def _server(arguments: list[str], output: Path, home: Path, port: int) -> Iterator[None]:
    environment: Mapping[str, str] = {
        "LIUDAN_HOME": str(home),
        "LIUDAN_KAFKA": "embedded",
        "LIUDAN_DEV_IDENTITY": "1",
    }
    with python_process(arguments, output, environment, f"http://127.0.0.1:{port}/livez"):
        yield


def _load(port: int, journeys: int, run: int) -> Figure:
    """Send the load from a process of its own; raises Unavailable when a command was refused."""
    command = [sys.executable, "-m", "tests.benchmarks.http_load"]
    arguments = [str(each) for each in (port, CONNECTIONS, journeys, run * 100_000)]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"the load generator failed: {done.stderr.decode()[-300:]}")
    result: LoadJson = orjson.loads(done.stdout)
    if result["refused"]:
        raise Unavailable(f"{result['refused']} of {result['requests']} commands were refused")
    return Figure(result["requests"] / result["seconds"])
