"""Rows of a table in the form in which its database's driver takes and gives them, past SQLAlchemy."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from infra.read_store.column_types import Moment, to_microseconds

Row = tuple[object, ...]


class DriverRows:
    """Converts rows of one table, given as tuples in the order of its columns."""

    def __init__(self, table: sa.Table) -> None:
        self._moments = [n for n, column in enumerate(table.columns) if isinstance(column.type, Moment)]

    def of(self, rows: Iterable[Row], dialect: str) -> list[Row]:
        """Give them for a driver of `sqlite` or `postgresql`."""
        if dialect == "postgresql":
            return [tuple(row) for row in rows]
        return [self._for_sqlite(row) for row in rows]

    def _for_sqlite(self, row: Row) -> Row:
        values = list(row)
        for index in self._moments:
            value = values[index]
            if isinstance(value, datetime):
                values[index] = to_microseconds(value)
        return tuple(values)
