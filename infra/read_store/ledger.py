"""How far a projection has come, and which tickets wait: written in the transaction of its rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infra.event_log.port import LogRecord
from infra.event_log.sink import MovedOn, Step
from infra.read_store.schema import DISCARDED, PARKED, POSITIONS

_BEGIN = sa.text(
    "INSERT INTO positions (projection, version, log, topic, log_partition, next_offset) "
    "VALUES (:projection, :version, :log, :topic, :log_partition, :next_offset) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The books of one version of one projection that follows one topic of one log."""

    projection: str
    version: int
    log: str
    """The log's own identity: offsets of another log, or of a topic made anew, mean nothing here."""
    topic: str

    def positions(self, connection: Connection) -> dict[int, int]:
        """Give the next offset to apply for every partition that was ever seen."""
        query = sa.select(POSITIONS.c.log_partition, POSITIONS.c.next_offset).where(*self._mine(POSITIONS))
        return {row.log_partition: row.next_offset for row in connection.execute(query)}

    def move(self, connection: Connection, steps: Mapping[int, Step]) -> None:
        """Move positions on if they are where the caller thinks; raises MovedOn."""
        for partition, step in sorted(steps.items()):
            if not (self._advance(connection, partition, step) or self._begin(connection, partition, step)):
                raise MovedOn(
                    f"{self.projection} {self.version}: partition {partition} of {self.topic} is not at "
                    f"{step.start}; another process applies it too"
                )

    def parked(self, connection: Connection) -> set[str]:
        """Give the numbers of the tickets that wait behind a poisoned event."""
        return set(connection.scalars(sa.select(PARKED.c.number).where(*self._mine(PARKED))))

    def check_parked(self, connection: Connection, numbers: Collection[str]) -> None:
        """Hold these tickets parked until the end of the transaction; raises MovedOn if one is not."""
        if not numbers:
            return
        query = (
            sa.select(PARKED.c.number)
            .where(*self._mine(PARKED), PARKED.c.number.in_(sorted(numbers)))
            .with_for_update(read=True)
        )
        if len(connection.scalars(query).all()) != len(set(numbers)):
            raise MovedOn(f"{self.projection} {self.version}: a parked ticket was released")

    def park(self, connection: Connection, record: LogRecord, reason: str) -> None:
        """Remember that a ticket waits; the first reason stays."""
        if self.is_parked(connection, record.key):
            return
        connection.execute(
            sa.insert(PARKED).values(
                projection=self.projection,
                version=self.version,
                number=record.key,
                log=self.log,
                topic=self.topic,
                log_partition=record.partition,
                log_offset=record.offset,
                reason=reason,
            )
        )

    def is_parked(self, connection: Connection, number: str) -> bool:
        """Tell whether a ticket waits, and keep it so for others until the end of the transaction."""
        query = sa.select(PARKED.c.number).where(*self._mine(PARKED), PARKED.c.number == number)
        return connection.scalar(query.with_for_update()) is not None

    def release(self, connection: Connection, number: str) -> None:
        """Let a ticket go on."""
        connection.execute(sa.delete(PARKED).where(*self._mine(PARKED), PARKED.c.number == number))

    def gaps_allowed(self, connection: Connection) -> set[str]:
        """Give the tickets whose next event may follow with a gap, because one was discarded."""
        return set(connection.scalars(sa.select(DISCARDED.c.number).where(*self._mine(DISCARDED))))

    def set_gaps_allowed(self, connection: Connection, before: set[str], after: Iterable[str]) -> None:
        """Remember those tickets anew; `before` is what `gaps_allowed` gave."""
        after = set(after)
        for number in sorted(before - after):
            connection.execute(
                sa.delete(DISCARDED).where(*self._mine(DISCARDED), DISCARDED.c.number == number)
            )
        for number in sorted(after - before):
            connection.execute(
                sa.insert(DISCARDED).values(projection=self.projection, version=self.version, number=number)
            )

    def _mine(self, table: sa.Table) -> Sequence[sa.ColumnElement[bool]]:
        conditions = [table.c.projection == self.projection, table.c.version == self.version]
        if table is POSITIONS:
            conditions += [table.c.log == self.log, table.c.topic == self.topic]
        return conditions

    def _advance(self, connection: Connection, partition: int, step: Step) -> bool:
        statement = (
            sa.update(POSITIONS)
            .where(
                *self._mine(POSITIONS),
                POSITIONS.c.log_partition == partition,
                POSITIONS.c.next_offset == step.start,
            )
            .values(next_offset=step.next)
        )
        return connection.execute(statement).rowcount == 1

    def _begin(self, connection: Connection, partition: int, step: Step) -> bool:
        """Write a partition's first position; two processes that both begin exclude each other."""
        if step.start != 0:
            return False
        return (
            connection.execute(
                _BEGIN,
                {
                    "projection": self.projection,
                    "version": self.version,
                    "log": self.log,
                    "topic": self.topic,
                    "log_partition": partition,
                    "next_offset": step.next,
                },
            ).rowcount
            == 1
        )
