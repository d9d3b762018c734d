"""Many rows of one table in one call of the driver, past SQLAlchemy's work per row."""

from collections.abc import Sequence
from operator import itemgetter

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infra.event_log.sink import MovedOn
from infra.read_store.driver_rows import DriverRows, Row


class BulkWrite:
    """Inserts and updates of whole rows, given as tuples in the order of the table's columns.

    Columns in `fixed` never change and stay out of the updates, and with them their indexes.
    """

    def __init__(self, table: sa.Table, *, fixed: Sequence[str]) -> None:
        names = [column.name for column in table.columns]
        keys = [column.name for column in table.primary_key]
        changing = [name for name in names if name not in fixed and name not in keys]
        self._rows = DriverRows(table)
        self._update_order = itemgetter(*(names.index(name) for name in [*changing, *keys, "version"]))
        self._insert = (
            f'INSERT INTO "{table.name}" ({", ".join(map(_quoted, names))}) '  # noqa: S608 - names of the schema
            f"VALUES ({', '.join('?' for _ in names)})"
        )
        # An older row is the only one to be replaced: the version is checked once more where it counts.
        where = " AND ".join(f"{_quoted(name)} = ?" for name in keys)
        self._update = (
            f'UPDATE "{table.name}" SET {", ".join(f"{_quoted(name)} = ?" for name in changing)} '  # noqa: S608
            f'WHERE {where} AND "version" < ?'
        )

    def insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Add rows that are not there yet."""
        self._run(connection, self._insert, self._rows.of(rows, connection.dialect.name))

    def update(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Replace rows by newer ones; raises MovedOn when another process was faster."""
        ordered = [self._update_order(row) for row in self._rows.of(rows, connection.dialect.name)]
        if self._run(connection, self._update, ordered) != len(ordered):
            raise MovedOn("another process has written newer rows")

    @staticmethod
    def _run(connection: Connection, statement: str, rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        if connection.dialect.name == "postgresql":
            statement = statement.replace("?", "%s")
        return connection.exec_driver_sql(statement, list(rows)).rowcount


def _quoted(name: str) -> str:
    return f'"{name}"'
