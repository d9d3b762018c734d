"""Tell events that come again from new ones: after a crash the relay repeats what it is not sure of.

Within a partition every event comes first in the order of the event store's positions, repeats or not. So
whatever is not beyond the highest position landed there was landed before. The events of a ticket that was
parked are landed late, behind higher positions; they are known by their place in the ticket.
"""

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from infra.event_log.port import LogRecord


def without_repeats(records: Sequence[LogRecord], newest: Mapping[int, int]) -> list[LogRecord]:
    """Leave out what comes again. `newest` is the highest position landed per partition.

    Records that do not say their position are all new.
    """
    highest = dict(newest)
    fresh: list[LogRecord] = []
    for record in records:
        if record.position is not None:
            if record.position <= highest.get(record.partition, 0):
                continue
            highest[record.partition] = record.position
        fresh.append(record)
    return fresh


def first_of_each_sequence(rows: pa.Table, landed: Collection[int]) -> pa.Table:
    """Leave out, of one ticket's rows, the sequences that are landed already or came before in `rows`."""
    seen = set(landed)
    wanted = []
    for row, sequence in enumerate(rows.column("sequence").to_pylist()):
        if sequence not in seen:
            seen.add(sequence)
            wanted.append(row)
    return rows.take(wanted)
