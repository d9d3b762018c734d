"""A process that uses an event store, for tests that need a second one or one to kill.

    python -m tests.contract.event_store_client write URL THREADS COUNT
    python -m tests.contract.event_store_client lock URL NAME

`write` appends (COUNT times per thread, 0 is for ever) and after each append prints `stream version command`.
`lock` tries to take a lock, prints whether that worked and holds it until its standard input ends.
"""

import sys
import threading
from itertools import count
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent

from infra.event_store.open import open_event_store
from infra.event_store.port import CommandReceipt, EventStore

TOPIC = "liudan.ticket.progress-noted.v1"


def event(stream: UUID, version: int, state: bytes = b"{}") -> StoredEvent:
    return StoredEvent(stream, version, TOPIC, state)


def receipt(stream: UUID, version: int, command: UUID | None = None) -> CommandReceipt:
    return CommandReceipt(command or uuid4(), b"f" * 32, stream, version)


def write(store: EventStore, events: int) -> None:
    """Append to one stream of this thread's own; the state is big enough to be torn by a kill."""
    stream = uuid4()
    for version in range(1, events + 1) if events else count(1):
        note = receipt(stream, version)
        store.append([event(stream, version, f"{stream} {version} ".encode() * 50)], note)
        sys.stdout.write(f"{stream} {version} {note.command_id}\n")
        sys.stdout.flush()


def main(verb: str, url: str, *rest: str) -> None:
    store = open_event_store(url)
    if verb == "write":
        threads = [
            threading.Thread(target=write, args=(store, int(rest[1])), daemon=True)
            for _ in range(int(rest[0]))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        with store.lock(rest[0]) as held:
            print(held, flush=True)
            sys.stdin.read()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
