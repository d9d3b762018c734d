"""A ticket's whole history in one file: checked by us, and by the program that stands alone."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from consumers.transparency.keep import LogKeeper
from domain.errors import Halted, LiudanError
from domain.event_names import EVENT_NAMES, ROLE_NAMES
from domain.events import PAYLOADS
from domain.numbers import TicketNumber
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.cli import liudan
from infra.settings import Settings
from infra.ticket_bundles import TicketBundles
from infra.transparency.bundle import Bundle
from infra.transparency.signed_note import Signer, VerifierKey
from tests.services.door import PERSONAL, Door

VERIFIER = Path(__file__).parents[2] / "examples" / "verify_receipt.py"
Files = dict[str, bytes]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    home = tmp_path / "home"
    home.mkdir()
    with Installation(Settings(home=home)) as installation, Door(installation) as opened:
        yield opened


def keep(door: Door) -> None:
    parts = door.installation
    LogKeeper(parts.store, parts.transparency_log.folder, parts.log_signer).catch_up()


def bundles(door: Door) -> TicketBundles:
    parts = door.installation
    return TicketBundles(parts.store, parts.transparency_log, parts.log_signer)


def two_tickets(door: Door) -> tuple[bytes, bytes]:
    """Two bundles of tickets with nine events each, of the same tree."""
    numbers = [TicketNumber(door.walk("rate")) for _ in range(2)]
    keep(door)
    return bytes(bundles(door).export(numbers[0])), bytes(bundles(door).export(numbers[1]))


def key_of(door: Door) -> VerifierKey:
    return door.installation.log_signer.verifier


def unpacked(raw: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def stand_alone(file: Path, *keys: VerifierKey) -> "subprocess.CompletedProcess[str]":
    """Run the verifier where none of our packages can be imported."""
    command = [sys.executable, "-I", str(VERIFIER), str(file), *map(str, keys)]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60)


def test_a_bundle_holds_the_exact_events_and_a_page_for_people(door: Door) -> None:
    raw, _ = two_tickets(door)
    bundle = Bundle.parse(raw)
    stated = bundle.check(key_of(door))
    events = door.installation.store.stream(TicketNumber(stated.ticket).stream_id)
    assert [receipt.entry for receipt in bundle.receipts] == [event.state for event in events]
    assert (stated.events, stated.checkpoint.size) == (9, 18)
    assert bytes(bundle) == raw
    page = bundle.page.decode()
    for words in ("点单", "Placed", "结案", "Closed", stated.ticket, "已加密"):
        assert words in page
    assert not any(word in page for word in ("<script", "http://", "https://", "src=", "href="))
    assert not any(secret in page for secret in PERSONAL.values())


def test_every_event_and_role_has_a_name_for_people() -> None:
    assert set(EVENT_NAMES) == set(PAYLOADS)
    assert set(ROLE_NAMES) == set(Role)


def removed(mine: Files, other: Files) -> None:
    del mine["events/000004.json"], mine["proofs/000004.tlog-proof"]


def removed_and_closed_up(mine: Files, other: Files) -> None:
    for version in range(4, 9):
        mine[f"events/{version:06d}.json"] = mine[f"events/{version + 1:06d}.json"]
        mine[f"proofs/{version:06d}.tlog-proof"] = mine[f"proofs/{version + 1:06d}.tlog-proof"]
    cut_off(mine, other)


def cut_off(mine: Files, other: Files) -> None:
    del mine["events/000009.json"], mine["proofs/000009.tlog-proof"]


def swapped(mine: Files, other: Files) -> None:
    for name in ("events/{:06d}.json", "proofs/{:06d}.tlog-proof"):
        first, second = name.format(3), name.format(4)
        mine[first], mine[second] = mine[second], mine[first]


def edited(mine: Files, other: Files) -> None:
    mine["events/000009.json"] = mine["events/000009.json"].replace(b'"closed"', b'"placed"')


def edited_by_one_space(mine: Files, other: Files) -> None:
    mine["events/000001.json"] += b" "


def repeated(mine: Files, other: Files) -> None:
    mine["events/000010.json"] = mine["events/000009.json"]
    mine["proofs/000010.tlog-proof"] = mine["proofs/000009.tlog-proof"]


def repeated_in_place(mine: Files, other: Files) -> None:
    for name in ("events/{:06d}.json", "proofs/{:06d}.tlog-proof"):
        mine[name.format(5)] = mine[name.format(4)]


def from_another_ticket(mine: Files, other: Files) -> None:
    for name in ("events/000005.json", "proofs/000005.tlog-proof"):
        mine[name] = other[name]


def another_tickets_statement(mine: Files, other: Files) -> None:
    mine["statement"] = other["statement"]


def cut_off_with_another_number(mine: Files, other: Files) -> None:
    cut_off(mine, other)
    mine["statement"] = mine["statement"].replace(b"events 9", b"events 8")


def without_statement(mine: Files, other: Files) -> None:
    del mine["statement"]


def another_page(mine: Files, other: Files) -> None:
    mine["timeline.html"] = mine["timeline.html"].replace("结案".encode(), "撤单".encode())


def one_file_more(mine: Files, other: Files) -> None:
    mine["events/000010.txt"] = b"read me"


TAMPERINGS: tuple[Callable[[Files, Files], None], ...] = (
    removed, removed_and_closed_up, cut_off, swapped, edited, edited_by_one_space, repeated,
    repeated_in_place, from_another_ticket, another_tickets_statement, cut_off_with_another_number,
    without_statement, another_page, one_file_more,
)  # fmt: skip


def test_whatever_is_done_to_a_bundle_is_found_by_both_programs(door: Door, tmp_path: Path) -> None:
    raw, other = two_tickets(door)
    file, key = tmp_path / "bundle.zip", key_of(door)
    file.write_bytes(raw)
    good = stand_alone(file, key)
    assert good.returncode == 0, good.stderr
    assert "order-placed" in good.stdout
    assert "18 entries" in good.stdout
    for tamper in TAMPERINGS:
        files = unpacked(raw)
        tamper(files, unpacked(other))
        file.write_bytes(packed(files))
        with pytest.raises(LiudanError):
            Bundle.parse(file.read_bytes()).check(key)
        found = stand_alone(file, key)
        assert (found.returncode, found.stdout) == (1, ""), tamper.__name__
        assert found.stderr.startswith("NOT PROVEN: "), found.stderr


def test_a_file_that_is_in_an_archive_twice_is_found(door: Door, tmp_path: Path) -> None:
    raw, _ = two_tickets(door)
    out = io.BytesIO(raw)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(out, "a") as archive:
        archive.writestr("events/000001.json", b"{}")
    file = tmp_path / "bundle.zip"
    file.write_bytes(out.getvalue())
    with pytest.raises(LiudanError, match="twice"):
        Bundle.parse(out.getvalue())
    assert "twice" in stand_alone(file, key_of(door)).stderr
    for cut in (0, 10, len(raw) // 2, len(raw) - 1):
        with pytest.raises(LiudanError):
            Bundle.parse(raw[:cut])


def test_another_logs_key_proves_nothing(door: Door, tmp_path: Path) -> None:
    raw, _ = two_tickets(door)
    file, key = tmp_path / "bundle.zip", Signer(key_of(door).name, bytes(32)).verifier
    file.write_bytes(raw)
    with pytest.raises(LiudanError):
        Bundle.parse(raw).check(key)
    assert stand_alone(file, key).returncode == 1
    assert stand_alone(tmp_path / "nothing", key).returncode == 1


def test_the_stand_alone_verifier_checks_receipts(door: Door, tmp_path: Path) -> None:
    """Of every leaf of trees of many shapes; and none of a receipt that was changed."""
    number = door.walk("rate")
    for size in (9, 10, 11, 18):
        while door.events_stored < size:
            door.walk("rate") if size - door.events_stored >= 9 else door.place()
        keep(door)
        for version in (1, 2, 8, 9):
            path = f"/v1/tickets/{number}/receipt?version={version}"
            file = tmp_path / "receipt"
            file.write_bytes(door.get(path, Role.RESIDENT).content)
            checked = stand_alone(file, key_of(door))
            assert checked.returncode == 0, checked.stderr
            assert number in checked.stdout
    good = file.read_bytes()
    for old, new in ((b"index 8", b"index 9"), (b"\n18\n", b"\n19\n"), (b"extra e", b"extra f")):
        assert old in good
        file.write_bytes(good.replace(old, new, 1))
        assert stand_alone(file, key_of(door)).returncode == 1


def test_on_the_command_line(door: Door, tmp_path: Path) -> None:
    number = door.walk("rate")
    keep(door)
    home, file = str(door.installation.home.folder), str(tmp_path / "bundle.zip")
    run = CliRunner().invoke
    exported = run(liudan, ["audit", "export", number, "--home", home, "--output", file])
    assert f"9 events of {number}" in exported.output
    checked = run(liudan, ["audit", "check-bundle", file, "--key", str(key_of(door))])
    assert checked.exit_code == 0, checked.output
    assert "events 1 to 9 are in the log" in checked.output
    raw = Path(file).read_bytes()
    Path(file).write_bytes(raw[:-100])
    assert run(liudan, ["audit", "check-bundle", file, "--key", str(key_of(door))]).exit_code != 0


def test_what_store_and_log_disagree_about_is_not_exported(door: Door) -> None:
    number = TicketNumber(door.walk("verify"))
    keep(door)
    bundle = door.installation.transparency_log.folder.folder / "tile/entries/000.p/2"
    bundle.write_bytes(bundle.read_bytes().replace(b'"verified"', b'"rejected"'))
    with pytest.raises(Halted, match="audit verify"):
        bundles(door).export(number)
