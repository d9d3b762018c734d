"""Write closed tickets as open data: one file of rows, and a Frictionless data package that describes it.

Rows are read and written block by block, so that memory grows with the number of cells, not of tickets. The
same tickets, selection and secret give the same bytes.
"""

import csv
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client

from infra.open_data.closed_tickets import Selection, closed_tickets, count_cells
from infra.open_data.layouts import Layout, Value
from projections.open_data import coarsened

_SECRET_BYTES = 32
_CHUNK_BYTES = 1 << 20
_ROWS_A_GROUP = 65_536
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """What was written: rows as they are, rows under a wider cell, and rows left out."""

    rows: int
    coarsened: int
    suppressed: int
    data: Path
    package: Path


class _Writer(Protocol):
    def write(self, rows: Sequence[Row]) -> None: ...

    def close(self) -> None: ...


class _CsvWriter:
    def __init__(self, place: Path, layout: Layout) -> None:
        self._file = place.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow([column.name for column in layout.columns])

    def write(self, rows: Sequence[Row]) -> None:
        self._csv.writerows([_text(value) for value in row] for row in rows)

    def close(self) -> None:
        self._file.close()


class _ParquetWriter:
    def __init__(self, place: Path, layout: Layout) -> None:
        fields = [
            pa.field(column.name, column.arrow_type, metadata={"description": column.description})
            for column in layout.columns
        ]
        self._schema = pa.schema(fields)
        self._file = pq.ParquetWriter(place, self._schema, compression="zstd")
        self._held: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        self._held += rows
        while len(self._held) >= _ROWS_A_GROUP:
            self._group(self._held[:_ROWS_A_GROUP])
            self._held = self._held[_ROWS_A_GROUP:]

    def close(self) -> None:
        if self._held:
            self._group(self._held)
        self._file.close()

    def _group(self, rows: Sequence[Row]) -> None:
        columns = zip(*rows, strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))


WRITERS: dict[str, Callable[[Path, Layout], _Writer]] = {"csv": _CsvWriter, "parquet": _ParquetWriter}
_MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def export(
    client: Client, wanted: Selection, layout: Layout, *, out: Path, form: str, k: int, secret: bytes
) -> Export:
    """Write `out` and its data package beside it, both or none. Raises ClickHouseUnavailable, OSError."""
    published = coarsened(count_cells(client, wanted), k)
    key = (int.from_bytes(secret[:8], "big"), int.from_bytes(secret[8:16], "big"))
    rows = widened = suppressed = 0
    with _draft(out) as draft:
        with closing(WRITERS[form](draft, layout)) as writer:
            for block in closed_tickets(client, wanted, key):
                kept: list[Row] = []
                for ticket in block:
                    cell = published.get(ticket.cell)  # a cell that is new since they were counted stays out
                    if cell is None:
                        suppressed += 1
                        continue
                    widened += cell != ticket.cell
                    kept.append(layout.fill(ticket, cell, secret))
                writer.write(kept)
                rows += len(kept)
        result = Export(rows, widened, suppressed, out, out.with_name(f"{out.name}.datapackage.json"))
        with _draft(result.package) as package:
            package.write_text(_package(result, draft, wanted, layout, form, k), encoding="utf-8")
    return result


def read_secret(file: Path) -> bytes:
    """Give the secret that pseudonyms are made with, made (0600) on first use."""
    try:
        with open(file, "xb", opener=_private) as stream:
            stream.write(secrets.token_bytes(_SECRET_BYTES))
    except FileExistsError:
        pass
    return file.read_bytes()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _draft(place: Path) -> Iterator[Path]:
    """Give a place to write to, which becomes `place` when all went well."""
    draft = place.with_name(f".{place.name}.draft")
    try:
        yield draft
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def _package(result: Export, data: Path, wanted: Selection, layout: Layout, form: str, k: int) -> str:
    digest = hashlib.sha256()
    with data.open("rb") as stream:
        while piece := stream.read(_CHUNK_BYTES):
            digest.update(piece)
    package = {
        "profile": "tabular-data-package",
        "name": f"closed-tickets-{wanted.first}-{wanted.last}",
        "title": layout.title,
        "description": _said(result, k),
        "selection": {
            "closed_from": f"{wanted.first}", "closed_to": f"{wanted.last}", "region": wanted.region,
        },
        "disclosure_control": {
            "k": k, "cell": ["region", "category", "month of closing"], "rows": result.rows,
            "rows_coarsened": result.coarsened, "rows_suppressed": result.suppressed,
        },
        "resources": [
            {
                "name": "closed-tickets", "path": result.data.name, "format": form,
                "mediatype": _MEDIA_TYPES[form], "encoding": "utf-8", "bytes": data.stat().st_size,
                "hash": f"sha256:{digest.hexdigest()}", "profile": "tabular-data-resource",
                "schema": {
                    "fields": [
                        {"name": column.name, "type": column.kind, "description": column.description}
                        for column in layout.columns
                    ],
                    "missingValues": [""],
                },
            }
        ],
    }  # fmt: skip
    return json.dumps(package, ensure_ascii=False, indent=2) + "\n"


def _said(result: Export, k: int) -> str:
    return (
        f"{result.rows} closed tickets without personal data. Cells of region, category and month with fewer "
        f"than {k} tickets were given a wider region or category ({result.coarsened} rows) or left out "
        f"({result.suppressed} rows). Times are given as months; ticket numbers are not published, because "
        "residents hold them as keys. Rows are in no meaningful order."
    )


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
