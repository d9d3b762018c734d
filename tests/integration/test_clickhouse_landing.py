"""The landing as the poll loop uses it: every event once, whatever happens on the way."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from domain.cloudevent import encode
from domain.errors import NotFound, Poison, Transient
from infra.clickhouse.connect import connect
from infra.clickhouse.errors import OutcomeUnknown
from infra.clickhouse.insert_once import InsertRefused, insert_once
from infra.clickhouse.landing import INSERT_ROWS, Landing
from infra.event_log.port import LogRecord
from infra.event_log.sink import Letter, MovedOn, Step
from projections.ticket_events import COLUMNS, landing_row
from tests.published_histories import histories
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint, writer
from tests.services.landing_records import record

__all__ = ["endpoint", "shared_endpoint", "writer"]
pytestmark = pytest.mark.clickhouse


@pytest.fixture
def landing(endpoint: Endpoint) -> Iterator[Landing]:
    landing = Landing(endpoint.client)
    yield landing
    landing.close()


def _some(partition: int, start: int, end: int) -> list[LogRecord]:
    return [record(partition, offset) for offset in range(start, end)]


def _land(landing: Landing, records: Sequence[LogRecord]) -> None:
    starts: dict[int, int] = {}
    ends = {each.partition: each.offset + 1 for each in records}
    for each in records:
        starts.setdefault(each.partition, each.offset)
    landing.start_offsets(list(ends))
    landing.apply(records, {partition: Step(starts[partition], end) for partition, end in ends.items()})


def test_rows_come_back_as_they_were_mapped(landing: Landing, writer: Client) -> None:
    told = [LogRecord(3, n, e.number, encode(e), n + 1) for n, e in enumerate(histories(), start=40)]
    records = [*_some(3, 0, 40), *told]
    _land(landing, records)
    names = [column.name for column in COLUMNS]
    columns = ", ".join([*names, "store_position", "log_partition"])
    sql = f"SELECT {columns} FROM liudan.ticket_events ORDER BY log_offset"
    for row, each in zip(writer.query(sql).result_rows, records, strict=True):
        expected = landing_row(each.value, each.key)
        landed = {
            name: str(value) if isinstance(value, UUID) else value
            for name, value in zip(names, row, strict=False)
        }
        assert landed == expected
        assert row[-2:] == (each.position, 3)


def test_the_table_has_a_column_for_every_value(writer: Client, endpoint: Endpoint) -> None:
    described = [name for name, *_ in writer.query("DESCRIBE TABLE liudan.ticket_events").result_rows]
    ours = [*(c.name for c in COLUMNS), "store_position", "log_partition", "log_offset"]
    assert described == [*ours, "build", "landed_at"]


def test_positions_come_from_the_rows(landing: Landing, endpoint: Endpoint) -> None:
    assert landing.start_offsets([0, 1, 2]) == {0: 0, 1: 0, 2: 0}
    _land(landing, _some(0, 0, 10) + _some(2, 0, 3))
    another = Landing(endpoint.client)
    assert another.start_offsets([0, 1, 2]) == {0: 10, 1: 0, 2: 3}
    another.close()


def test_one_insert_is_one_part_and_a_large_batch_is_several_inserts(
    landing: Landing, writer: Client
) -> None:
    writer.command("SYSTEM STOP MERGES liudan.ticket_events")
    records = _some(0, 0, INSERT_ROWS + INSERT_ROWS // 2 + 1000)
    _land(landing, records)
    parts = "SELECT rows FROM system.parts WHERE table = 'ticket_events' AND active ORDER BY rows"
    assert [rows for (rows,) in writer.query(parts).result_rows] == [len(records) // 2] * 2
    assert landing.start_offsets([0]) == {0: len(records)}


@pytest.mark.parametrize(
    "refused",
    [
        "CONSTRAINT never CHECK n = 0) ENGINE = MergeTree ORDER BY n",
        "m UInt8 DEFAULT throwIf(n = 7)) ENGINE = MergeTree ORDER BY n",
        "m UInt8) ENGINE = MergeTree ORDER BY n SETTINGS parts_to_throw_insert = 1",
    ],
)
def test_what_the_table_refuses_is_never_called_written(writer: Client, refused: str) -> None:
    writer.command(f"CREATE TABLE liudan.refusing (n UInt8, {refused}")
    if "parts_to_throw" in refused:
        writer.command("INSERT INTO liudan.refusing (n) VALUES (1)")
    with pytest.raises(InsertRefused):
        insert_once(writer, "liudan.refusing", pa.table({"n": pa.array([7], pa.uint8())}))
    assert writer.command("SELECT count() FROM liudan.refusing WHERE n = 7") == 0


def test_a_batch_that_is_not_next_moves_on(landing: Landing, endpoint: Endpoint, writer: Client) -> None:
    _land(landing, _some(0, 0, 5))
    for start in (0, 4, 6):
        with pytest.raises(MovedOn):
            landing.apply(_some(0, start, start + 5), {0: Step(start, start + 5)})
    assert writer.command("SELECT count() FROM liudan.ticket_events") == 5


def test_a_writer_that_was_away_looks_again(endpoint: Endpoint, writer: Client) -> None:
    zombie = Landing(endpoint.client, trust_seconds=0)
    zombie.start_offsets([0])
    successor = Landing(endpoint.client)
    _land(successor, _some(0, 0, 5))
    with pytest.raises(MovedOn):
        zombie.apply(_some(0, 0, 5), {0: Step(0, 5)})
    assert writer.command("SELECT count() FROM liudan.ticket_events") == 5
    zombie.close()
    successor.close()


def test_a_poisoned_record_stops_its_insert(landing: Landing, writer: Client) -> None:
    records = _some(0, 0, 20)
    records[7] = records[7]._replace(value=b"{}")
    with pytest.raises(Poison, match="offset 7"):
        _land(landing, records)
    assert writer.command("SELECT count() FROM liudan.ticket_events") == 0


def test_poison_in_one_partition_keeps_a_large_batch_of_all_back(landing: Landing, writer: Client) -> None:
    parts = [_some(partition, 0, INSERT_ROWS // 2 + 100 * partition) for partition in range(4)]
    records = [each for part in parts for each in part]
    records[-1] = records[-1]._replace(value=b"{}")
    with pytest.raises(Poison, match=f"partition 3, offset {len(parts[3]) - 1}"):
        _land(landing, records)
    assert writer.command("SELECT count() FROM liudan.ticket_events") == 0
    _land(landing, records[:-1])
    assert landing.start_offsets(range(4)) == {0: 5000, 1: 5100, 2: 5200, 3: 5299}
    counted = "SELECT count(), uniqExact(log_partition, log_offset) FROM liudan.ticket_events"
    assert writer.command(counted) == [str(len(records) - 1)] * 2


def test_a_parked_ticket_waits_and_is_released_once(
    landing: Landing, endpoint: Endpoint, writer: Client
) -> None:
    records = _some(0, 0, 8)  # two tickets of four events
    key = records[0].key
    _land(landing, records[:1])
    landing.park(records[1], "unreadable")
    landing.park(records[1], "unreadable")
    aside = [each for each in records[1:] if each.key == key]
    wanted = [each for each in records[1:] if each.key != key]
    landing.apply(aside and [], {0: Step(1, 4)}, {key})
    landing.apply(wanted, {0: Step(4, 8)}, ())
    restarted = Landing(endpoint.client)
    assert (restarted.parked(), restarted.start_offsets([0])) == ({key}, {0: 8})

    with pytest.raises(Poison):
        restarted.release(key, lambda: [Letter(aside[0]._replace(value=b"broken"))])
    assert restarted.parked() == {key}
    restarted.release(key, lambda: [Letter(records[0]), *map(Letter, aside)])
    assert (restarted.parked(), restarted.start_offsets([0])) == (set(), {0: 8})
    assert writer.command("SELECT count(), uniqExact(log_offset) FROM liudan.ticket_events") == ["8", "8"]
    with pytest.raises(NotFound):
        restarted.release(key, list)
    with pytest.raises(MovedOn):
        restarted.apply([], {0: Step(8, 9)}, {key})
    restarted.close()


def test_a_discarded_letter_writes_no_row(landing: Landing, writer: Client) -> None:
    records = _some(0, 0, 4)
    landing.start_offsets([0])
    landing.park(records[0], "unreadable")
    landing.apply([], {0: Step(0, 4)}, {records[0].key})
    landing.release(records[0].key, lambda: [Letter(records[0], discarded=True), *map(Letter, records[1:])])
    assert writer.command("SELECT groupArray(log_offset) FROM liudan.ticket_events") == "[1,2,3]"


def test_no_server_is_transient() -> None:
    landing = Landing(lambda: connect("http://127.0.0.1:1", "writer", "x"))
    with pytest.raises(Transient):
        landing.start_offsets([0])
    landing.close()


@pytest.mark.parametrize("carried_out", [True, False])
def test_an_insert_without_an_answer_is_not_sent_again(
    endpoint: Endpoint, writer: Client, carried_out: bool
) -> None:
    with _cutting(endpoint.port, carried_out) as (port, cut):
        landing = Landing(lambda: connect(f"http://127.0.0.1:{port}", "writer", endpoint.password("writer")))
        landing.start_offsets([0])
        cut.set()
        with pytest.raises(OutcomeUnknown):
            landing.apply(_some(0, 0, 50), {0: Step(0, 50)})
        cut.clear()
        done = 50 if carried_out else 0
        assert landing.start_offsets([0]) == {0: done}
        landing.apply(_some(0, done, 60), {0: Step(done, 60)})
        landing.close()
    assert writer.command("SELECT count(), uniqExact(log_offset) FROM liudan.ticket_events") == ["60", "60"]


@contextmanager
def _cutting(port: int, carried_out: bool) -> Iterator[tuple[int, threading.Event]]:
    """A proxy that, once told to, swallows the next answer (or request) and closes both connections."""
    cut = threading.Event()
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            while request := _message(client):
                if cut.is_set() and not carried_out:
                    return
                server.sendall(request)
                answer = _message(server)
                if cut.is_set():
                    return
                client.sendall(answer)

    def accept() -> None:
        try:
            while True:
                client, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(client,)))
                threads[-1].start()
        except OSError:
            return

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield int(listener.getsockname()[1]), cut
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for thread in threads:
            thread.join()


def _message(source: socket.socket) -> bytes:
    """Read one HTTP message, with its length or in chunks."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = source.recv(1 << 16)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields.get(b"content-length", 0))
    chunked = fields.get(b"transfer-encoding") == b"chunked"
    while (chunked and not body.endswith(b"0\r\n\r\n")) or len(body) < length:
        body += source.recv(1 << 16)
    return head + b"\r\n\r\n" + body
