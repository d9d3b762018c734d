"""`audit verify` finds whatever differs from the transparency log, and names it."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from click.testing import CliRunner

from consumers.followers import FOLLOWERS, open_sink
from consumers.poll_loop import LoopSettings, PollLoop
from consumers.relay import Relay
from consumers.transparency.keep import LogKeeper
from domain.numbers import TicketNumber
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.cli import liudan
from infra.clickhouse.accounts import WRITER
from infra.clickhouse.schema import EVENTS_TABLE
from infra.event_log.port import TICKETS_TOPIC
from infra.settings import EMBEDDED, Settings
from infra.transparency.signed_note import Signer
from infra.verification.verdict import Difference, Part, Verdict
from infra.verification.verify import verify
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint
from tests.services.door import Door
from tests.services.kafka import broker, kafka

__all__ = ["broker", "endpoint", "kafka", "shared_endpoint"]

SQL = (Part.LOG, Part.STORE, Part.TICKET_STATE, Part.SLA_CLOCKS)
_SETTINGS = LoopSettings(max_records=2000, poll_seconds=0.05, report_seconds=0.0)


class Town(NamedTuple):
    """An installation with some tickets of every kind, everything caught up."""

    door: Door
    numbers: list[str]

    @property
    def parts(self) -> Installation:
        return self.door.installation

    @property
    def home(self) -> Path:
        return self.parts.home.folder

    def bring_up_to_date(self, *followers: str) -> None:
        parts = self.parts
        LogKeeper(parts.store, parts.transparency_log.folder, parts.log_signer).catch_up()
        for name in followers:
            stop = threading.Event()

            def at_the_end(lag: Mapping[int, int], stop: threading.Event = stop) -> None:
                if lag and not any(lag.values()):
                    stop.set()

            sink = open_sink(parts, name)
            PollLoop(
                parts.event_log, TICKETS_TOPIC, name, sink, settings=_SETTINGS, stop=stop, on_lag=at_the_end
            ).run()

    def verify(self, *only: Part, since: int = 0) -> Verdict:
        return verify(self.parts, only=only or SQL, since=since, patience_seconds=0)

    def differs(self, *only: Part) -> Difference:
        """Give the one difference that there must be."""
        verdict = self.verify(*only)
        assert len(verdict.differences) == 1, verdict
        return verdict.differences[0]

    def tamper(self, file: str, *statements: str) -> None:
        """Change a database behind the product's back, as one who has the disk can."""
        with closing(sqlite3.connect(self.home / file)) as connection:
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                assert connection.execute(statement).rowcount != 0, statement
            for _, text in triggers:
                connection.execute(text)
            connection.commit()


@contextmanager
def town_in(installation: Installation, *followers: str) -> Iterator[Town]:
    with Door(installation) as door:
        numbers = [door.walk(upto) for upto in ("rate", "place", "accept", "rate", "feed-back", "resolve")]
        door.give(numbers[2], "return", Role.DEPARTMENT)
        door.give(numbers[1], "withdraw", Role.RESIDENT)
        door.give(numbers[3], "reopen", Role.RESIDENT)
        town = Town(door, numbers)
        town.bring_up_to_date(*followers)
        yield town


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home to copy."""
    home = tmp_path_factory.mktemp("model") / "home"
    home.mkdir()
    settings = Settings(home=home, kafka=EMBEDDED)
    with Installation(settings) as installation, town_in(installation, "ticket-state", "sla-clocks"):
        return home


@pytest.fixture
def town(model: Path, tmp_path: Path) -> Iterator[Town]:
    home = shutil.copytree(model, tmp_path / "home")
    with Installation(Settings(home=home, kafka=EMBEDDED)) as installation, Door(installation) as door:
        events = [orjson.loads(state) for _, state in installation.store.leaves(0, 1000)]
        yield Town(door, [event["subject"] for event in events if event["sequence"] == 1])


def test_everything_is_as_the_log_says(town: Town) -> None:
    verdict = town.verify()
    assert verdict.equal, verdict.differences
    assert not verdict.skipped
    assert verdict.size == verdict.compared[Part.STORE] == town.parts.store.count()
    assert verdict.compared[Part.TICKET_STATE] == 6
    assert verdict.compared[Part.SLA_CLOCKS] > 20


def test_several_processes_come_to_the_same_verdict(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """And tell how far they are."""
    monkeypatch.setattr("infra.verification.verify.WORTH_PROCESSES", 1)
    bar = Bar()
    verdict = verify(town.parts, only=SQL, processes=2, progress=bar)
    assert verdict == town.verify()
    assert bar.done == bar.total == 4 * verdict.size
    number = town.numbers[1]
    town.tamper("read.db", f"UPDATE ticket_state_1 SET score = 5 WHERE number = '{number}'")
    assert verify(town.parts, only=SQL, processes=2).differences == town.verify().differences != ()


class Bar:
    total = done = 0

    def begin(self, total: int, unit: str) -> None:
        self.total = total

    def advance(self, amount: int) -> None:
        self.done += amount


def changed_byte(town: Town) -> None:
    town.tamper(
        "events.db", "UPDATE events SET state = replace(state, 'wechat', 'wecaht') WHERE position = 12"
    )


def changed_version(town: Town) -> None:
    town.tamper("events.db", "UPDATE events SET version = 99 WHERE position = 12")


def deleted_event(town: Town) -> None:
    town.tamper("events.db", "DELETE FROM events WHERE position = 12")


def swapped_events(town: Town) -> None:
    town.tamper(
        "events.db",
        "UPDATE events SET position = 1000 WHERE position = 12",
        "UPDATE events SET position = 12 WHERE position = 13",
        "UPDATE events SET position = 13 WHERE position = 1000",
    )


@pytest.mark.parametrize("crime", [changed_byte, changed_version, deleted_event, swapped_events])
def test_an_event_that_was_changed_in_the_store(town: Town, crime: Callable[[Town], None]) -> None:
    event = orjson.loads(town.parts.store.leaves(11, 1)[0][1])
    crime(town)
    found = town.differs()
    assert (found.part, found.ticket, found.version) == (Part.STORE, event["subject"], event["sequence"])
    assert "position 12" in found.place
    assert set(town.verify().skipped) == {Part.TICKET_STATE, Part.SLA_CLOCKS}


def test_deleted_last_events(town: Town) -> None:
    last = town.parts.store.last_position()
    event = orjson.loads(town.parts.store.leaves(last - 3, 1)[0][1])
    town.tamper("events.db", f"DELETE FROM events WHERE position > {last - 3}")
    found = town.differs()
    assert (found.part, found.ticket, found.version) == (Part.STORE, event["subject"], event["sequence"])
    assert f"position {last - 2}" in found.place
    assert "deleted, or an old backup was restored" in found.what


def test_an_event_that_was_inserted_later(town: Town) -> None:
    """Positions have no holes in SQLite, so that it can only be put in instead of another, or at the end."""
    columns = "stream_id, version, topic, state"
    town.tamper(
        "events.db",
        "UPDATE events SET position = -position WHERE position > 20",
        f"INSERT INTO events (position, {columns}) "
        "SELECT 21, stream_id, 77, topic, state FROM events WHERE position = 3",
        "UPDATE events SET position = 1 - position WHERE position < 0",
    )
    assert "position 21" in town.differs().place


def test_an_old_checkpoint_that_was_put_back(town: Town) -> None:
    folder = town.parts.transparency_log.folder
    old = shutil.copytree(folder.folder, town.home / "old")
    town.door.walk("rate")
    town.bring_up_to_date("ticket-state", "sla-clocks")
    assert town.verify().equal
    shutil.copy(old / "checkpoint", folder.checkpoint)
    found = town.differs()
    assert found.part is Part.LOG
    assert "an old one was put back" in found.what
    shutil.rmtree(folder.folder)
    old.rename(folder.folder)
    assert "an old one was put back" in town.differs().what


def test_a_log_whose_entries_or_hashes_were_changed(town: Town) -> None:
    size = town.parts.store.count()
    bundle, tile = (town.home / f"transparency/tile/{kind}/000.p/{size}" for kind in ("entries", "0"))
    good = bundle.read_bytes(), tile.read_bytes()
    event = orjson.loads(town.parts.store.leaves(11, 1)[0][1])
    time = event["time"].encode()
    assert good[0].count(event["id"].encode()) >= 1
    bundle.write_bytes(good[0].replace(event["id"].encode(), b"0" * 36, 1))
    found = town.differs(Part.LOG)
    assert (found.ticket, found.version, found.place) == (event["subject"], event["sequence"], "entry 11"), (
        time
    )
    bundle.write_bytes(good[0])
    tile.write_bytes(good[1][:-32] + bytes(32))
    assert town.differs(Part.LOG).place == f"entry {size - 1}"
    tile.unlink()
    assert "lacks" in town.differs(Part.LOG).what


def test_another_logs_key(town: Town) -> None:
    stranger = Signer(town.parts.log_signer.verifier.name, bytes(32)).verifier
    found = verify(town.parts, only=[Part.LOG], key=stranger).differences
    assert [each.part for each in found] == [Part.LOG]
    assert "not signed by" in found[0].what


@pytest.mark.parametrize(
    ("change", "part", "said"),
    [
        ("SET score = 5", Part.TICKET_STATE, "column score is 5"),
        ("SET state = 'closed'", Part.TICKET_STATE, "column state"),
        ("SET resolve_due = resolve_due + 1", Part.TICKET_STATE, "resolve_due"),
        ("SET version = version - 1", Part.TICKET_STATE, "still those of version"),
        ("SET version = version + 1", Part.TICKET_STATE, "does not have"),
        ("SET number = '{other}'", Part.TICKET_STATE, "there is no row"),
        ("DELETE", Part.TICKET_STATE, "there is no row"),
        ("SET due_at = due_at + 1", Part.SLA_CLOCKS, "due_at"),
        ("SET kept = NOT kept", Part.SLA_CLOCKS, "kept"),
        ("DELETE", Part.SLA_CLOCKS, "a row is missing"),
        ("SET run = 77", Part.SLA_CLOCKS, "row"),
    ],
)
def test_a_row_that_was_changed(town: Town, change: str, part: Part, said: str) -> None:
    number = town.numbers[1]
    other = number[:-5] + ("22222" if number[-5:] != "22222" else "33333")
    clock = " AND clock = 'verify'" if part is Part.SLA_CLOCKS else ""
    table = "sla_clocks_1" if clock else "ticket_state_1"
    verb = f"DELETE FROM {table}" if change == "DELETE" else f"UPDATE {table} {change.format(other=other)}"
    town.tamper("read.db", f"{verb} WHERE number = '{number}'{clock}")
    found = town.differs()
    assert (found.part, found.ticket) == (part, number)
    assert said in found.what, found


def test_rows_of_a_ticket_that_does_not_exist(town: Town) -> None:
    number = town.numbers[1]
    town.tamper(
        "read.db",
        "CREATE TEMP TABLE copy AS SELECT * FROM ticket_state_1 WHERE number = '" + number + "'",
        "UPDATE copy SET number = '999999-999999-ZZZZZ'",
        "INSERT INTO ticket_state_1 SELECT * FROM copy",
    )
    found = town.differs()
    assert (found.part, found.ticket) == (Part.TICKET_STATE, "999999-999999-ZZZZZ")
    assert "does not exist" in found.what


def test_a_read_model_that_is_behind_is_not_called_different(town: Town) -> None:
    town.door.walk("rate")
    town.bring_up_to_date()
    verdict = town.verify()
    assert verdict.equal
    assert "behind" in verdict.skipped[Part.TICKET_STATE]
    town.door.walk("verify")  # newer than the checkpoint
    assert town.verify(Part.LOG, Part.STORE).equal


def test_only_what_came_later_is_compared(town: Town) -> None:
    """Down to the full bundle before it."""
    for _ in range(40):
        town.door.walk("resolve")
    town.bring_up_to_date("ticket-state", "sla-clocks")
    town.tamper(
        "events.db", "UPDATE events SET state = replace(state, 'wechat', 'wecaht') WHERE position = 12"
    )
    last = town.parts.store.last_position()
    assert last > 270
    later = town.verify(since=265)
    assert later.equal, later.differences
    assert later.compared[Part.STORE] == last - 256
    town.tamper("events.db", f"UPDATE events SET state = replace(state, 'id', 'di') WHERE position = {last}")
    assert f"position {last}" in str(town.verify(since=265).differences[0])
    assert "position 12" in str(town.verify().differences[0])


def test_on_the_command_line(town: Town) -> None:
    command = ["audit", "verify", "--home", str(town.home)]
    only = [word for part in SQL for word in ("--only", part.value)]
    good = CliRunner().invoke(liudan, [*command, *only], env={"LIUDAN_KAFKA": EMBEDDED})
    assert good.exit_code == 0, good.output
    assert "event-store: " in good.output
    partly = CliRunner().invoke(liudan, command, env={"LIUDAN_KAFKA": EMBEDDED})
    assert partly.exit_code == 75, partly.output
    assert "clickhouse: NOT COMPARED: no ClickHouse is running" in partly.output
    number = town.numbers[4]
    town.tamper("read.db", f"UPDATE ticket_state_1 SET score = 5 WHERE number = '{number}'")
    bad = CliRunner().invoke(liudan, [*command, *only, "--json"], env={"LIUDAN_KAFKA": EMBEDDED})
    assert bad.exit_code == 1
    said = orjson.loads(bad.stdout.splitlines()[-1])["differences"]
    assert [(each["part"], each["ticket"]) for each in said] == [("ticket-state", number)]


# ClickHouse and Kafka --------------------------------------------------------------------------------


@pytest.fixture
def landed(endpoint: Endpoint, tmp_path: Path) -> Iterator[Town]:
    url = endpoint.url.replace("://", f"://{WRITER}:{endpoint.password(WRITER)}@")
    home = tmp_path / "home"
    home.mkdir()
    settings = Settings(home=home, kafka=EMBEDDED, clickhouse=url)
    with Installation(settings) as installation, town_in(installation, "landing") as town:
        yield town


@pytest.mark.clickhouse
def test_clickhouse_rows(landed: Town) -> None:
    verdict = landed.verify(Part.CLICKHOUSE)
    assert verdict.equal, verdict.differences
    assert verdict.compared == {Part.CLICKHOUSE: landed.parts.store.count()}


@pytest.mark.clickhouse
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER TABLE {t} DELETE WHERE store_position = 12", "the row is missing"),
        ("INSERT INTO {t} SELECT * FROM {t} WHERE store_position = 12", "there twice"),
        (
            "ALTER TABLE {t} UPDATE holder = 'nobody' WHERE store_position = 12",
            "it is nobody, the event says",
        ),
        ("ALTER TABLE {t} UPDATE resolve_due = NULL WHERE store_position = 12", "it is None"),
        ("ALTER TABLE {t} UPDATE suspended = NOT suspended WHERE store_position = 12", "it is 1"),
        (
            (
                "INSERT INTO {t} SELECT * REPLACE (0 AS store_position) "
                "FROM (SELECT * FROM {t} WHERE store_position = 12)"
            ),
            "of no event",
        ),
    ],
)
def test_clickhouse_rows_that_were_changed(landed: Town, statement: str, said: str) -> None:
    event = orjson.loads(landed.parts.store.leaves(11, 1)[0][1])
    with closing(landed.parts.clickhouse()) as client:
        client.command(statement.format(t=EVENTS_TABLE), settings={"mutations_sync": 2})
    found = landed.differs(Part.CLICKHOUSE)
    assert (found.ticket, found.version) == (event["subject"], event["sequence"])
    assert said in found.what


@pytest.fixture
def relayed(kafka: str, tmp_path: Path) -> Iterator[Town]:
    home = tmp_path / "home"
    home.mkdir()
    with Installation(Settings(home=home, kafka=kafka)) as installation, town_in(installation) as town:
        relay_all(town)
        yield town


def relay_all(town: Town) -> None:
    relay = Relay(town.parts.store, town.parts.event_log)
    thread = threading.Thread(target=relay.run)
    thread.start()
    last = town.parts.store.last_position()
    while relay.progress.standing().positions.get(0, 0) < last:
        relay.stop.wait(0.05)
    relay.stop.set()
    thread.join()


@pytest.mark.kafka
def test_the_topic_in_kafka(relayed: Town) -> None:
    log = relayed.parts.event_log
    verdict = relayed.verify(Part.KAFKA)
    assert verdict.equal, verdict.differences
    assert verdict.compared == {Part.KAFKA: relayed.parts.store.count()}
    position, state = relayed.parts.store.leaves(11, 1)[0]
    number = TicketNumber(orjson.loads(state)["subject"])
    log.publish(TICKETS_TOPIC, [(number, state, position)])  # as a relay may after a crash
    assert relayed.verify(Part.KAFKA).equal
    log.publish(TICKETS_TOPIC, [(number, state.replace(b"wechat", b"wecaht"), position)])
    found = relayed.differs(Part.KAFKA)
    assert (found.ticket, found.version) == (number, orjson.loads(state)["sequence"])
    assert "bytes" in found.what
    assert "offset" in found.place


@pytest.mark.kafka
def test_events_that_are_not_in_the_topic_or_should_not_be(relayed: Town) -> None:
    relayed.door.walk("verify")
    relayed.bring_up_to_date()
    assert relayed.verify(Part.KAFKA).equal, "the relay has not come so far"
    store = relayed.parts.store
    store.set_bookmark(f"relay:{relayed.parts.event_log.identity(TICKETS_TOPIC)}", store.last_position())
    found = relayed.differs(Part.KAFKA)
    assert (found.version, found.what) == (1, "the event is not in the topic")
    relay_all(relayed)
    forged = b'{"specversion":"1.0","subject":"x"}'
    relayed.parts.event_log.publish(TICKETS_TOPIC, [("x", forged, None)])
    assert "no such event" in relayed.differs(Part.KAFKA).what


def test_it_fits_all_followers() -> None:
    """A read model that is added has to be compared, too."""
    assert set(FOLLOWERS) == {Part.TICKET_STATE, Part.SLA_CLOCKS, "landing"}
