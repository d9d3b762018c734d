"""Turn a batch of log records into one Arrow table of landing rows, fast.

The raw JSON of the whole batch goes through Arrow's own parser, which knows from `COLUMNS` which few fields
to read (measured: 10,000 events of 1.4 KB in 25 ms; decoding them one by one in Python takes 240 ms). Where
that parser finds anything odd, the batch is read one by one and the record at fault is named.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from domain.errors import Poison
from infra.event_log.port import LogRecord
from projections.ticket_events import COLUMNS, EARLIEST, LATEST, MAX_NUMBER, Column, Kind, landing_row

_ARROW_TYPE: Mapping[Kind, pa.DataType] = {
    Kind.IDENTIFIER: pa.string(),
    Kind.WORD: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.NUMBER: pa.int64(),
    Kind.SECONDS: pa.float64(),
    Kind.FLAG: pa.bool_(),
    Kind.ANSWER: pa.bool_(),
    Kind.MOMENT: pa.timestamp("us", "UTC"),
}
_MISSING: Mapping[Kind, str | bool] = {Kind.WORD: "", Kind.TEXT: "", Kind.FLAG: False}
_BOUNDS = {Kind.SECONDS: (0, MAX_NUMBER), Kind.MOMENT: (EARLIEST, LATEST)}

_UUID = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"

COLUMN_NAMES = (*(column.name for column in COLUMNS), "store_position", "log_partition", "log_offset")


def landing_table(records: Sequence[LogRecord]) -> pa.Table:
    """Map records to rows, in their order. Raises Poison for the first that is no event of its ticket."""
    try:
        columns = parsed_at_once(records)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        columns = None
    if columns is None:
        columns = parsed_one_by_one(records)
    return pa.table([*map(_compact, COLUMNS, columns), *_places(records)], names=list(COLUMN_NAMES))


def parsed_at_once(records: Sequence[LogRecord]) -> list[pa.Array] | None:
    """Let Arrow read the batch; None or ArrowInvalid when something about it is not as it should be."""
    if not all(record.value.startswith(b"{") for record in records):
        return None
    lines = b"\n".join([record.value for record in records])
    table = pyarrow.json.read_json(
        pa.BufferReader(lines),
        # One block on the thread that asks: what Arrow's own threads cost is more than they bring here.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=_PARSE_OPTIONS,
    )
    if table.num_rows != len(records):
        return None
    columns = [_pick(table, column) for column in COLUMNS]
    if not all(map(_plausible, COLUMNS, columns)):
        return None
    columns = [
        _only_there(column, values, columns[_TYPE]) for column, values in zip(COLUMNS, columns, strict=True)
    ]
    keys = pa.array([record.key for record in records])
    return list(map(_filled, COLUMNS, columns)) if columns[_NUMBER].equals(keys) else None


def parsed_one_by_one(records: Sequence[LogRecord]) -> list[pa.Array]:
    """Read the batch record by record; raises Poison with its partition and offset."""
    rows = []
    for record in records:
        try:
            rows.append(landing_row(record.value, record.key))
        except Poison as error:
            raise Poison(f"partition {record.partition}, offset {record.offset}: {error}") from error
    return [
        pa.array([row[column.name] for row in rows], _ARROW_TYPE[column.kind], from_pandas=False)
        for column in COLUMNS
    ]


def _pick(table: pa.Table, column: Column) -> pa.Array:
    values = table.column(column.path[0])
    if len(column.path) > 1:
        values = pc.struct_field(values, list(column.path[1:]))
    return values.combine_chunks()


def _only_there(column: Column, values: pa.Array, types: pa.Array) -> pa.Array:
    """Forget what stands at the column's place in other events: it is not the column's to show."""
    return pc.if_else(pc.equal(types, column.only_in), values, "") if column.only_in else values


def _filled(column: Column, values: pa.Array) -> pa.Array:
    missing = _MISSING.get(column.kind)
    return values if missing is None or not values.null_count else pc.fill_null(values, missing)


def _plausible(column: Column, values: pa.Array) -> bool:
    values.validate(full=True)  # Arrow's JSON parser lets broken UTF-8 through
    if column.required and values.null_count:
        return False
    if column.kind is Kind.IDENTIFIER:
        return bool(pc.all(pc.match_substring_regex(values, _UUID)).as_py())
    bounds = (0, column.most) if column.kind is Kind.NUMBER else _BOUNDS.get(column.kind)
    if bounds is None or values.null_count == len(values):
        return True
    found = pc.min_max(values).as_py()
    return bool(bounds[0] <= found["min"] and found["max"] <= bounds[1])


def _compact(column: Column, values: pa.Array) -> pa.Array:
    """Send words as a dictionary: the server fills LowCardinality columns faster, from fewer bytes."""
    return values.dictionary_encode() if column.kind is Kind.WORD else values


def _places(records: Sequence[LogRecord]) -> list[pa.Array]:
    return [
        pa.array([record.position or 0 for record in records], pa.uint64()),
        pa.array([record.partition for record in records], pa.uint16()),
        pa.array([record.offset for record in records], pa.uint64()),
    ]


def _struct(columns: Sequence[tuple[tuple[str, ...], pa.DataType]]) -> list[pa.Field]:
    """Nest the columns' paths: what shares its first step becomes one struct."""
    fields = []
    for name in dict.fromkeys(path[0] for path, _ in columns):
        below = [(path[1:], kind) for path, kind in columns if path[0] == name]
        leaf = len(below) == 1 and not below[0][0]
        fields.append(pa.field(name, below[0][1] if leaf else pa.struct(_struct(below))))
    return fields


_SCHEMA = pa.schema(_struct([(column.path, _ARROW_TYPE[column.kind]) for column in COLUMNS]))
_TYPE, _NUMBER = ([column.name for column in COLUMNS].index(name) for name in ("type", "number"))
_PARSE_OPTIONS = pyarrow.json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="ignore")
