"""Compares the tickets' topic in Kafka with the log: every event there, with its bytes, nothing else."""

from collections.abc import Iterator
from hashlib import sha256

from infra.event_log.port import TICKETS_TOPIC, EventLog, LogRecord
from infra.progress import Progress
from infra.transparency.tiles import hash_at, tile_with
from infra.verification.entry_view import Attributes
from infra.verification.snapshot import Snapshot
from infra.verification.verdict import Difference, Differs, Part

_ALL_MET = 0xFF


class KafkaTopic:
    """What of the log was met in the topic. A record may be there twice: the relay repeats after a crash."""

    def __init__(self, snapshot: Snapshot, relayed: int) -> None:
        """`relayed` is the position in the store up to which everything was acknowledged by Kafka."""
        self._snapshot = snapshot
        self._relayed = relayed
        self._met = bytearray(snapshot.size // 8 + 1)
        self._newest: dict[int, int] = {}
        self._count = 0

    def verify(self, event_log: EventLog, progress: Progress) -> int:
        """Read the whole topic; gives how many events of the log were met. Raises Differs, Transient."""
        for record in event_log.history(TICKETS_TOPIC):
            self._take(record)
            progress.advance(1)
        self._check_nothing_missing()
        return self._count

    def _take(self, record: LogRecord) -> None:
        snapshot, position = self._snapshot, record.position
        if position is not None and position > snapshot.last_position:
            return  # newer than the checkpoint
        leaf = snapshot.runs.leaf_of(position) if position is not None else None
        if leaf is None:
            raise self._differs(record, "the log has no such event")
        if leaf < snapshot.first:
            return
        tile, place = tile_with(0, leaf, snapshot.size)
        if sha256(b"\0" + record.value).digest() != hash_at(snapshot.log.folder.read(tile), place):
            raise self._differs(record, f"its bytes are not those of entry {leaf}")
        if record.key != Attributes.of(record.value).ticket:
            raise self._differs(record, f"it has the key {record.key!r}")
        self._meet(record, leaf)

    def _meet(self, record: LogRecord, leaf: int) -> None:
        byte, bit = divmod(leaf, 8)
        if self._met[byte] >> bit & 1:
            return
        if leaf < self._newest.get(record.partition, 0):
            raise self._differs(record, "it comes after later events of its partition")
        self._newest[record.partition] = leaf
        self._met[byte] |= 1 << bit
        self._count += 1

    def _check_nothing_missing(self) -> None:
        snapshot = self._snapshot
        for leaf in self._missing():
            position = snapshot.runs.position_of(leaf)
            if position > self._relayed:
                return
            entry = snapshot.log.entry(leaf, snapshot.size)
            place = f"{TICKETS_TOPIC} (entry {leaf}, position {position})"
            what = "the event is not in the topic"
            raise Differs(Difference.about(entry, Part.KAFKA, what, place))

    def _missing(self) -> Iterator[int]:
        for at, byte in enumerate(self._met):
            if byte != _ALL_MET:
                yield from (
                    at * 8 + bit
                    for bit in range(8)
                    if not byte >> bit & 1 and at * 8 + bit in self._snapshot.leaves
                )

    @staticmethod
    def _differs(record: LogRecord, what: str) -> Differs:
        place = f"partition {record.partition}, offset {record.offset}"
        return Differs(Difference.about(record.value, Part.KAFKA, what, place))
