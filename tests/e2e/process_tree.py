"""The processes below one of ours, as the kernel lists them."""

import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

# What the command line of each part contains; `kafka` is the Java process below `broker`.
MARKS = {
    "broker": "infra.cli broker",
    "kafka": "kafka.Kafka",
    "clickhouse": "infra.cli clickhouse",
    "relay": "infra.cli relay",
    "project": "infra.cli project",
    "watch": "infra.cli watch",
    "api": "infra.cli api",
}


def below(pid: int) -> set[int]:
    """Give all living descendants of a process."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if fields[0] != "Z":
            parents[int(folder.name)] = int(fields[1])
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh}
        found |= fresh
    return found


def part_below(pid: int, part: str) -> int | None:
    """Find a part of an installation below its supervisor."""
    return next((each for each in below(pid) if MARKS[part] in _command_line(each)), None)


def await_part(pid: int, part: str, seconds: float = 60.0) -> int:
    """Wait until a part is there (again) and give its process id."""
    until = time.monotonic() + seconds
    while (found := part_below(pid, part)) is None:
        assert time.monotonic() < until, f"{part} was not started again in {seconds:.0f} s"
        time.sleep(0.05)
    return found


def still_alive(pids: Collection[int]) -> set[int]:
    """Give those that have not ended."""
    return {pid for pid in pids if _is_alive(pid)}


def await_end(pids: Collection[int], seconds: float) -> None:
    """Wait until all of them have ended."""
    until = time.monotonic() + seconds
    while left := still_alive(pids):
        said = {pid: _command_line(pid) for pid in left}
        assert time.monotonic() < until, f"still running after {seconds:.0f} s: {said}"
        time.sleep(0.05)


def kill(pid: int) -> None:
    """End a process as a power cut would, if it is there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
