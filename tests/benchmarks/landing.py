"""Events a second into ClickHouse."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from itertools import islice

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from consumers.followers import FOLLOWERS
from consumers.supervisor.parts import free_port
from infra.clickhouse.accounts import WRITER, read_password
from infra.clickhouse.arrow_rows import landing_table
from infra.clickhouse.connect import connect
from infra.clickhouse.landing import INSERT_ROWS, Landing
from infra.clickhouse.migrate import migrate
from infra.clickhouse.schema import EVENTS_TABLE
from infra.event_log.kafka_writer import partition_of
from infra.event_log.port import LogRecord
from infra.event_log.sink import Step
from infra.event_log.subject import subject_of
from tests.benchmarks.broker import PARTITIONS
from tests.benchmarks.histories import stored_journeys
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides, Unavailable
from tests.benchmarks.orders import EVENTS_A_JOURNEY
from tests.benchmarks.processes import python_process
from tests.benchmarks.profiled import profiled

_BARE_TABLE = "liudan.bench_bare"
_POLLED = FOLLOWERS["landing"].settings.max_records


class LandingInClickHouse:
    """Events a second into the embedded ClickHouse, a process of its own.

    Ours: `Landing.apply` with log records, as many at a time as its consumer polls of a backlog
    (40,000): JSON to Arrow, positions checked, inserts that are never sent twice, those of different
    partitions side by side. Theirs: `insert_arrow` of the same rows, ready made, into a table of the same
    structure, one after the other. Both: 10,000 rows an insert, fsync of every part.
    """

    name = "landing"
    unit = "events/s"
    against = "bare insert_arrow of the same rows"
    limit = Limit(Direction.AT_LEAST, 0.6)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Start the endpoint; both sides add the same batches to their tables again and again."""
        with ExitStack() as stack:
            open_client = stack.enter_context(clickhouse_endpoint(place))
            client = stack.enter_context(closing(open_client()))
            migrate(client)
            client.command(f"CREATE TABLE {_BARE_TABLE} AS {EVENTS_TABLE}")
            landing = Landing(open_client)
            stack.callback(landing.close)
            topic = _Topic(place.pick(2, 1) * _POLLED)
            batches: list[Sequence[LogRecord]] = []

            def ours() -> Figure:
                batches[:] = topic.next_batches()
                return profiled(place.profile, lambda: _land(landing, batches))

            ours()
            tables = [landing_table(batch) for polled in batches for batch in _cut(polled, INSERT_ROWS)]
            _insert(client, tables)
            yield Sides(ours, lambda: _insert(client, tables))


@contextmanager
def clickhouse_endpoint(place: Place) -> Iterator[Callable[[], Client]]:
    """Run the embedded endpoint; gives how to connect to it as the writer. Raises Unavailable."""
    if find_spec("chdb") is None:
        raise Unavailable("chDB is not installed (extra `embedded`)")
    port, folder = free_port(), place.folder / "clickhouse"
    url = f"http://127.0.0.1:{port}"
    arguments = ["-m", "infra.clickhouse.endpoint", "--path", str(folder), "--port", str(port)]
    folder.mkdir()
    with python_process(arguments, place.folder / "clickhouse.log", {}, f"{url}/ping"):
        yield lambda: connect(url, WRITER, read_password(folder, WRITER))


class _Topic:
    """The same events over and over, as a topic of twelve partitions that goes on and on would bring them."""

    def __init__(self, events: int) -> None:
        stored = islice(stored_journeys(0, events // EVENTS_A_JOURNEY + 1), events)
        self._events = [(subject_of(event.state), event.state) for event in stored]
        self._ends: dict[int, int] = {}
        self._position = 0

    def next_batches(self) -> list[Sequence[LogRecord]]:
        """Give all events once more, with new offsets and positions, in batches."""
        records = [self._record(key, value) for key, value in self._events]
        return _cut(records, _POLLED)

    def _record(self, key: str, value: bytes) -> LogRecord:
        partition = partition_of(key, PARTITIONS)
        offset = self._ends.get(partition, 0)
        self._ends[partition] = offset + 1
        self._position += 1
        return LogRecord(partition, offset, key, value, self._position)


def _cut(records: Sequence[LogRecord], size: int) -> list[Sequence[LogRecord]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


def _land(landing: Landing, batches: Sequence[Sequence[LogRecord]]) -> Figure:
    starts = dict(landing.start_offsets(range(PARTITIONS)))
    began = time.perf_counter()
    for batch in batches:
        ends = {record.partition: record.offset + 1 for record in batch}
        landing.apply(batch, {partition: Step(starts[partition], end) for partition, end in ends.items()})
        starts.update(ends)
    return Figure(sum(map(len, batches)) / (time.perf_counter() - began))


def _insert(client: Client, tables: Sequence[pa.Table]) -> Figure:
    began = time.perf_counter()
    for table in tables:
        client.insert_arrow(_BARE_TABLE, table)
    return Figure(sum(table.num_rows for table in tables) / (time.perf_counter() - began))
