"""Follow the stream and hand out its lines: from the log, or from the store where no log is running."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import uuid4

from infra.event_log.port import TICKETS_TOPIC, EventLog
from infra.event_store.port import EventStore

Lines = Callable[[threading.Event, bool], Iterator[bytes]]
_PAGE = 500
_WAIT_SECONDS = 0.5


def tail_log(event_log: EventLog, from_start: bool) -> Lines:
    """Follow the tickets topic, in order within each ticket."""

    def lines(stop: threading.Event, follow: bool) -> Iterator[bytes]:
        ends = dict(event_log.end_offsets(TICKETS_TOPIC))
        starts = dict.fromkeys(ends, 0) if from_start else ends
        left = {partition for partition, end in ends.items() if starts[partition] < end}
        group = f"liudan-tail-{uuid4()}"
        with closing(event_log.reader(group, TICKETS_TOPIC, lambda _: starts)) as reader:
            while not stop.is_set() and (follow or left):
                for record in reader.poll(_PAGE, _WAIT_SECONDS):
                    starts[record.partition] = record.offset + 1
                    yield record.value
                left = {partition for partition in left if starts[partition] < ends[partition]}

    return lines


def tail_store(store: EventStore, from_start: bool) -> Lines:
    """Follow the event store, in the order of its positions."""

    def lines(stop: threading.Event, follow: bool) -> Iterator[bytes]:
        end = store.last_position()
        position = 0 if from_start else end
        while not stop.is_set():
            page = store.read(position, _PAGE)
            for event in page:
                position = event.id
                yield event.state
            if not page and not follow:
                return
            if not page:
                store.wait(position, _WAIT_SECONDS)

    return lines
