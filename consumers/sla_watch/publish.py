"""Carries the announcements to the SLA topic, each exactly once, wherever it is killed.

What is behind the remembered place in the sequence was acknowledged. What lies before it may or may not be in
the topic after a crash; so the end of the topic is read first, and what is there is not sent again. The same
serves a read store that was built anew beside a topic that is full already.
"""

import time
from collections.abc import Iterator, Mapping

import structlog

from domain.errors import Poison
from infra.event_log.port import SLA_TOPIC, EventLog, LogUnavailable
from infra.read_store.announcement_rows import Announced, AnnouncementRows, Progress
from projections.sla_announcements import Key, decode

PUBLISH_SECONDS = 30.0
ENDS_EVERY = 5000
"""After so many announcements the topic's end is remembered, so that no more has to be read again."""

log = structlog.get_logger(__name__)


def publication_name(event_log: EventLog) -> str:
    """Name the publication into this very topic: another one that is made later is filled anew."""
    return f"published:{event_log.identity(SLA_TOPIC)}"


class Publisher:
    """The only one that writes to the SLA topic, at any time."""

    def __init__(self, rows: AnnouncementRows, event_log: EventLog, *, rest_seconds: float = 1.0) -> None:
        """Take over from another; `rest_seconds` is what the broker gets to finish what that one sent."""
        self._rows, self._log, self._rest_seconds = rows, event_log, rest_seconds
        self._name = ""
        self._progress: Progress | None = None
        self._there: set[Key] = set()
        self._since_ends = 0

    def publish(self, limit: int) -> int:
        """Publish what comes next; give how many announcements that were. Raises Transient."""
        try:
            progress = self._progress or self._recover()
            batch = self._rows.after(progress.sequence, limit)
            if batch:
                self._send([each for each in batch if each.key not in self._there])
                self._there.difference_update(each.key for each in batch)
                self._since_ends += len(batch)
                self._remember(Progress(batch[-1].sequence, self._ends(progress)))
        except LogUnavailable:
            self._progress = None  # nobody knows what has arrived; the topic is asked
            raise
        return len(batch)

    def _send(self, batch: list[Announced]) -> None:
        records = [(each.key.number, each.event, each.sequence) for each in batch]
        if records and not self._log.publish_async(SLA_TOPIC, records).wait(PUBLISH_SECONDS):
            self._log.abandon()
            raise LogUnavailable(f"no acknowledgement for {PUBLISH_SECONDS:.0f} s")

    def _ends(self, progress: Progress) -> Mapping[int, int]:
        """From where the topic has to be read after a crash: its end, if all in it is accounted for."""
        if self._there or self._since_ends < ENDS_EVERY:
            return progress.offsets
        self._since_ends = 0
        return self._log.end_offsets(SLA_TOPIC)

    def _remember(self, progress: Progress) -> None:
        self._rows.set_progress(self._name, progress)
        self._progress = progress

    def _recover(self) -> Progress:
        """Find out what is in the topic beyond the remembered place."""
        self._name = publication_name(self._log)
        progress = self._rows.progress(self._name)
        if self._rows.last() > progress.sequence:
            time.sleep(self._rest_seconds)
        found = set(self._in_topic(progress.offsets))
        self._there = found - self._rows.upto(progress.sequence, found)
        self._progress = progress
        log.info("publisher starts", sequence=progress.sequence, found=len(found), ahead=len(self._there))
        return progress

    def _in_topic(self, starts: Mapping[int, int]) -> Iterator[Key]:
        for record in self._log.history(SLA_TOPIC, starts):
            try:
                yield decode(record.value).key
            except Poison:
                log.warning("not an announcement", partition=record.partition, offset=record.offset)
