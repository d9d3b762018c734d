"""Verifiers that others wrote, built from the Go module proxy, so that nobody has to take our word.

`fsck` of Tessera reads a whole log; `go_check` beside this file calls Go's `sumdb/note` and `sumdb/tlog`.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

TESSERA = "v1.0.4"
_SOURCE = Path(__file__).parent / "go_check"
_BUILD_SECONDS = 280


class GoMissing(RuntimeError):
    """The verifiers cannot be built here; says why."""


def fsck() -> Path:
    """Give Tessera's `fsck`; skips the test by name where it cannot be had, fails it where it must be."""
    return _required(_fsck)


def go_check() -> Path:
    """Give the program that calls Go's own implementations; skips or fails as `fsck`."""
    return _required(_go_check)


def size_by_fsck(folder: Path, verifier_key: str) -> int | None:
    """Have a log's folder checked from end to end; gives its size, None when it is not accepted.

    Version 1.0.4 ends with code 0 also when it has found something, so its words are read.
    """
    tool = fsck()
    key = folder.parent / f"{folder.name}.vkey"
    key.write_text(f"{verifier_key}\n")
    command = [str(tool), "-storage_url", f"file://{folder}/", "-public_key", str(key), "-ui=false"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60).stderr
    accepted = re.search(r"Successfully fsck'd log with size ([0-9]+)", said)
    return int(accepted[1]) if accepted else None


def _required(build: Callable[[], Path]) -> Path:
    try:
        return build()
    except GoMissing as missing:
        if os.environ.get("LIUDAN_REQUIRE_SERVICES") == "1":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@cache
def _fsck() -> Path:
    tool = _tools() / f"tessera-{TESSERA}" / "fsck"
    if not tool.exists():
        package = f"github.com/transparency-dev/tessera/cmd/fsck@{TESSERA}"
        _go(["install", package], cwd=_SOURCE, GOBIN=str(tool.parent), GOFLAGS="-mod=mod")
    return tool


@cache
def _go_check() -> Path:
    tool = Path(tempfile.mkdtemp(prefix="go-check-", dir=_tools())) / "go_check"
    _go(["build", "-o", str(tool), "."], cwd=_SOURCE)
    return tool


def _tools() -> Path:
    folder = Path(tempfile.gettempdir()) / f"liudan-go-tools-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _go(arguments: list[str], *, cwd: Path, **variables: str) -> None:
    if shutil.which("go") is None:
        raise GoMissing("Go is missing; install Go 1.24 or newer")
    environment = {**os.environ, **variables}
    try:
        subprocess.run(
            ["go", *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True,
            timeout=_BUILD_SECONDS,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()
        raise GoMissing(f"Go could not build it: {said[-1] if said else error}") from None
    except subprocess.TimeoutExpired:
        raise GoMissing(f"Go did not build it within {_BUILD_SECONDS} s; is its module proxy away?") from None
