"""The transparency log on disk: accepted by others' verifiers, and taken up again after every kind of end."""

import subprocess
from pathlib import Path

import pytest

from domain.errors import Halted, Invalid, Transient
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_key import open_log_key
from infra.transparency.log_reader import LogReader
from infra.transparency.log_writer import Leaf, LogWriter
from infra.transparency.merkle import is_consistent, leaf_hash, root_by_inclusion
from infra.transparency.receipt import Receipt
from infra.transparency.signed_note import Signer
from infra.transparency.tiles import Tile
from infra.transparency.tree_edge import TreeEdge
from tests.services.go_tools import go_check, size_by_fsck


def leaves(first: int, end: int) -> list[Leaf]:
    """Positions have a hole after every hundredth."""
    return [(n + n // 100, b'{"event":%d}' % n) for n in range(first, end)]


@pytest.fixture
def log(tmp_path: Path) -> LogFolder:
    return LogFolder(tmp_path / "transparency")


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return open_log_key(tmp_path / "transparency.key", "example.com/log")


def grow(log: LogFolder, signer: Signer, size: int) -> None:
    with LogWriter(log, signer) as writer:
        writer.append(leaves(writer.size, size))
        assert writer.publish().size == size


@pytest.mark.go
def test_tesseras_fsck_accepts_the_log_however_it_grew(log: LogFolder, signer: Signer) -> None:
    for size in (1, 255, 256, 257, 700, 65_535, 65_536, 65_900):
        grow(log, signer, size)
        assert size_by_fsck(log.folder, str(signer.verifier)) == size


@pytest.mark.go
def test_fsck_is_able_to_refuse_it(log: LogFolder, signer: Signer) -> None:
    grow(log, signer, 300)
    another = Checkpoint(signer.verifier.name, 300, leaf_hash(b"another tree"))
    log.checkpoint.write_bytes(bytes(signer.sign(another.text)))
    assert size_by_fsck(log.folder, str(signer.verifier)) is None


@pytest.mark.go
def test_gos_own_notes_open_the_checkpoint(log: LogFolder, signer: Signer, tmp_path: Path) -> None:
    grow(log, signer, 300)
    key = tmp_path / "key"
    for verifier, accepted in (
        (signer.verifier, True),
        (Signer("example.com/log", bytes(32)).verifier, False),
    ):
        key.write_text(f"{verifier}\n")
        opened = subprocess.run([go_check(), "note", key, log.checkpoint], capture_output=True, text=True)
        assert (opened.returncode == 0) is accepted, opened.stderr
        assert opened.stdout.startswith("example.com/log\n300\n") is accepted


@pytest.mark.go
def test_gos_own_trees_accept_receipts(log: LogFolder, signer: Signer, tmp_path: Path) -> None:
    grow(log, signer, 300)
    key, file = tmp_path / "key", tmp_path / "receipt"
    key.write_text(f"{signer.verifier}\n")
    reader = LogReader(log)
    for leaf in (0, 1, 255, 256, 298, 299):
        receipt = Receipt(reader.entry(leaf, 300), leaf, reader.inclusion(leaf, 300), reader.head().note)
        file.write_bytes(bytes(receipt))
        accepted = subprocess.run([go_check(), "receipt", key, file], capture_output=True)
        assert accepted.stdout == receipt.entry, accepted.stderr
        file.write_bytes(bytes(receipt._replace(entry=b"another")))
        refused = subprocess.run([go_check(), "receipt", key, file], capture_output=True)
        assert (refused.returncode, refused.stdout) == (1, b"")


def test_partial_tiles_go_when_the_full_one_is_there(log: LogFolder, signer: Signer) -> None:
    for size in (10, 20, 300):
        grow(log, signer, size)
    names = sorted(
        path.relative_to(log.folder).as_posix() for path in log.folder.rglob("*") if path.is_file()
    )
    assert [name for name in names if name.startswith("tile/0")] == ["tile/0/000", "tile/0/001.p/44"]
    assert log.read(Tile(0, 0, 20)) == log.read(Tile(0, 0))[: 20 * 32]


def test_proofs_and_edges_of_trees_that_were_never_published(log: LogFolder, signer: Signer) -> None:
    """What a partial tile would have had stands at the beginning of the wider one of today."""
    grow(log, signer, 1000)
    reader, newest = LogReader(log), 1000
    whole = TreeEdge()
    for size in (1, 255, 256, 257, 511, 512, 513, 999):
        list(whole.extend([entry for _, entry in leaves(whole.size, size)]))
        root = reader.root(size)
        assert root == whole.root() == TreeEdge(size, reader.as_it_was).root()
        for leaf in (0, size // 2, size - 1):
            proof = reader.inclusion(leaf, size)
            assert root_by_inclusion(leaf_hash(reader.entry(leaf, size)), leaf, size, proof) == root
        assert is_consistent(size, newest, root, reader.root(newest), reader.consistency(size, newest))
        assert is_consistent(1, size, reader.root(1), root, reader.consistency(1, size))
        assert len(reader.entries(size - 1, size)) == 1


def test_a_log_has_one_writer(log: LogFolder, signer: Signer) -> None:
    with LogWriter(log, signer), pytest.raises(Transient, match="another process"):
        LogWriter(log, signer)
    LogWriter(log, signer).close()


def test_what_was_never_published_is_written_again(log: LogFolder, signer: Signer) -> None:
    grow(log, signer, 300)
    with LogWriter(log, signer) as writer:
        writer.append(leaves(300, 1300))  # and it dies before the checkpoint
    with LogWriter(log, signer) as writer:
        assert (writer.size, writer.position) == (300, leaves(299, 300)[0][0])
        writer.append(leaves(300, 1000))
        first = writer.publish()
    other = LogFolder(log.folder.parent / "other")
    grow(other, signer, 1000)
    assert first.root == LogWriter(other, signer).checkpoint.root


def test_a_log_whose_files_contradict_each_other_is_not_continued(log: LogFolder, signer: Signer) -> None:
    grow(log, signer, 300)
    tile = log.path(Tile.parse("tile/0/001.p/44"))
    good = tile.read_bytes()
    tile.write_bytes(good[:32] + good[:32] + good[64:])
    with pytest.raises(Halted, match="not those of its checkpoint"):
        LogWriter(log, signer)
    tile.write_bytes(good[:-1])
    with pytest.raises(Halted, match="damaged"):
        LogWriter(log, signer)
    tile.write_bytes(good)
    checkpoint = log.checkpoint.read_bytes()
    log.checkpoint.write_bytes(checkpoint.replace(b"\n300\n", b"\n299\n"))
    with pytest.raises(Halted, match="not to be relied on"):
        LogWriter(log, signer)
    log.checkpoint.write_bytes(checkpoint)
    log.positions.unlink()
    with pytest.raises(Halted, match="positions"):
        LogWriter(log, signer)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "transparency.key"
    key = open_log_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_log_key(path).verifier == key.verifier
    assert open_log_key(tmp_path / "another.key").verifier.name != key.verifier.name
    with pytest.raises(Invalid, match="a log keeps its name"):
        open_log_key(path, "example.com/renamed")
    path.chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        open_log_key(path)
