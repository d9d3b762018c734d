"""Whoever has the disk or owns the database can change it. Each way is found by `audit verify`, and named."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import orjson
import psycopg
import pytest

from consumers.transparency.keep import LogKeeper
from domain.errors import Halted
from infra.backup import events as backup
from infra.bootstrap import Installation
from infra.settings import EMBEDDED, Settings
from infra.tickets import utc_now
from infra.verification.verdict import Difference, Part
from infra.verification.verify import verify
from tests.services.door import Door

AT = 12
"""The position that is tampered with."""


class Event(NamedTuple):
    """What the log knows of one event."""

    ticket: str
    version: int
    id: str


class Site:
    """An installation that is opened and closed, with the log kept."""

    def __init__(self, home: Path, store_url: str) -> None:
        self.home, self.url = home, store_url
        self.settings = Settings(home=home, event_store=store_url, kafka=EMBEDDED)
        home.mkdir(exist_ok=True)

    def live(self) -> None:
        with Installation(self.settings) as parts, Door(parts) as door:
            for upto in ("rate", "accept", "place"):
                door.walk(upto)
            self.keep_log(parts)

    def keep_log(self, parts: Installation) -> None:
        LogKeeper(parts.store, parts.transparency_log.folder, parts.log_signer).catch_up()

    def event(self, position: int) -> Event:
        with Installation(self.settings) as parts:
            said = orjson.loads(parts.store.leaves(position - 1, 1)[0][1])
        return Event(said["subject"], said["sequence"], said["id"])

    def differs(self) -> Difference:
        """Give the difference that there must be."""
        with Installation(self.settings) as parts:
            verdict = verify(parts, only=(Part.LOG, Part.STORE), patience_seconds=0)
        assert len(verdict.differences) == 1, verdict
        return verdict.differences[0]

    def tamper(self, *statements: str) -> None:
        """Run statements as the owner of the database, with the triggers off."""
        if self.url.startswith("sqlite"):
            self._tamper_sqlite(statements)
            return
        with psycopg.connect(self.url) as owner:
            owner.execute("ALTER TABLE events DISABLE TRIGGER ALL")
            for statement in statements:
                assert owner.execute(statement.encode()).rowcount != 0, statement
            owner.execute("ALTER TABLE events ENABLE TRIGGER ALL")

    def _tamper_sqlite(self, statements: tuple[str, ...]) -> None:
        with closing(sqlite3.connect(self.home / "events.db")) as owner:
            triggers = owner.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'"
            ).fetchall()
            for name, _ in triggers:
                owner.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                assert owner.execute(statement).rowcount != 0, statement
            for _, text in triggers:
                owner.execute(text)
            owner.commit()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    url = f"sqlite:///{tmp_path}/home/events.db"
    opened = Site(
        tmp_path / "home", url if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    )
    opened.live()
    return opened


def edited(site: Site) -> None:
    text = "decode(replace(encode(state, 'escape'), 'wechat', 'wecaht'), 'escape')"
    if site.url.startswith("sqlite"):
        text = "CAST(replace(CAST(state AS TEXT), 'wechat', 'wecaht') AS BLOB)"
    site.tamper(f"UPDATE events SET state = {text} WHERE position = {AT}")


def deleted(site: Site) -> None:
    site.tamper(f"DELETE FROM events WHERE position = {AT}")


def cut_off(site: Site) -> None:
    site.tamper(f"DELETE FROM events WHERE position >= {AT}")


def reused(site: Site) -> None:
    """Put another event into the place of one that was deleted."""
    columns = "stream_id, version, topic, state"
    overriding = "" if site.url.startswith("sqlite") else "OVERRIDING SYSTEM VALUE"
    site.tamper(
        f"DELETE FROM events WHERE position = {AT}",
        f"INSERT INTO events (position, {columns}) {overriding} "
        f"SELECT {AT}, {columns.replace('version', 'version + 100')} FROM events WHERE position = 1",
    )


def renumbered(site: Site) -> None:
    columns = "stream_id, version, topic, state"
    overriding = "" if site.url.startswith("sqlite") else "OVERRIDING SYSTEM VALUE"
    site.tamper(
        f"CREATE TEMP TABLE one AS SELECT {columns} FROM events WHERE position = {AT}",
        f"DELETE FROM events WHERE position = {AT}",
        f"INSERT INTO events (position, {columns}) {overriding} SELECT 1000, {columns} FROM one",
    )


@pytest.mark.parametrize("crime", [edited, deleted, cut_off, reused, renumbered])
def test_it_is_named_by_ticket_version_and_place(site: Site, crime: Callable[[Site], None]) -> None:
    event = site.event(AT)
    crime(site)
    found = site.differs()
    assert (found.part, found.ticket, found.version) == (Part.STORE, event.ticket, event.version)
    assert f"position {AT}" in found.place


def test_a_truncated_table_is_found(site: Site) -> None:
    if site.url.startswith("sqlite"):
        site.tamper("DELETE FROM events")  # SQLite has no TRUNCATE
    else:
        site.tamper("TRUNCATE events")
    found = site.differs()
    assert (found.part, found.version) == (Part.STORE, 1)
    assert "position 1" in found.place


@pytest.fixture
def on_disk(tmp_path: Path) -> Site:
    opened = Site(tmp_path / "home", f"sqlite:///{tmp_path}/home/events.db")
    opened.live()
    return opened


def settled(site: Site) -> Path:
    """Bring the whole database into its one file."""
    file = site.home / "events.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def test_a_byte_that_was_edited_with_the_database_stopped(on_disk: Site) -> None:
    event, file = on_disk.event(AT), settled(on_disk)
    content = file.read_bytes()
    assert content.count(event.id.encode()) == 1
    other = event.id[:-1] + ("0" if event.id[-1] != "0" else "1")
    file.write_bytes(content.replace(event.id.encode(), other.encode()))
    found = on_disk.differs()
    assert (found.ticket, found.version) == (event.ticket, event.version)
    assert f"position {AT}" in found.place


def test_a_row_that_was_replaced_without_touching_a_trigger(on_disk: Site) -> None:
    """SQLite's REPLACE deletes quietly where recursive triggers are off."""
    event = on_disk.event(AT)
    with closing(sqlite3.connect(on_disk.home / "events.db")) as owner:
        owner.execute(
            "INSERT OR REPLACE INTO events SELECT position, stream_id, version, topic, x'7b7d' "
            f"FROM events WHERE position = {AT}"
        )
        owner.commit()
    found = on_disk.differs()
    assert (found.ticket, found.version) == (event.ticket, event.version)


def test_an_old_copy_of_the_database(on_disk: Site, tmp_path: Path) -> None:
    old = shutil.copy(settled(on_disk), tmp_path / "old.db")
    with Installation(on_disk.settings) as parts:
        last = parts.store.last_position()
    on_disk.live()
    first_lost = on_disk.event(last + 1)
    shutil.copy(old, settled(on_disk))
    found = on_disk.differs()
    assert (found.part, found.ticket, found.version) == (Part.STORE, first_lost.ticket, first_lost.version)
    assert f"position {last + 1}" in found.place
    assert "old backup" in found.what


def test_an_old_backup_that_was_restored_beside_the_newer_log(on_disk: Site, tmp_path: Path) -> None:
    with Installation(on_disk.settings) as parts:
        manifest = backup.back_up(
            tmp_path / "backup", on_disk.url, parts.home, parts.transparency_log, utc_now()
        )
    on_disk.live()
    first_lost = on_disk.event(manifest.position + 1)
    new = Site(tmp_path / "second", f"sqlite:///{tmp_path}/second/events.db")
    with Installation(new.settings) as parts:
        backup.restore(tmp_path / "backup", new.url, parts.home)
    for name in ("transparency", "transparency.key"):
        shutil.move(on_disk.home / name, new.home / name)
    found = new.differs()
    assert (found.part, found.ticket, found.version) == (Part.STORE, first_lost.ticket, first_lost.version)
    assert "old backup" in found.what
    with Installation(new.settings) as parts, pytest.raises(Halted):
        new.keep_log(parts)
