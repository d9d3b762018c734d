"""The watch on the deadlines as a process of its own, in small steps, to be killed.

Run as `python -m tests.services.watch_process HOME KAFKA`, with `embedded` for the log without Kafka.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumers.sla_watch.watch import SlaWatch, WatchSettings
from infra.bootstrap import Installation
from infra.settings import Settings

ROOT = Path(__file__).parents[2]


@contextmanager
def watch_process(home: Path, kafka: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the process; it is killed at the end."""
    command = [sys.executable, "-m", "tests.services.watch_process", str(home), kafka]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def main(home: str, kafka: str) -> None:
    settings = Settings.load(Path(home)).model_copy(update={"kafka": kafka})
    small = WatchSettings(tick_seconds=0.05, timers=5, commands=7, pause=0.0, rest_seconds=0.2)
    with Installation(settings) as parts:
        watch = SlaWatch(
            parts.store,
            parts.reads,
            parts.event_log,
            parts.tickets,
            known_until=parts.home.known_until,
            settings=small,
            stop=threading.Event(),
        )
        watch.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
