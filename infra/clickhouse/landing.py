"""Land every event in ClickHouse exactly once: the poll loop's sink for `liudan.ticket_events`.

ClickHouse has no transactions, so the rows themselves say how far the log has come: partition and offset are
columns, one insert is one part (all of it or nothing), and nobody writes without having read the position
just before. When it is unknown what became of an insert, nothing is sent again: positions are read anew,
after every insert that is still under way has come to its end.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from domain.errors import NotFound
from infra.clickhouse.arrow_rows import landing_table, parsed_one_by_one
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.insert_once import InsertRefused, insert_once
from infra.clickhouse.parked_tickets import set_standing, standing_of_all, waiting
from infra.clickhouse.positions import await_running_inserts, read_positions, write_positions
from infra.clickhouse.schema import EVENTS_TABLE, migrate
from infra.event_log.port import LogRecord
from infra.event_log.sink import Letter, MovedOn, Step

_LANDED = f"SELECT log_partition, log_offset FROM {EVENTS_TABLE} WHERE number = {{number:String}}"  # noqa: S608 - own name

_log = structlog.get_logger(__name__)


class Landing:
    """A `ReleasingSink`. Opens its client when it is first needed, and anew after a failure."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client: Client | None = None

    def start_offsets(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Give the next offset per partition, once no insert is under way any more."""
        with self._using() as client:
            await_running_inserts(client)
            return read_positions(client, partitions)

    def apply(
        self, records: Sequence[LogRecord], steps: Mapping[int, Step], aside: Collection[str] = ()
    ) -> None:
        """Land records and move on from `steps[p].start` to `steps[p].next`.

        Each event is a row of its own, so that a ticket's sequence is not checked here. Raises Poison before
        anything is written, MovedOn when somebody else has written.
        """
        rows = landing_table(records) if records else None
        with self._using() as client:
            self._check(client, steps, aside)
            if rows is not None:
                self._insert(client, rows, records)
            ahead = _unvouched(records, steps)
            if ahead:
                write_positions(client, ahead)

    def parked(self) -> Collection[str]:
        """Give the tickets whose events wait."""
        with self._using() as client:
            return set(standing_of_all(client))

    def park(self, record: LogRecord, reason: str) -> None:
        """Let the record's ticket wait."""
        with self._using() as client:
            set_standing(client, record.key, "parked", reason)
        _log.warning("ticket parked", ticket=record.key, partition=record.partition, offset=record.offset)

    def release(self, key: str, letters: Callable[[], Sequence[Letter]]) -> None:
        """Land what was set aside for a ticket, without what is there already, and let it go on.

        Raises NotFound when the ticket is not parked; Poison, and it stays parked, when one of its records
        still cannot be read. A release that was killed is simply repeated.
        """
        with self._using() as client:
            if key not in standing_of_all(client):
                raise NotFound(f"ticket {key} is not parked in ClickHouse", field="ticket")
            set_standing(client, key, "releasing")
            try:
                self._land_letters(client, key, letters())
            except BaseException:
                set_standing(client, key, "parked")
                raise
            set_standing(client, key, "released")

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _check(self, client: Client, steps: Mapping[int, Step], aside: Collection[str]) -> None:
        if aside and not waiting(client, aside):
            raise MovedOn("a parked ticket was released")
        for partition, position in read_positions(client, list(steps)).items() if steps else ():
            if position != steps[partition].start:
                raise MovedOn(f"partition {partition} is at {position}, not at {steps[partition].start}")

    def _insert(self, client: Client, rows: pa.Table, records: Sequence[LogRecord]) -> None:
        try:
            insert_once(client, EVENTS_TABLE, rows)
        except InsertRefused:
            parsed_one_by_one(records)  # names the record that the server cannot take, as Poison
            raise

    def _land_letters(self, client: Client, key: str, letters: Sequence[Letter]) -> None:
        await_running_inserts(client)
        landed = set(client.query(_LANDED, parameters={"number": key}).result_rows)
        missing = [
            letter.record
            for letter in letters
            if not letter.discarded and (letter.record.partition, letter.record.offset) not in landed
        ]
        if missing:
            self._insert(client, landing_table(missing), missing)

    @contextmanager
    def _using(self) -> Iterator[Client]:
        try:
            if self._client is None:
                self._client = self._connect()
                migrate(self._client)
            yield self._client
        except ClickHouseUnavailable:
            self.close()
            raise
        except ClickHouseError as error:
            self.close()
            raise ClickHouseUnavailable(f"ClickHouse does not answer: {error}") from error


def _unvouched(records: Sequence[LogRecord], steps: Mapping[int, Step]) -> dict[int, int]:
    """Give the new positions that the landed rows do not show: the last records there were set aside."""
    shown: dict[int, int] = {}
    for record in records:
        shown[record.partition] = max(shown.get(record.partition, 0), record.offset + 1)
    return {partition: step.next for partition, step in steps.items() if shown.get(partition) != step.next}
