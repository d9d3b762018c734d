"""Backup and restore, over both stores: online, whole or not at all, checked against the signed log."""

import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import UUID

import lz4.frame
import pytest

from consumers.transparency.keep import LogKeeper
from domain import commands as c
from domain.errors import Invalid, LiudanError
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.backup import events, vault
from infra.backup.archive import MANIFEST, Damaged, Manifest
from infra.bootstrap import Installation
from infra.event_store.open import open_event_store
from infra.event_store.port import CommandSeen, EventStore
from infra.privacy.erasures import Erasures
from infra.settings import Settings
from infra.tickets import Request, new_event_id, utc_now
from infra.transparency.log_key import open_log_key
from infra.transparency.signed_note import Signer
from infra.vault import KeyErased
from tests.e2e.installation import CLI, ROOT, environment
from tests.journeys import ACTORS, HAPPY_PATH, VILLAGE
from tests.services.eventually import eventually
from tests.services.postgres import fresh_database

RESIDENT = Actor("wechat:ma", Role.RESIDENT)
Url = Callable[[str], str]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Url]:
    """Gives every installation of a test a store of its own."""
    with ExitStack() as databases:

        def of(name: str) -> str:
            if request.param == "sqlite":
                return f"sqlite:///{tmp_path}/{name}/events.db"
            server = request.getfixturevalue("postgres_server")
            return databases.enter_context(fresh_database(server))

        yield of


class Site:
    """An installation in a folder of its own."""

    def __init__(self, folder: Path, store_url: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.url = folder, store_url
        self.settings = Settings(home=folder, event_store=store_url)

    def open(self) -> Installation:
        return Installation(self.settings)

    def live(self, tickets: int) -> list[Ticket]:
        """Take tickets through the six orders, and have the log sign them all."""
        with self.open() as parts:
            lived = [self._walk(parts) for _ in range(tickets)]
            self._sign(parts)
        return lived

    def _walk(self, parts: Installation) -> Ticket:
        ticket = None
        for command, role in HAPPY_PATH:
            if isinstance(command, c.Place):
                command = command.model_copy(update={"words": "门口有坑"})
            actor = RESIDENT if role is Role.RESIDENT else ACTORS[role]
            number = ticket.number if ticket else None
            ticket = asyncio.run(parts.tickets.handle(Request(command, actor, new_event_id(), number))).ticket
        assert ticket is not None
        return ticket

    def _sign(self, parts: Installation) -> None:
        keeper = LogKeeper(parts.store, parts.transparency_log.folder, parts.log_signer)
        thread = threading.Thread(target=keeper.run)
        thread.start()
        count = parts.store.count()
        eventually(lambda: _size(parts) == count)
        keeper.stop.set()
        thread.join()

    def back_up(self, target: Path) -> Manifest:
        with self.open() as parts:
            return events.back_up(target, self.url, parts.home, parts.transparency_log, utc_now())

    def restore(self, source: Path) -> Manifest:
        with self.open() as parts:
            return events.restore(source, self.url, parts.home)


def _size(parts: Installation) -> int:
    try:
        return parts.transparency_log.head().checkpoint.size
    except LiudanError:
        return -1


def everything(store: EventStore) -> list[tuple[object, ...]]:
    return [(n.id, n.originator_id, n.originator_version, n.topic, n.state) for n in store.read(0, 100_000)]


@pytest.fixture
def site(url: Url, tmp_path: Path) -> Site:
    return Site(tmp_path / "first", url("first"))


def test_what_is_restored_is_what_was(site: Site, url: Url, tmp_path: Path) -> None:
    site.live(3)
    manifest = site.back_up(tmp_path / "backup")
    other = Site(tmp_path / "second", url("second"))
    assert other.restore(tmp_path / "backup") == manifest
    with closing(open_event_store(site.url)) as before, closing(open_event_store(other.url)) as after:
        assert everything(after) == everything(before)
        stored = before.read(0, 1)[0]
        receipt = before.receipt(UUID(json.loads(stored.state)["commandid"]))
        assert receipt is not None
        with pytest.raises(CommandSeen):
            after.append([], receipt)
    lived = other.live(1)
    with other.open() as parts:
        assert parts.store.read(manifest.position, 1)[0].id > manifest.position
        assert asyncio.run(parts.tickets.get(lived[0].number)).version == lived[0].version


@pytest.mark.postgres
def test_a_backup_moves_between_databases(tmp_path: Path, postgres_url: str) -> None:
    small = Site(tmp_path / "small", f"sqlite:///{tmp_path}/small/events.db")
    small.live(2)
    small.back_up(tmp_path / "up")
    large = Site(tmp_path / "large", postgres_url)
    large.restore(tmp_path / "up")
    large.live(1)
    large.back_up(tmp_path / "down")
    back = Site(tmp_path / "back", f"sqlite:///{tmp_path}/back/events.db")
    back.restore(tmp_path / "down")
    with closing(open_event_store(large.url)) as one, closing(open_event_store(back.url)) as other:
        assert everything(one) == everything(other)
        assert one.count() == 27


def test_it_is_consistent_while_others_write(site: Site, url: Url, tmp_path: Path) -> None:
    site.live(1)
    stop = threading.Event()

    def write() -> None:
        with site.open() as parts:
            while not stop.is_set():
                site._walk(parts)

    writer = threading.Thread(target=write)
    writer.start()
    manifests = []
    for index in range(3):
        time.sleep(0.3)
        manifests.append(site.back_up(tmp_path / f"backup-{index}"))
    stop.set()
    writer.join()
    assert manifests[0].position < manifests[1].position < manifests[2].position
    with closing(open_event_store(site.url)) as store:
        known = everything(store)
    for index, manifest in enumerate(manifests):
        other = Site(tmp_path / f"other-{index}", url(f"other-{index}"))
        other.restore(tmp_path / f"backup-{index}")
        with closing(open_event_store(other.url)) as restored:
            found = everything(restored)
            assert found == known[: len(found)]
            assert found[-1][0] == manifest.position
            for row in found:  # no receipt without its events, and no events without their receipt
                assert isinstance(row[4], bytes)
                receipt = restored.receipt(UUID(json.loads(row[4])["commandid"]))
                assert receipt is not None
                assert len(restored.stream(receipt.stream_id)) >= receipt.version


def test_neither_a_full_home_nor_a_full_store_is_filled(site: Site, url: Url, tmp_path: Path) -> None:
    site.live(1)
    site.back_up(tmp_path / "backup")
    with pytest.raises(Invalid, match="not empty"):
        site.restore(tmp_path / "backup")
    with pytest.raises(Invalid, match="exists already"):
        site.back_up(tmp_path / "backup")
    elsewhere = Site(tmp_path / "elsewhere", site.url)
    with pytest.raises(Invalid, match="not empty"):
        elsewhere.restore(tmp_path / "backup")
    with pytest.raises(Invalid, match="not a whole backup"):
        Site(tmp_path / "third", url("third")).restore(tmp_path / "first")


def damage_state(folder: Path) -> None:
    """Change one event, and make the manifest fit: only the log can tell."""
    path = folder / "events-000001.lz4"
    content = lz4.frame.decompress(path.read_bytes())
    path.write_bytes(lz4.frame.compress(content.replace(b"roads.surface", b"roads.lightxx", 1)))
    manifest = json.loads((folder / MANIFEST).read_bytes())
    for file in manifest["files"]:
        if file["name"] == path.name:
            file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))


def flip(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return change


def edit(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))

    return change


def other_key(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["log"]["verifier"] = str(Signer("liudan.internal/other", bytes(32)).verifier)
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "change",
    [
        flip("events-000001.lz4"),
        flip("commands-000001.lz4"),
        damage_state,
        lambda folder: (folder / "events-000001.lz4").unlink(),
        lambda folder: (folder / "commands-000001.lz4").unlink(),
        lambda folder: (folder / MANIFEST).unlink(),
        lambda folder: (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:200]),
        edit(events=26),
        edit(commands=3),
        edit(position=5),
        edit(format="liudan-events-9"),
        other_key,
    ],
    ids=lambda change: getattr(change, "__qualname__", "").split(".")[0],
)
def test_what_is_damaged_is_not_restored_by_half(
    site: Site, url: Url, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    site.live(3)
    backup = tmp_path / "backup"
    site.back_up(backup)
    whole = shutil.copytree(backup, tmp_path / "whole")
    change(backup)
    other = Site(tmp_path / "second", url("second"))
    with pytest.raises(LiudanError):
        other.restore(backup)
    other.restore(whole)


def test_another_logs_key_is_refused(site: Site, url: Url, tmp_path: Path) -> None:
    site.live(1)
    site.back_up(tmp_path / "backup")
    key = open_log_key(tmp_path / "other.key").verifier
    other = Site(tmp_path / "second", url("second"))
    with other.open() as parts, pytest.raises(LiudanError):
        events.restore(tmp_path / "backup", other.url, parts.home, key)


@pytest.mark.slow
def test_killed_in_the_middle_neither_leaves_half_of_anything(site: Site, url: Url, tmp_path: Path) -> None:
    site.live(3)
    with closing(open_event_store(site.url)) as store:
        known = everything(store)
    chance = random.Random(6)
    backup, other = tmp_path / "backup", Site(tmp_path / "second", url("second"))
    for _ in range(6):
        _killed(["backup", "--home", str(site.folder), str(backup)], site.url, chance)
        if backup.exists():
            break
    else:
        site.back_up(backup)
    for _ in range(6):
        _killed(["restore", "--home", str(other.folder), str(backup)], other.url, chance)
        with closing(open_event_store(other.url)) as store:
            found = everything(store)
        assert found in ([], known)
        if found:
            return
        shutil.rmtree(other.folder)
        other.folder.mkdir()
    other.restore(backup)
    with closing(open_event_store(other.url)) as store:
        assert everything(store) == known


def _killed(arguments: list[str], store_url: str, chance: random.Random) -> None:
    with subprocess.Popen(
        [*CLI, *arguments], cwd=ROOT, env=environment(LIUDAN_EVENT_STORE=store_url),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            process.wait(chance.uniform(1.0, 4.0))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)


def test_a_restored_vault_forgets_again_whom_the_events_forgot(site: Site, url: Url, tmp_path: Path) -> None:
    erased, kept = site.live(2)
    assert erased.person == kept.person
    with site.open() as parts:
        other = Actor("wechat:bai", Role.RESIDENT)
        place = c.Place(region=VILLAGE, category="roads.surface", words="门口有坑")
        kept = asyncio.run(parts.tickets.handle(Request(place, other, new_event_id()))).ticket
        vault.back_up(tmp_path / "vault", parts.home, utc_now())
        erase = c.ErasePersonalData(reason="asked")
        request = Request(erase, ACTORS[Role.DATA_PROTECTION], new_event_id(), erased.number)
        asyncio.run(parts.tickets.handle(request))
    site.back_up(tmp_path / "backup")

    new = Site(tmp_path / "second", url("second"))
    shutil.copytree(site.folder / "keys", new.folder / "keys")
    for arguments in (["--vault", str(tmp_path / "vault")], [str(tmp_path / "backup")]):
        done = subprocess.run(
            [*CLI, "restore", "--home", str(new.folder), *arguments], cwd=ROOT,
            env=environment(LIUDAN_EVENT_STORE=new.url), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "1 erasures carried out" in done.stdout
    with new.open() as parts:
        assert kept.person is not None
        parts.vault.ensure([kept.person])
        assert erased.person is not None
        with pytest.raises(KeyErased):
            parts.vault.ensure([erased.person])
        assert Erasures(parts.store, parts.vault).carry_out() == 0


def test_a_vault_is_put_back_only_where_there_is_none_and_whole(site: Site, tmp_path: Path) -> None:
    site.live(1)
    with site.open() as parts:
        _ = parts.access_record
        manifest = vault.back_up(tmp_path / "vault", parts.home, utc_now())
        assert [file.name for file in manifest.files] == ["vault.db", "access.db"]
        with pytest.raises(Invalid, match="already"):
            vault.restore(tmp_path / "vault", parts.home)
    flip("vault.db")(tmp_path / "vault")
    empty = Site(tmp_path / "second", f"sqlite:///{tmp_path}/second/events.db")
    with empty.open() as parts, pytest.raises(Damaged):
        vault.restore(tmp_path / "vault", parts.home)
    assert list(empty.folder.iterdir()) == []
