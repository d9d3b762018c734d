"""A sink that tells when the loop began to read and when a number of records was applied."""

import threading
import time
from collections.abc import Collection, Mapping, Sequence

from infra.event_log.port import LogRecord
from infra.event_log.sink import Sink, Step


class WatchedSink:
    """Passes everything on to another sink; `stop` is set when `wanted` records were applied."""

    def __init__(self, sink: Sink, wanted: int) -> None:
        self.stop = threading.Event()
        self.seconds = 0.0
        self._sink = sink
        self._wanted = wanted
        self._began = 0.0

    def start_offsets(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """See `Sink.start_offsets`; the clock starts when the partitions are there."""
        starts = self._sink.start_offsets(partitions)
        if partitions:
            self._began = time.perf_counter()
        return starts

    def apply(
        self, records: Sequence[LogRecord], steps: Mapping[int, Step], aside: Collection[str] = ()
    ) -> None:
        """See `Sink.apply`."""
        self._sink.apply(records, steps, aside)
        self._wanted -= len(records)
        if self._wanted <= 0:
            self.seconds = time.perf_counter() - self._began
            self.stop.set()

    def parked(self) -> Collection[str]:
        """See `Sink.parked`."""
        return self._sink.parked()

    def park(self, record: LogRecord, reason: str) -> None:
        """See `Sink.park`."""
        self._sink.park(record, reason)
