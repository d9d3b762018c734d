"""The smallest real sink: rows and positions in one SQLite transaction, for tests of the loop."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from domain.errors import Halted, Poison, Transient
from infra.event_log.port import LogRecord
from infra.event_log.sink import Letter, MovedOn, Step
from tests.services.sample_events import sequence_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (ticket TEXT, sequence INTEGER, PRIMARY KEY (ticket, sequence));
CREATE TABLE IF NOT EXISTS positions (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS parked (ticket TEXT PRIMARY KEY, reason TEXT);
"""


class SqliteSink:
    """Insists on every ticket's gapless sequence; a plain INSERT fails on anything applied twice."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._transaction() as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)

    def start_offsets(self, partitions: Sequence[int]) -> Mapping[int, int]:
        with self._transaction() as connection:
            known = dict(connection.execute("SELECT partition, next FROM positions").fetchall())
        return {partition: known.get(partition, 0) for partition in partitions}

    def apply(
        self, records: Sequence[LogRecord], steps: Mapping[int, Step], aside: Collection[str] = ()
    ) -> None:
        with self._transaction() as connection:
            self._move(connection, steps)
            if not set(aside) <= _parked(connection):
                raise MovedOn("released")
            for record in records:
                self._write(connection, record)

    def parked(self) -> Collection[str]:
        with self._transaction() as connection:
            return _parked(connection)

    def park(self, record: LogRecord, reason: str) -> None:
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO parked VALUES (?, ?)", (record.key, reason))

    def release(self, key: str, letters: Callable[[], Sequence[Letter]]) -> None:
        with self._transaction() as connection:
            for letter in letters():
                if not letter.discarded:
                    self._write(connection, letter.record)
            connection.execute("DELETE FROM parked WHERE ticket = ?", (key,))

    def sequences(self) -> dict[str, list[int]]:
        """Give what was applied, per ticket."""
        found: dict[str, list[int]] = {}
        with self._transaction() as connection:
            for ticket, sequence in connection.execute("SELECT ticket, sequence FROM seen ORDER BY rowid"):
                found.setdefault(ticket, []).append(sequence)
        return found

    def count(self) -> int:
        with self._transaction() as connection:
            return int(connection.execute("SELECT count(*) FROM seen").fetchone()[0])

    def _move(self, connection: sqlite3.Connection, steps: Mapping[int, Step]) -> None:
        for partition, step in steps.items():
            row = connection.execute(
                "SELECT next FROM positions WHERE partition = ?", (partition,)
            ).fetchone()
            if (row[0] if row else 0) != step.start:
                raise MovedOn(f"partition {partition} is not at {step.start}")
            connection.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (partition, step.next))

    def _write(self, connection: sqlite3.Connection, record: LogRecord) -> None:
        try:
            sequence = sequence_of(record.value)
        except ValueError:
            raise Poison("not an event") from None
        newest = connection.execute(
            "SELECT max(sequence) FROM seen WHERE ticket = ?", (record.key,)
        ).fetchone()
        expected = (newest[0] or 0) + 1
        if sequence > expected:
            raise Halted(f"{record.key}: {sequence} comes after {expected - 1}")
        if sequence == expected:
            connection.execute("INSERT INTO seen VALUES (?, ?)", (record.key, sequence))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=20, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise Transient(str(error)) from error


def _parked(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT ticket FROM parked")}
