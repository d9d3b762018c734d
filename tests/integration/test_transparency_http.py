"""The transparency log as its readers meet it: over HTTP and on the command line."""

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from consumers.transparency.keep import LogKeeper
from domain.errors import LiudanError
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.cli import liudan
from infra.settings import Settings
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.merkle import is_consistent, leaf_hash, root_by_inclusion
from infra.transparency.receipt import NotProven, Receipt
from infra.transparency.signed_note import BadNote, SignedNote, Signer, VerifierKey
from infra.transparency.tiles import unpack_entries
from tests.services.door import STRANGER, Door, check_problem

LOG = "/v1/audit/log"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def door(home: Path) -> Iterator[Door]:
    home.mkdir()
    with Installation(Settings(home=home)) as installation, Door(installation) as opened:
        yield opened


@pytest.fixture
def kept(door: Door) -> Iterator[Door]:
    """With the log's process running, here as a thread."""
    stop = threading.Event()
    keeper = keeper_of(door, stop)
    thread = threading.Thread(target=keeper.run)
    thread.start()
    yield door
    stop.set()
    thread.join()


def keeper_of(door: Door, stop: threading.Event | None = None) -> LogKeeper:
    parts = door.installation
    return LogKeeper(parts.store, parts.transparency_log.folder, parts.log_signer, stop=stop)


def key_of(door: Door) -> VerifierKey:
    return VerifierKey.parse(door.get(f"{LOG}/key").text)


def checkpoint(door: Door) -> Checkpoint:
    answer = door.get(f"{LOG}/checkpoint")
    assert answer.status_code == 200, answer.text
    return Checkpoint.opened(SignedNote.parse(answer.content), key_of(door))


def hashes(proof: object) -> list[bytes]:
    assert isinstance(proof, list)
    return [base64.b64decode(line) for line in proof]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(liudan, [str(each) for each in arguments])


def test_a_resident_gets_a_receipt_of_what_was_placed_a_moment_ago(kept: Door) -> None:
    placed = kept.post(
        "/v1/tickets", Role.RESIDENT, json={"region": "622901001001", "category": "roads.surface"}
    )
    given = kept.get(placed.json()["links"]["receipt"], Role.RESIDENT)
    assert given.status_code == 200, given.text
    number = placed.json()["number"]
    assert given.headers["content-type"] == "text/plain; charset=utf-8"
    assert f'filename="{number}-placing.tlog-proof"' in given.headers["content-disposition"]
    receipt = Receipt.parse(given.content)
    assert receipt.check(key_of(kept)).size >= 1
    assert bytes(receipt) == given.content
    history = kept.get(f"/v1/tickets/{number}/events", Role.RESIDENT).content
    assert history == b"[%b]" % receipt.entry


def test_a_closed_ticket_has_a_receipt_of_its_closing_and_of_each_event(kept: Door) -> None:
    number = kept.walk("rate")
    events = kept.get(f"/v1/tickets/{number}/events", Role.COUNTY).json()
    closing = Receipt.parse(kept.get(f"/v1/tickets/{number}/receipt?for=closing", Role.RESIDENT).content)
    closing.check(key_of(kept))
    assert orjson.loads(closing.entry)["type"] == "liudan.ticket.ticket-closed.v1"
    for event in events:
        path = f"/v1/tickets/{number}/receipt?version={event['sequence']}"
        receipt = Receipt.parse(kept.get(path, Role.RESIDENT).content)
        receipt.check(key_of(kept))
        assert orjson.loads(receipt.entry) == event


def test_what_there_is_no_receipt_for(kept: Door) -> None:
    number = kept.place()
    path = f"/v1/tickets/{number}/receipt"
    check_problem(kept.get(path, STRANGER), 404, "not-found")
    check_problem(kept.get(path), 401, "no-identity")
    check_problem(kept.get(f"{path}?for=closing", Role.RESIDENT), 404, "not-closed", "occasion")
    check_problem(kept.get(f"{path}?version=2", Role.RESIDENT), 404, "no-such-version", "version")
    check_problem(kept.get(f"{path}?for=fun", Role.RESIDENT), 422, "invalid")


def test_without_the_logs_process_it_is_said_so(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.receipt_routes.PATIENCE_SECONDS", 0.2)
    number = door.place()
    path = f"/v1/tickets/{number}/receipt"
    assert "has not begun" in str(check_problem(door.get(path, Role.RESIDENT), 503, "unavailable")["detail"])
    assert "has not begun" in str(check_problem(door.get(f"{LOG}/checkpoint"), 503, "unavailable")["detail"])
    keeper_of(door).catch_up()
    door.give(number, "verify", Role.GRID_WORKER)
    late = door.get(f"{path}?for=latest", Role.RESIDENT)
    check_problem(late, 503, "not-logged-yet")
    assert late.headers["retry-after"] == "1"
    keeper_of(door).catch_up()
    assert door.get(f"{path}?for=latest", Role.RESIDENT).status_code == 200


def test_proofs_lead_to_the_checkpoint(door: Door) -> None:
    numbers = [door.walk("resolve") for _ in range(3)]
    keeper_of(door).catch_up()
    before = checkpoint(door)
    door.walk("rate")
    keeper_of(door).catch_up()
    after = checkpoint(door)
    bundle = door.get(f"{LOG}/tile/entries/000.p/{after.size}", Role.DATA_PROTECTION).content
    entries = list(unpack_entries(bundle))
    assert numbers[0].encode() in entries[0]
    for index, entry in enumerate(entries):
        proof = door.get(f"{LOG}/proof/inclusion?index={index}").json()
        assert proof["size"] == after.size
        path = hashes(proof["hashes"])
        assert root_by_inclusion(leaf_hash(entry), index, after.size, path) == after.root
    proof = door.get(f"{LOG}/proof/consistency?from={before.size}").json()
    assert is_consistent(before.size, after.size, before.root, after.root, hashes(proof["hashes"]))
    check_problem(door.get(f"{LOG}/proof/inclusion?index={after.size}"), 422, "no-such-entry", "index")
    check_problem(
        door.get(f"{LOG}/proof/inclusion?index=0&size={after.size + 1}"), 422, "no-such-tree", "size"
    )
    check_problem(door.get(f"{LOG}/proof/consistency?from=2&to=1"), 422, "invalid", "from")


def test_tiles_are_served_as_the_specification_says(door: Door) -> None:
    for _ in range(3):
        door.walk("rate")
    keeper_of(door).catch_up()
    size = checkpoint(door).size
    assert door.get(f"{LOG}/checkpoint").headers["cache-control"] == "public, max-age=1"
    tile = door.get(f"{LOG}/tile/0/000.p/{size}")
    assert (tile.status_code, len(tile.content)) == (200, 32 * size)
    assert tile.headers["content-type"] == "application/octet-stream"
    assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    for wrong, status in (
        ("0/000", 404),
        (f"0/000.p/{size + 1}", 404),
        ("0/0", 422),
        ("%2e%2e/checkpoint", 422),
    ):
        assert door.get(f"{LOG}/tile/{wrong}").status_code == status, wrong
    entries = f"{LOG}/tile/entries/000.p/{size}"
    check_problem(door.get(entries), 401, "no-identity")
    check_problem(door.get(entries, Role.COUNTY), 403, "not-allowed")
    packed = door.get(entries, Role.DATA_PROTECTION)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["cache-control"].startswith("private")
    plain = door.get(entries, Role.DATA_PROTECTION, headers={"Accept-Encoding": "identity"})
    assert plain.content == packed.content


def test_receipts_are_checked_on_the_command_line(door: Door, home: Path, tmp_path: Path) -> None:
    number = door.walk("rate")
    keeper_of(door).catch_up()
    key = run("audit", "key", "--home", home).output.strip()
    assert key == str(key_of(door))
    file = tmp_path / "receipt.tlog-proof"
    assert (
        run("audit", "receipt", number, "--home", home, "--for", "closing", "--output", file).exit_code == 0
    )
    checked = run("audit", "check-receipt", file, "--key", key)
    assert checked.exit_code == 0, checked.output
    assert f"{number} version 9: liudan.ticket.ticket-closed.v1" in checked.output
    (tmp_path / "key").write_text(key)
    as_json = orjson.loads(run("audit", "check-receipt", file, "--key", tmp_path / "key", "--json").output)
    assert (as_json["event"]["subject"], as_json["index"]) == (number, 8)


def spoilt(receipt: bytes, old: bytes, new: bytes) -> Receipt:
    assert old in receipt
    return Receipt.parse(receipt.replace(old, new, 1))


def test_a_receipt_that_was_changed_proves_nothing(door: Door) -> None:
    number = door.walk("rate")
    keeper_of(door).catch_up()
    key = key_of(door)
    given = door.get(f"/v1/tickets/{number}/receipt?for=closing", Role.RESIDENT).content
    good = Receipt.parse(given)
    good.check(key)
    score = base64.b64encode(good.entry)
    other = base64.b64encode(good.entry.replace(b'"closed"', b'"placed"'))
    some = base64.b64encode(good.proof[0])
    with pytest.raises(NotProven):
        spoilt(given, score, other).check(key)
    with pytest.raises(NotProven):
        spoilt(given, b"index 8", b"index 7").check(key)
    with pytest.raises(NotProven):
        spoilt(given, some + b"\n", b"").check(key)
    with pytest.raises(BadNote):
        spoilt(given, b"\n9\n", b"\n10\n").check(key)
    with pytest.raises(BadNote):
        good.check(Signer(key.name, bytes(32)).verifier)
    for broken in (b"", given[:50], b"\xff" + given, given.replace(b"extra ", b"extra  "), given[:-40]):
        with pytest.raises(LiudanError):
            Receipt.parse(broken).check(key)


def test_checkpoints_are_compared_on_the_command_line(door: Door, home: Path, tmp_path: Path) -> None:
    older, newer = tmp_path / "older", tmp_path / "newer"
    for file in (older, newer):
        door.walk("rate")
        keeper_of(door).catch_up()
        file.write_text(run("audit", "checkpoint", "--home", home).output)
    arguments = ("audit", "check-consistency", "--home", home, "--key", str(key_of(door)))
    assert "the first 9 of the 18 entries" in run(*arguments, older, newer).output
    assert run(*arguments, newer, older).exit_code != 0
    forged = Checkpoint(key_of(door).name, 9, leaf_hash(b"another"))
    older.write_bytes(bytes(door.installation.log_signer.sign(forged.text)))
    assert isinstance(run(*arguments, older, newer).exception, NotProven)
