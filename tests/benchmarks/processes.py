"""Server processes of a measure: started, awaited, and ended with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.benchmarks.measure import Unavailable

ROOT = Path(__file__).parents[2]
_READY_SECONDS = 90.0
_STOP_SECONDS = 30.0


@contextmanager
def python_process(
    arguments: Sequence[str], output: Path, environment: Mapping[str, str], ready_url: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `python …` until the block ends; it begins when the URL answers. Raises Unavailable."""
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            env={**_without_settings(), **environment},
        )
    try:
        _await(process, ready_url, output)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: "subprocess.Popen[bytes]", url: str, output: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > until:
            raise Unavailable(f"{url} does not answer: {output.read_text(errors='replace')[-300:].strip()}")
        time.sleep(0.05)


def _without_settings() -> dict[str, str]:
    """Give the environment without the product's settings, which may name the user's own databases."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LIUDAN_")}


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False
