"""The events of several streams, read at once."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter


def by_stream(rows: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """Collect rows of stream id and bytes, which come stream by stream."""
    return {stream: [state for _, state in rows] for stream, rows in groupby(rows, itemgetter(0))}
