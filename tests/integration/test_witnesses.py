"""Witnesses sign the log's checkpoints, and refuse to sign what contradicts them."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from consumers.transparency.cosign import Cosigner
from consumers.transparency.keep import LogKeeper
from domain.errors import Halted, Invalid, LiudanError
from infra.cli import liudan
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_key import open_log_key
from infra.transparency.log_reader import LogReader
from infra.transparency.merkle import leaf_hash
from infra.transparency.receipt import Receipt
from infra.transparency.signed_note import COSIGNATURE, BadNote, SignedNote, Signer, VerifierKey
from infra.transparency.trust_policy import TrustPolicy
from infra.transparency.witness_client import WitnessAway, WitnessClient, WitnessRefuses
from tests.benchmarks.histories import stored_journeys
from tests.integration.test_ticket_bundles import stand_alone
from tests.services.eventually import eventually
from tests.services.sample_events import number, stored
from tests.services.witness import WitnessBook, witness

QUORUM = "group enough 2 w1 w2 w3\nquorum enough\n"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return open_log_key(tmp_path / "key", "example.com/log")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with closing(open_event_store(f"sqlite:///{tmp_path}/events.db")) as opened:
        yield opened


@pytest.fixture
def log(tmp_path: Path) -> LogReader:
    return LogReader(LogFolder(tmp_path / "log"))


@pytest.fixture
def witnesses(signer: Signer) -> Iterator[tuple[list[WitnessBook], str]]:
    """Three witnesses, and the policy that asks for two of them."""
    with ExitStack() as stack:
        names = [f"witness.example/w{n}" for n in (1, 2, 3)]
        opened = [stack.enter_context(witness(name, signer.verifier)) for name in names]
        yield [book for book, _ in opened], "\n".join(line for _, line in opened) + f"\n{QUORUM}"


def policy_of(tmp_path: Path, text: str) -> TrustPolicy:
    path = tmp_path / "policy"
    path.write_text(text)
    return TrustPolicy.read(path)


def grow(store: EventStore, log: LogReader, signer: Signer, ticket: int) -> None:
    store.append(list(stored_journeys(20 * ticket, 20)))
    LogKeeper(store, log.folder, signer).catch_up()


def test_checkpoints_are_cosigned_and_receipts_carry_it(
    store: EventStore,
    log: LogReader,
    signer: Signer,
    witnesses: tuple[list[WitnessBook], str],
    tmp_path: Path,
) -> None:
    books, text = witnesses
    policy = policy_of(tmp_path, text)
    cosigner = Cosigner(log, policy)
    for ticket in range(4):
        grow(store, log, signer, ticket)
        assert cosigner.round()
        assert cosigner.round()  # the same again
    head = log.head()
    assert head.checkpoint.size == 720
    assert [each.witness.name for each in policy.cosigners(head.note)] == ["w1", "w2", "w3"]
    assert all(book.statuses == [200] * 8 for book in books)
    grow(store, log, signer, 9)
    over = log.head_over(719)
    assert over is not None
    receipt = Receipt(log.entry(719, 720), 719, log.inclusion(719, 720), over.note)
    assert over == log.witnessed_head()
    file = tmp_path / "receipt"
    file.write_bytes(bytes(receipt))
    check = ["audit", "check-receipt", str(file), "--key", str(signer.verifier)]
    checked = CliRunner().invoke(liudan, [*check, "--policy", f"{tmp_path}/policy"])
    assert checked.output.count("witnessed by witness.example/w") == 3, checked.output
    alone = stand_alone(file, signer.verifier, *(book.signer.verifier for book in books))
    assert (alone.returncode, alone.stdout.count("witnessed by")) == (0, 3), alone.stderr
    stranger = Signer("witness.example/w4", bytes(32), COSIGNATURE).verifier
    assert stand_alone(file, signer.verifier, stranger).returncode == 1
    policy_of(tmp_path, f"{text[: -len(QUORUM)]}witness w4 {stranger}\nquorum w4\n")
    assert CliRunner().invoke(liudan, [*check, "--policy", f"{tmp_path}/policy"]).exit_code != 0


def test_a_new_client_learns_from_a_witness_what_it_has_signed(
    store: EventStore,
    log: LogReader,
    signer: Signer,
    witnesses: tuple[list[WitnessBook], str],
    tmp_path: Path,
) -> None:
    books, text = witnesses
    for ticket in range(3):
        grow(store, log, signer, ticket)
        assert Cosigner(log, policy_of(tmp_path, text)).round()
    assert books[0].statuses == [200, 409, 200, 409, 200]


def test_a_quorum_is_enough_and_less_is_not(
    store: EventStore,
    log: LogReader,
    signer: Signer,
    witnesses: tuple[list[WitnessBook], str],
    tmp_path: Path,
) -> None:
    books, text = witnesses
    cosigner = Cosigner(log, policy_of(tmp_path, text))
    grow(store, log, signer, 0)
    books[0].logs.clear()
    assert cosigner.round()
    assert books[0].statuses == [404]
    books[1].logs.clear()
    grow(store, log, signer, 1)
    assert not cosigner.round()
    witnessed = log.witnessed_head()
    assert witnessed is not None
    assert witnessed.checkpoint.size == 180
    assert len(log.head().note.signatures) == 1


def test_the_keeper_has_its_checkpoints_signed(
    store: EventStore,
    log: LogReader,
    signer: Signer,
    witnesses: tuple[list[WitnessBook], str],
    tmp_path: Path,
) -> None:
    _, text = witnesses
    keeper = LogKeeper(store, log.folder, signer, cosigner=Cosigner(log, policy_of(tmp_path, text)))
    thread = threading.Thread(target=keeper.run)
    thread.start()
    store.append([stored(number(1), 1)])

    def is_witnessed() -> bool:
        head = log.witnessed_head()
        return head is not None and head.checkpoint.size == 1

    eventually(is_witnessed)
    keeper.stop.set()
    thread.join()


def test_a_log_that_was_set_back_gets_no_signature_and_is_not_continued(
    store: EventStore,
    log: LogReader,
    signer: Signer,
    witnesses: tuple[list[WitnessBook], str],
    tmp_path: Path,
) -> None:
    """With the store set back as well, only the witnesses know."""
    books, text = witnesses
    policy = policy_of(tmp_path, text)
    for ticket in range(2):
        grow(store, log, signer, ticket)
    assert Cosigner(log, policy).round()
    with closing(open_event_store(f"sqlite:///{tmp_path}/older.db")) as older:
        other = LogReader(LogFolder(tmp_path / "other"))
        grow(older, other, signer, 0)
        client = WitnessClient(policy.witnesses["w1"], other.consistency)
        with pytest.raises(WitnessRefuses, match="set back"):
            client.cosign(other.head())
        grow(older, other, signer, 7)
        grow(older, other, signer, 8)
        with pytest.raises(WitnessRefuses, match="422"):
            client.cosign(other.head())
        log.folder.witnessed.rename(other.folder.witnessed)
        with pytest.raises(Halted, match="witnesses have signed"):
            LogKeeper(older, other.folder, signer).run()
    assert books[0].statuses == [200, 409, 409, 422]


def test_a_witness_that_is_away_or_talks_nonsense(
    store: EventStore,
    log: LogReader,
    signer: Signer,
    witnesses: tuple[list[WitnessBook], str],
    tmp_path: Path,
) -> None:
    books, text = witnesses
    grow(store, log, signer, 0)
    nobody = text.replace("http://127.0.0.1:", "http://127.0.0.1:1")[: text.index("\n")]
    policy = policy_of(tmp_path, nobody.rpartition(" ")[0] + " http://127.0.0.1:9/\nquorum none\n")
    with pytest.raises(WitnessAway, match="does not answer"):
        WitnessClient(policy.witnesses["w1"], log.consistency).cosign(log.head())
    assert not Cosigner(log, policy).round()
    liar = policy_of(tmp_path, text).witnesses["w1"]
    books[0].signer = Signer(liar.key.name, bytes(32), COSIGNATURE)
    with pytest.raises(WitnessAway, match="another key"):
        WitnessClient(liar, log.consistency).cosign(log.head())


def test_cosignatures_are_checked(signer: Signer) -> None:
    note = signer.sign(Checkpoint("example.com/log", 7, leaf_hash(b"")).text)
    by = Signer("witness.example/w", bytes(range(32)), COSIGNATURE)
    signed = SignedNote.parse(bytes(note.with_signatures([by.cosign(note.text, 1_679_315_147)])))
    assert signed.by(by.verifier) is not None
    assert VerifierKey.parse(str(by.verifier)) == by.verifier
    assert signed.by(Signer("witness.example/x", bytes(range(32)), COSIGNATURE).verifier) is None
    later = by.cosign(note.text, 1_679_315_148)
    moved = signed.signatures[1].body[:8] + later.body[8:]
    forged = SignedNote(note.text, (note.signatures[0], type(later)(later.name, later.key_id, moved)))
    with pytest.raises(BadNote):
        forged.by(by.verifier)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("witness w1 {w1}\nwitness w1 {w2}\nquorum w1", "line 2.*taken"),
        ("witness w1 {w1}\nwitness w2 {w1}\nquorum w1", "line 2.*twice"),
        ("witness w1 {log}\nquorum w1", "wrong kind"),
        ("log {w1}\nquorum none", "wrong kind"),
        ("quorum w1\nwitness w1 {w1}", "line 1.*before"),
        ("group g 2 w1", "line 1.*before"),
        ("witness w1 {w1}\ngroup g 2 w1\nquorum g", "from 1 to 1"),
        ("witness w1 {w1}\ngroup g any w1\ngroup h any w1\nquorum h", "already a member"),
        ("witness w1 {w1} ftp://w", "address"),
        ("witness w1", "words"),
        ("witness w1 {w1}", "no quorum"),
        ("quorum none\nquorum none", "one quorum"),
        ("trust everybody", "not one of"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(
    line: str, said: str, tmp_path: Path, signer: Signer
) -> None:
    keys = {n: str(Signer(f"example/{n}", n.encode() * 16, COSIGNATURE).verifier) for n in ("w1", "w2")}
    with pytest.raises(Invalid, match=said):
        policy_of(tmp_path, line.format(log=signer.verifier, **keys))


def test_groups_of_groups(tmp_path: Path, signer: Signer) -> None:
    names = ["x1", "x2", "x3", "y1", "y2"]
    signers = {n: Signer(f"example/{n}", n.encode() * 16, COSIGNATURE) for n in names}
    lines = [f"witness {n} {each.verifier}" for n, each in signers.items()]
    groups = ["group x 2 x1 x2 x3", "group y any y1 y2 # nobody", "group both all x y", "quorum both"]
    with pytest.raises(LiudanError):  # a comment is a line of its own
        policy_of(tmp_path, "\n".join([*lines, *groups]))
    groups[1] = "\t group y any y1  y2 "
    policy = policy_of(tmp_path, "# who is believed\n" + "\n".join([*lines, "", *groups]))
    note = signer.sign(Checkpoint("example.com/log", 7, leaf_hash(b"")).text)

    def met(*by: str) -> bool:
        return policy.is_met_by(
            policy.cosigners(note.with_signatures(signers[n].cosign(note.text, 1) for n in by))
        )

    assert met("x1", "x3", "y2")
    assert met(*names)
    assert not met("x1", "y1", "y2")
    assert not met("x1", "x2", "x3")
    assert not met()
