"""Send an insert at most once.

`insert`, `insert_arrow` and `raw_insert` of clickhouse-connect 1.12 send an insert again when the connection
closed before the answer came, although it may have been carried out; a body that can only be read once keeps
them from it.
"""

from collections.abc import Generator

import pyarrow as pa
import pyarrow.ipc
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from infra.clickhouse.errors import ClickHouseUnavailable, OutcomeUnknown

_CHUNK_BYTES = 1 << 20
# One block whatever its size in bytes, so that one insert is one part.
_ONE_PART = {"async_insert": 0, "min_insert_block_size_bytes": 0, "max_insert_threads": 1}
MAX_ROWS = 500_000


class InsertRefused(ClickHouseUnavailable):
    """The server has understood the insert and said no: nothing was written."""


def insert_once(client: Client, table: str, rows: pa.Table) -> None:
    """Insert rows as one part. Raises InsertRefused (nothing written) or OutcomeUnknown."""
    if rows.num_rows > MAX_ROWS:
        raise ValueError(f"{rows.num_rows} rows would become several parts")
    try:
        client.raw_insert(
            table, rows.schema.names, _read_once(_arrow_file(rows)), fmt="Arrow", settings=_ONE_PART
        )
    except OperationalError as error:  # a kind of DatabaseError, but no answer of the server
        raise OutcomeUnknown(
            f"the connection to ClickHouse was lost during an insert into {table}"
        ) from error
    except DatabaseError as error:
        raise InsertRefused(f"ClickHouse refuses {rows.num_rows} rows for {table}: {error}") from error


def _arrow_file(rows: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    with pyarrow.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    return memoryview(sink.getvalue())


def _read_once(data: memoryview) -> Generator[bytes, None, None]:
    for start in range(0, len(data), _CHUNK_BYTES):
        yield bytes(data[start : start + _CHUNK_BYTES])
