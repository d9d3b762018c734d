"""A relay or a consumer as a process of its own, to be killed.

Run as `python -m tests.services.stream_process relay|follow STORE_OR_SINK BOOTSTRAP`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from consumers.poll_loop import LoopSettings, PollLoop
from consumers.relay import Relay, RelaySettings
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import TICKETS_TOPIC
from infra.event_store.open import open_event_store
from tests.services.sqlite_sink import SqliteSink

ROOT = Path(__file__).parents[2]


@contextmanager
def stream_process(role: str, place: str, bootstrap: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the process; it is killed at the end if it was not before."""
    command = [sys.executable, "-m", "tests.services.stream_process", role, place, bootstrap]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def main(role: str, place: str, bootstrap: str) -> None:
    with closing(KafkaEventLog(bootstrap, member=role)) as log:
        if role == "relay":
            with closing(open_event_store(place)) as store:
                Relay(store, log, settings=RelaySettings(batch=20, in_flight=4, standby_seconds=0.1)).run()
        else:
            sink = SqliteSink(Path(place))
            PollLoop(log, TICKETS_TOPIC, "follow", sink, settings=LoopSettings(max_records=20)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
