"""Land what the log has by now, in large steps: the next records are read while the last are written."""

import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from typing import TypeVar

import structlog

from domain.errors import Poison, Transient
from infra.clickhouse.landing import Landing
from infra.event_log.port import TICKETS_TOPIC, EventLog, LogRecord
from infra.event_log.sink import Step

RECORDS_AT_ONCE = 40_000
ROWS_AN_INSERT = 20_000
_TURN_SECONDS = 0.0005

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


def land_history(
    event_log: EventLog, landing: Landing, partitions: Sequence[int], told: Callable[[int], None]
) -> None:
    """Land every partition from where `landing` is to the log's present end; `told` hears how many at a time.

    For a landing that nobody else writes to. Whatever is in the way (a record that cannot be read, a parked
    ticket, a server that is away) ends it early: a poll loop goes on from the landing's positions, and knows
    what to do about it.
    """
    try:
        positions = dict(landing.start_offsets(partitions))
        if landing.parked():
            return
        with _short_turns(), closing(_history(event_log, positions)) as records:
            for batch in read_ahead(_batches(records)):
                ends = {record.partition: record.offset + 1 for record in batch}
                landing.apply(batch, {p: Step(positions[p], end) for p, end in ends.items()})
                positions |= ends
                told(len(batch))
    except (Poison, Transient) as error:
        _log.warning("bulk landing ends early", reason=str(error))


def read_ahead(batches: Iterator[_T]) -> Iterator[_T]:
    """Give what an iterator gives, which works out the next on a thread of its own meanwhile."""
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        following = thread.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = thread.submit(next, batches, None)
            yield batch


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let threads take turns more often: encoding asks for hundreds of them, and reading never rests."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _history(event_log: EventLog, starts: Mapping[int, int]) -> Generator[LogRecord]:
    yield from event_log.history(TICKETS_TOPIC, starts, partitions=starts.keys())


def _batches(records: Iterator[LogRecord]) -> Iterator[Sequence[LogRecord]]:
    while batch := list(islice(records, RECORDS_AT_ONCE)):
        yield batch
