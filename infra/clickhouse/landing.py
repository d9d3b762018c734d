"""Land every event in ClickHouse exactly once: the poll loop's sink for `liudan.ticket_events`.

ClickHouse has no transactions, so the rows themselves say how far the log has come: partition and offset are
columns, one insert is one part (all of it or nothing), and nobody writes without having read the position
just before. A partition's inserts follow one another; those of different ones may run at the same time. When
it is unknown what became of an insert, nothing is sent again: positions are read anew, after
every insert that is still under way has come to its end.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime

import pyarrow as pa
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from domain.errors import NotFound
from infra.clickhouse.arrow_rows import landing_table, parsed_one_by_one
from infra.clickhouse.builds import build_of
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.insert_once import InsertRefused, insert_once
from infra.clickhouse.lanes import Chunk, in_lanes
from infra.clickhouse.migrate import migrate
from infra.clickhouse.parked_tickets import set_standing, standing_of_all, waiting
from infra.clickhouse.positions import Build, Reached, await_running_inserts, read_reached, write_positions
from infra.clickhouse.repeats import first_of_each_sequence, without_repeats
from infra.clickhouse.schema import EVENTS_TABLE, ORIGINS_TABLE
from infra.event_log.port import LogRecord
from infra.event_log.sink import Letter, MovedOn, Step

INSERT_ROWS = 10_000
_LANES = 2

_log = structlog.get_logger(__name__)


class Landing:
    """A `ReleasingSink`. Opens its client when it is first needed, and anew after a failure.

    What it lands goes into the build that stands under `table`. Once another one has taken that place the
    server refuses it, and it begins anew with the positions of the new one.

    Positions are read again before every insert, except within `trust_seconds` of the last answer: nobody
    can have taken over a partition so soon, because the log gives it to another member only after this one
    has asked for records again or was silent for a session timeout (several seconds).
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        *,
        table: str = EVENTS_TABLE,
        cluster: str = "",
        trust_seconds: float = 1.0,
        insert_rows: int = INSERT_ROWS,
    ) -> None:
        self._connect = connect
        self._build = Build(table, 0)
        self._cluster = cluster
        self._trust_seconds = trust_seconds
        self._insert_rows = insert_rows
        self._client: Client | None = None
        self._reached: dict[int, Reached] = {}
        self._heard_at = float("-inf")
        self._origins: Mapping[str, datetime] = {}
        self._threads = ThreadPoolExecutor(_LANES, "landing")

    def start_offsets(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Give the next offset per partition, once no insert is under way any more."""
        with self._using() as client:
            await_running_inserts(client)
            self._reached = read_reached(client, self._build, partitions)
            self._heard_at = time.monotonic()
            return {partition: reached.next_offset for partition, reached in self._reached.items()}

    def apply(
        self, records: Sequence[LogRecord], steps: Mapping[int, Step], aside: Collection[str] = ()
    ) -> None:
        """Land records, about `insert_rows` at a time, and move on from `steps[p].start` to `steps[p].next`.

        Each event is a row of its own, so that a ticket's sequence is not checked here; an event that comes
        again is dropped. Raises MovedOn when somebody else has written, and Poison before anything is.
        """
        records = without_repeats(records, {p: reached.newest for p, reached in self._reached.items()})
        lanes = in_lanes(records, _LANES, self._insert_rows)
        encoding = [[self._threads.submit(landing_table, chunk) for chunk in lane] for lane in lanes]
        wait([each for lane in encoding for each in lane])
        encoded = [[each.result() for each in lane] for lane in encoding]
        with self._using() as client:
            self._check(client, steps, aside)
            self._insert_all(client, lanes, encoded, steps)
            ahead = _unvouched(records, steps)
            if ahead:
                write_positions(client, self._build, ahead)
                self._move(ahead)
        self._heard_at = time.monotonic()

    def parked(self) -> Collection[str]:
        """Give the tickets whose events wait."""
        with self._using() as client:
            return set(standing_of_all(client, self._build.number))

    def park(self, record: LogRecord, reason: str) -> None:
        """Let the record's ticket wait."""
        with self._using() as client:
            set_standing(client, self._build.number, record.key, "parked", reason)
        _log.warning("ticket parked", ticket=record.key, partition=record.partition, offset=record.offset)

    def release(self, key: str, letters: Callable[[], Sequence[Letter]]) -> None:
        """Land what was set aside for a ticket, without what is there already, and let it go on.

        Raises NotFound when the ticket is not parked; Poison, and it stays parked, when one of its records
        still cannot be read. A release that was killed is simply repeated.
        """
        with self._using() as client:
            build = self._build.number
            if key not in standing_of_all(client, build):
                raise NotFound(f"ticket {key} is not parked in ClickHouse", field="ticket")
            set_standing(client, build, key, "releasing")
            try:
                self._land_letters(client, key, letters())
            except BaseException:
                set_standing(client, build, key, "parked")
                raise
            set_standing(client, build, key, "released")

    def keep_origins(self, known_until: Mapping[str, datetime]) -> None:
        """Tell the analysts up to when the cases of every origin are known; written when it has changed."""
        if known_until and known_until != self._origins:
            moments = pa.array(list(known_until.values()), pa.timestamp("us", "UTC"))
            with self._using() as client:
                insert_once(
                    client, ORIGINS_TABLE, pa.table({"origin": list(known_until), "known_until": moments})
                )
            self._origins = dict(known_until)

    def close(self) -> None:
        """Let go of the connection and the threads; the landing is not used afterwards."""
        self._threads.shutdown()
        self._disconnect()

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
            self._heard_at = float("-inf")

    def _check(self, client: Client, steps: Mapping[int, Step], aside: Collection[str]) -> None:
        if aside and not waiting(client, self._build.number, aside):
            raise MovedOn("a parked ticket was released")
        if time.monotonic() - self._heard_at > self._trust_seconds:
            self._reached = read_reached(client, self._build, [*self._reached, *steps])
        for partition, step in steps.items():
            position = self._reached.get(partition, Reached()).next_offset
            if position != step.start:
                raise MovedOn(f"partition {partition} is at {position}, not at {step.start}")

    def _insert_all(
        self,
        client: Client,
        lanes: Sequence[Sequence[Chunk]],
        encoded: Sequence[Sequence[pa.Table]],
        steps: Mapping[int, Step],
    ) -> None:
        """Write the lanes side by side; every one comes to its end before an error of any is told."""
        running = [
            self._threads.submit(self._insert_lane, client, chunks, tables, steps)
            for chunks, tables in zip(lanes, encoded, strict=True)
        ]
        wait(running)
        for lane in running:
            lane.result()

    def _insert_lane(
        self, client: Client, chunks: Sequence[Chunk], tables: Sequence[pa.Table], steps: Mapping[int, Step]
    ) -> None:
        for chunk, rows in zip(chunks, tables, strict=True):
            _insert(client, self._build, rows, chunk)
            self._move({p: at for p, at in _ends(chunk).items() if p in steps}, _newest(chunk))

    def _move(self, next_offsets: Mapping[int, int], newest: Mapping[int, int] | None = None) -> None:
        for partition, after in next_offsets.items():
            known = self._reached.get(partition, Reached())
            position = max(known.newest, (newest or {}).get(partition, 0))
            self._reached[partition] = Reached(after, position)

    def _land_letters(self, client: Client, key: str, letters: Sequence[Letter]) -> None:
        await_running_inserts(client)
        query = f"SELECT sequence FROM {self._build.table} WHERE number = {{number:String}}"  # noqa: S608 - own name
        landed = {sequence for (sequence,) in client.query(query, parameters={"number": key}).result_rows}
        records = [letter.record for letter in letters if not letter.discarded]
        missing = first_of_each_sequence(landing_table(records), landed) if records else None
        if missing is not None and missing.num_rows:
            _insert(client, self._build, missing, records)

    @contextmanager
    def _using(self) -> Iterator[Client]:
        try:
            if self._client is None:
                self._client = self._connect()
                migrate(self._client, self._cluster)
                self._build = Build(self._build.table, build_of(self._client, self._build.table))
            yield self._client
        except ClickHouseUnavailable:
            self._disconnect()
            raise
        except ClickHouseError as error:
            self._disconnect()
            raise ClickHouseUnavailable(f"ClickHouse does not answer: {error}") from error


def _insert(client: Client, build: Build, rows: pa.Table, records: Sequence[LogRecord]) -> None:
    numbers = pa.repeat(pa.scalar(build.number, pa.uint32()), rows.num_rows)
    try:
        insert_once(client, build.table, rows.append_column("build", numbers))
    except InsertRefused:
        parsed_one_by_one(records)  # names the record that the server cannot take, as Poison
        raise


def _ends(records: Sequence[LogRecord]) -> dict[int, int]:
    """Give, per partition, the offset after the last of these records; they are in order there."""
    return {record.partition: record.offset + 1 for record in records}


def _newest(records: Sequence[LogRecord]) -> dict[int, int]:
    """Give, per partition, the highest position in the event store; they rise."""
    return {record.partition: record.position for record in records if record.position is not None}


def _unvouched(records: Sequence[LogRecord], steps: Mapping[int, Step]) -> dict[int, int]:
    """Give the new positions that the landed rows do not show: the last records there were set aside."""
    shown = _ends(records)
    return {partition: step.next for partition, step in steps.items() if shown.get(partition) != step.next}
