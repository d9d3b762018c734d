"""Compares the landing table in ClickHouse with the log: a row an event, with what the event says."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from infra.clickhouse.arrow_rows import landing_table
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.schema import EVENTS_TABLE
from infra.event_log.port import LogRecord
from infra.progress import Progress
from infra.verification.entry_view import Attributes
from infra.verification.snapshot import Snapshot
from infra.verification.verdict import Difference, Differs, Part
from projections.ticket_events import COLUMNS, Kind

_EVENTS_AT_ONCE = 20_000
_READ: Mapping[Kind, str] = {
    Kind.IDENTIFIER: "toString({0})",
    Kind.WORD: "toString({0})",
    Kind.TEXT: "{0}",
    Kind.NUMBER: "toInt64({0})",
    Kind.SECONDS: "{0}",
    Kind.FLAG: "toUInt8({0})",
    Kind.ANSWER: "toUInt8({0})",
    Kind.MOMENT: "toUnixTimestamp64Micro({0})",
}
_COMPARED_AS: Mapping[Kind, pa.DataType] = {
    Kind.NUMBER: pa.int64(),
    Kind.SECONDS: pa.float64(),
    Kind.FLAG: pa.int64(),
    Kind.ANSWER: pa.int64(),
    Kind.MOMENT: pa.int64(),
}
_EXPRESSIONS = ", ".join(f"{_READ[column.kind].format(column.name)} AS c_{column.name}" for column in COLUMNS)
_ROWS = (
    f"SELECT store_position, {_EXPRESSIONS} FROM {EVENTS_TABLE} "  # noqa: S608 - names of this code
    "WHERE store_position > {after:UInt64} AND store_position <= {upto:UInt64} ORDER BY store_position"
)
_STRAY = (
    f"SELECT number, sequence FROM {EVENTS_TABLE} "  # noqa: S608 - names of this code
    "WHERE store_position = 0 ORDER BY number, sequence LIMIT 1"
)


class ClickHouseRows:
    """The comparison of one table."""

    def __init__(self, snapshot: Snapshot, client: Client, parked: frozenset[str]) -> None:
        self._snapshot, self._client, self._parked = snapshot, client, parked

    def verify(self, progress: Progress) -> int:
        """Compare all rows; gives how many. Raises Differs, ClickHouseUnavailable."""
        snapshot, compared = self._snapshot, 0
        after = snapshot.runs.position_of(snapshot.first - 1) if snapshot.first else 0
        try:
            self._check_no_stray()
            for records in self._batches():
                upto = records[-1].position or 0
                wanted = [record for record in records if record.key not in self._parked]
                self._compare(wanted, after, upto)
                after = upto
                compared += len(wanted)
                progress.advance(len(records))
        except ClickHouseError as error:
            raise ClickHouseUnavailable(f"ClickHouse does not answer: {error}") from error
        return compared

    def _batches(self) -> Iterator[list[LogRecord]]:
        batch: list[LogRecord] = []
        for leaf, entries in self._snapshot.bundles():
            for at, entry in enumerate(entries, leaf):
                batch.append(
                    LogRecord(
                        0, at, Attributes.of(entry).ticket or "", entry, self._snapshot.runs.position_of(at)
                    )
                )
            if len(batch) >= _EVENTS_AT_ONCE:
                yield batch
                batch = []
        if batch:
            yield batch

    def _compare(self, records: list[LogRecord], after: int, upto: int) -> None:
        parameters = {"after": after, "upto": upto}
        found = self._client.query_arrow(_ROWS, parameters=parameters, use_strings=True)
        found = self._without_parked(found)
        at = _first_other_position(
            found.column("store_position"), [record.position or 0 for record in records]
        )
        if at is not None:
            raise Differs(_other_row(found, records, at))
        if not records:
            return
        expected = landing_table(records)
        for column in COLUMNS:
            is_, should = (
                _plain(found.column(f"c_{column.name}"), column.kind),
                _plain(expected.column(column.name), column.kind),
            )
            if not is_.equals(should):
                raise Differs(_other_value(column.name, is_, should, records))

    def _without_parked(self, rows: pa.Table) -> pa.Table:
        if not self._parked:
            return rows
        return rows.filter(
            pc.invert(pc.is_in(rows.column("c_number"), pa.array(sorted(self._parked), pa.string())))
        )

    def _check_no_stray(self) -> None:
        for number, sequence in self._client.query(_STRAY).result_rows:
            what = "the row says of no event that it is its own"
            raise Differs(Difference(Part.CLICKHOUSE, what, EVENTS_TABLE, str(number), int(sequence)))


def _plain(values: Any, kind: Kind) -> pa.Array:
    """Bring both sides to the same type."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", "UTC"))
    return array.cast(_COMPARED_AS.get(kind, pa.string()))


def _first_other_position(found: pa.ChunkedArray, wanted: list[int]) -> int | None:
    positions = [int(position) for position in found.to_pylist()]
    if positions == wanted:
        return None
    pairs = zip(positions, wanted, strict=False)
    return next(
        (at for at, (is_, should) in enumerate(pairs) if is_ != should), min(len(positions), len(wanted))
    )


def _other_row(found: pa.Table, records: list[LogRecord], at: int) -> Difference:
    """Say what is wrong at the first row whose position is not the expected one."""
    record = records[at] if at < len(records) else None
    position = found.column("store_position")[at].as_py() if at < found.num_rows else None
    if position is None or (
        record is not None and record.position is not None and position > record.position
    ):
        assert record is not None  # noqa: S101 - one of the two has something at this place
        place = f"{EVENTS_TABLE}, store_position {record.position}"
        return Difference.about(record.value, Part.CLICKHOUSE, "the row is missing", place)
    number, version = found.column("c_number")[at].as_py(), found.column("c_sequence")[at].as_py()
    twice = at > 0 and found.column("store_position")[at - 1].as_py() == position
    what = "the row is there twice" if twice else "there is a row that the log has no event for"
    return Difference(Part.CLICKHOUSE, what, f"{EVENTS_TABLE}, store_position {position}", number, version)


def _other_value(name: str, found: pa.Array, expected: pa.Array, records: list[LogRecord]) -> Difference:
    pairs = zip(found.to_pylist(), expected.to_pylist(), strict=True)
    at, (is_, should) = next((at, pair) for at, pair in enumerate(pairs) if pair[0] != pair[1])
    record = records[at]
    place = f"{EVENTS_TABLE}, store_position {record.position}, column {name}"
    return Difference.about(record.value, Part.CLICKHOUSE, f"it is {is_}, the event says {should}", place)
