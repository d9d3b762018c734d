"""Divide a batch of log records among inserts that may run at the same time.

How far ClickHouse has come is told partition by partition, so that the inserts of one partition must follow
one another, and those of different partitions need not.
"""

from collections.abc import Sequence

from infra.event_log.port import LogRecord

Chunk = Sequence[LogRecord]


def in_lanes(records: Sequence[LogRecord], lanes: int, rows: int) -> list[list[Chunk]]:
    """Give at most `lanes` sequences of chunks of about `rows` records, equally long as far as it goes.

    A partition is in one lane only, in its order. There are no more lanes than chunks: a small batch is one
    insert, because every insert is a part that has to be merged and takes its room until then.
    """
    sharing = _shared_out(_by_partition(records), min(lanes, _pieces(records, rows)))
    return [_cut(lane, rows) for lane in sharing if lane]


def _by_partition(records: Sequence[LogRecord]) -> list[list[LogRecord]]:
    found: dict[int, list[LogRecord]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record)
    return list(found.values())


def _shared_out(partitions: list[list[LogRecord]], lanes: int) -> list[list[LogRecord]]:
    """Give the largest first to whoever has least."""
    sharing: list[list[LogRecord]] = [[] for _ in range(lanes)]
    for partition in sorted(partitions, key=len, reverse=True):
        min(sharing, key=len).extend(partition)
    return sharing


def _cut(records: Sequence[LogRecord], rows: int) -> list[Chunk]:
    size = -(-len(records) // _pieces(records, rows))
    return [records[start : start + size] for start in range(0, len(records), size)]


def _pieces(records: Sequence[LogRecord], rows: int) -> int:
    return max(1, round(len(records) / rows))
