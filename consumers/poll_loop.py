"""The one poll loop: brings the records of a topic into a sink, none skipped and none twice.

It promises so little that it can keep it: records go to the sink in the order of their partition, the sink
commits rows and positions together, and after anything unforeseen (a rebalance, an error, a restart) the
sink's positions are read again and reading goes on from there.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import structlog

from consumers.backoff import Backoff
from consumers.dead_letters import DeadLetters
from consumers.progress import Condition, Progress
from domain.errors import Halted, Poison, Transient
from infra.event_log.port import EventLog, LogReader, LogRecord, LogUnavailable
from infra.event_log.sink import Sink, Step

BEHIND = "behind an event of the same ticket that could not be applied"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How a consumer collects its batches and what it puts up with."""

    max_records: int = 500
    """The largest batch; a full one is applied at once."""
    linger_seconds: float = 0.0
    """How long a batch that is not full may wait for more; 0 applies what is there."""
    poll_seconds: float = 0.5
    report_seconds: float = 5.0
    max_poison_in_a_row: int = 10


class PollLoop:
    """One consumer: a topic, a name (its group) and a sink. `run` until `stop` is set.

    `letters_of` names the consumer whose dead letters it writes, where that is another one.
    """

    def __init__(
        self,
        event_log: EventLog,
        topic: str,
        consumer: str,
        sink: Sink,
        *,
        letters_of: str | None = None,
        settings: LoopSettings | None = None,
        stop: threading.Event | None = None,
        backoff: Backoff | None = None,
        on_lag: Callable[[Mapping[int, int]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress = Progress()
        self.stop = stop or threading.Event()
        self._event_log = event_log
        self._topic = topic
        self._consumer = consumer
        self._letters_of = letters_of or consumer
        self._sink = sink
        self._settings = settings or LoopSettings()
        self._backoff = backoff or Backoff()
        self._on_lag = on_lag
        self._clock = clock
        self._letters = DeadLetters(event_log)
        self._batch: list[LogRecord] = []
        self._batch_began = 0.0
        self._reported = float("-inf")
        self._positions: dict[int, int] = {}
        self._expected: dict[int, int] = {}
        self._parked: set[str] = set()
        self._lettered: set[tuple[int, int]] = set()
        self._poison_in_a_row = 0
        self._log = log.bind(consumer=consumer, topic=topic)

    def run(self) -> None:
        """Follow the topic until stopped. Raises Halted when it must not go on; all else it survives."""
        try:
            while not self.stop.is_set():
                try:
                    self._follow()
                except Transient as error:
                    self._wait_out(error)
            self.progress.enter(Condition.STOPPED)
        except Halted as error:
            self.progress.enter(Condition.HALTED, str(error))
            self._log.error("consumer halted", reason=str(error), offsets=self._positions)
            raise

    def _follow(self) -> None:
        """Use one reader for as long as the log answers."""
        with closing(self._event_log.reader(self._consumer, self._topic, self._start_offsets)) as reader:
            while not self.stop.is_set():
                try:
                    self._turn(reader)
                except LogUnavailable:
                    raise
                except Transient as error:
                    reader.rewind()
                    self._batch.clear()
                    self._wait_out(error)

    def _turn(self, reader: LogReader) -> None:
        self._collect(reader.poll(self._settings.max_records - len(self._batch), self._patience()))
        if self._is_due():
            batch, self._batch = self._batch, []
            self._settle(batch, reader)
            self._backoff.reset()
        if self._clock() - self._reported >= self._settings.report_seconds:
            self._report(reader)

    def _start_offsets(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Answer the reader after every change of the assignment, and forget what was not applied."""
        self._batch.clear()
        starts = self._sink.start_offsets(partitions)
        self._parked = set(self._sink.parked())
        self._positions = {partition: starts.get(partition, 0) for partition in partitions}
        self._expected = dict(self._positions)
        self.progress.place(self._positions)
        self._log.info("consumer starts", offsets=self._positions, parked=len(self._parked))
        return self._positions

    def _collect(self, records: Sequence[LogRecord]) -> None:
        if records and not self._batch:
            self._batch_began = self._clock()
        expected = self._expected
        for record in records:
            if record.offset >= expected[record.partition]:
                expected[record.partition] = record.offset + 1
                self._batch.append(record)

    def _patience(self) -> float:
        if not self._batch:
            return self._settings.poll_seconds
        left = self._batch_began + self._settings.linger_seconds - self._clock()
        return min(self._settings.poll_seconds, max(0.0, left))

    def _is_due(self) -> bool:
        if not self._batch:
            return False
        full = len(self._batch) >= self._settings.max_records
        return full or self._clock() - self._batch_began >= self._settings.linger_seconds

    def _settle(self, batch: Sequence[LogRecord], reader: LogReader) -> None:
        """Apply a batch; one with a poisoned record in it is halved until that one is alone."""
        self._lettered.clear()
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                self._apply(part, reader)
            except Poison as error:
                if len(part) == 1:
                    self._park(part[0], str(error))
                    parts.append(part)
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]

    def _apply(self, records: Sequence[LogRecord], reader: LogReader) -> None:
        aside = [record for record in records if record.key in self._parked]
        wanted = [record for record in records if record.key not in self._parked] if aside else records
        self._write_letters([(record, BEHIND) for record in aside])
        ends = {record.partition: record.offset + 1 for record in records}
        steps = {partition: Step(self._positions[partition], end) for partition, end in ends.items()}
        self._sink.apply(wanted, steps, {record.key for record in aside})
        self._positions.update(ends)
        if wanted:
            self._poison_in_a_row = 0
        self.progress.advance(len(wanted), len(aside), ends)
        reader.applied(ends)

    def _park(self, record: LogRecord, reason: str) -> None:
        """Set a poisoned record and its ticket aside: first the letter, so that a crash loses nothing."""
        where = self._log.bind(ticket=record.key, partition=record.partition, offset=record.offset)
        if self._poison_in_a_row >= self._settings.max_poison_in_a_row:
            raise Halted(
                f"{self._consumer}: {self._poison_in_a_row + 1} events in a row cannot be applied, the last "
                f"(partition {record.partition}, offset {record.offset}) because: {reason}"
            )
        self._write_letters([(record, reason)])
        self._sink.park(record, reason)
        self._parked.add(record.key)
        self._poison_in_a_row += 1
        where.warning("event set aside", reason=reason)

    def _write_letters(self, records: Sequence[tuple[LogRecord, str]]) -> None:
        fresh = [(each, why) for each, why in records if (each.partition, each.offset) not in self._lettered]
        if fresh:
            self._letters.write(self._letters_of, self._topic, fresh)
            self._lettered.update((record.partition, record.offset) for record, _ in fresh)

    def _wait_out(self, error: Transient) -> None:
        delay = self._backoff.next_seconds()
        self.progress.enter(Condition.WAITING, str(error))
        self._log.warning("consumer waits", reason=str(error), retry_in_seconds=round(delay, 2))
        self.stop.wait(delay)

    def _report(self, reader: LogReader) -> None:
        self._reported = self._clock()
        try:
            lag = reader.lag()
        except Transient:  # the next poll says so
            return
        self.progress.report_lag(lag)
        standing = self.progress.standing()
        self._log.info("consumer progress", lag=standing.total_lag, applied=standing.applied)
        if self._on_lag is not None:
            self._on_lag(lag)
