"""A process that applies a fixed stream of events to a read store in small batches, until it is killed."""

import sys
from datetime import timedelta

from infra.event_log.port import LogRecord
from infra.event_log.sink import Step
from infra.read_store.open import open_read_store
from tests.journeys import HAPPY_PATH, Journey
from tests.read_models import records, sinks

TICKETS = 50
BATCH = 5


def stream() -> list[LogRecord]:
    """Give the log: many tickets side by side, each a step at a time."""
    journeys = [Journey(serial=serial) for serial in range(TICKETS)]
    for command, role in HAPPY_PATH:
        for journey in journeys:
            journey.give(command, role, timedelta(minutes=30))
    by_step = sorted((event.sequence, event.number, event) for one in journeys for event in one.events)
    return records(event for *_, event in by_step)


def main() -> None:
    """Apply the stream from where the store is, to both projections in turn; says so before each batch."""
    log = stream()
    store = open_read_store(sys.argv[1])
    todo = sinks(store)
    while todo:
        for sink in list(todo):
            start = sink.start_offsets([0])[0]
            end = min(start + BATCH, len(log))
            if start == end:
                todo.remove(sink)
            else:
                print(start, flush=True)
                sink.apply(log[start:end], {0: Step(start, end)})
    store.close()


if __name__ == "__main__":
    main()
