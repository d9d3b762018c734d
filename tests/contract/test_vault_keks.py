"""Key-encryption keys: the vault's file alone says nothing, and the KEK is changed while everything runs."""

import base64
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Invalid, Refused
from infra.cli import liudan
from infra.event_store.port import StoreUnavailable
from infra.keys import rotation, vault_file
from infra.keys.key_ring import KeyRing
from infra.vault import KeyErased, SealBroken, Vault

ROOT = Path(__file__).parents[2]
NUMBER = b"622901-261123-7KQ4M"
ROTATE = (
    "import sys; from pathlib import Path\n"
    "from infra.keys import rotation; from infra.keys.key_ring import KeyRing\n"
    "rotation.BATCH = 20\n"
    "rotation.rotate(Path(sys.argv[1]), KeyRing(Path(sys.argv[2])), lambda n: print(n, flush=True))"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def keks(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "vault.kek"


@pytest.fixture
def ring(keks: Path) -> KeyRing:
    return KeyRing(keks)


def kek_ids(path: Path) -> set[int]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT kek FROM data_keys UNION SELECT kek FROM data_secrets")
        return {row[0] for row in rows if row[0] is not None}


def test_the_first_kek_is_made_for_its_owner_alone(path: Path, keks: Path) -> None:
    Vault(path).close()
    assert stat.S_IMODE(keks.stat().st_mode) == 0o600
    assert stat.S_IMODE(keks.parent.stat().st_mode) == 0o700
    assert len(base64.b64decode(keks.read_bytes())) == 32


def test_no_key_lies_in_the_vault_in_the_clear(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    generate = AESGCM.generate_key

    def remembered(bits: int) -> bytes:
        made.append(generate(bits))
        return made[-1]

    monkeypatch.setattr(AESGCM, "generate_key", remembered)
    with closing(Vault(path)) as vault:
        vault.ensure([uuid4() for _ in range(50)])
        secret = vault_file.secret_of(vault._reading, vault._reading_keks)
        everything = b"".join(file.read_bytes() for file in path.parent.rglob("*") if file.is_file())
        assert len(made) == 50
        assert [key for key in [*made, secret] if key in everything] == []


def test_without_its_kek_a_vault_says_what_is_missing(path: Path, keks: Path) -> None:
    Vault(path).close()
    name = KeyRing(keks).newest().name
    keks.unlink()
    with pytest.raises(StoreUnavailable, match=name):
        Vault(path)
    assert not keks.exists()


def test_a_key_in_another_persons_row_does_not_open_and_does_not_harm_others(path: Path) -> None:
    one, another, third = uuid4(), uuid4(), uuid4()
    with closing(Vault(path)) as vault:
        vault.ensure([one, another, third])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE person_id = ?) "
            "WHERE person_id = ?",
            (one.bytes, another.bytes),
        )
    with closing(Vault(path)) as vault:
        vault.ensure([one, another, third])
        assert vault.open(third, vault.seal(third, b"Ma", NUMBER), NUMBER) == b"Ma"
        with pytest.raises(SealBroken):
            vault.seal(another, b"Ma", NUMBER)


def test_every_key_moves_to_the_new_kek_and_opens_as_before(path: Path, ring: KeyRing) -> None:
    persons = [uuid4() for _ in range(2500)]
    with closing(Vault(path, ring)) as vault:
        vault.ensure(persons)
        sealed = {person: vault.seal(person, b"Ma", NUMBER) for person in persons}
        vault.destroy(persons[0])
        pseudonym = vault.person_id("13800000000")
        old = ring.newest().name

        new = rotation.rotate(path, ring)

        assert new != old
        assert kek_ids(path) == {2}
        vault.ensure([newcomer := uuid4()])
        assert vault.open(newcomer, vault.seal(newcomer, b"x", NUMBER), NUMBER) == b"x"
    assert rotation.retire(path, ring) == [old]
    assert [kek.name for kek in KeyRing(ring.file).all()] == [new]
    with closing(Vault(path, KeyRing(ring.file))) as vault:
        assert all(vault.open(person, sealed[person], NUMBER) == b"Ma" for person in persons[1:])
        assert vault.person_id("13800000000") == pseudonym
        with pytest.raises(KeyErased):
            vault.open(persons[0], sealed[persons[0]], NUMBER)
    standing = rotation.standing(path, ring)
    assert (standing.people, standing.erased) == (2500, 1)
    assert [(kek.name, kek.current, kek.keys, kek.at_hand) for kek in standing.keks] == [
        (old, False, 0, False),
        (new, True, 2501, True),
    ]


def test_it_is_changed_while_others_work(path: Path, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 50)
    first = [uuid4() for _ in range(1000)]
    late: list[UUID] = []
    stop = threading.Event()
    with closing(Vault(path, ring)) as vault, closing(Vault(path, KeyRing(ring.file))) as other:
        vault.ensure(first)

        def work() -> None:
            while not stop.is_set():
                late.append(uuid4())
                other.ensure([late[-1]])
                if len(late) % 10 == 0:
                    other.destroy(late[-1])

        worker = threading.Thread(target=work)
        worker.start()
        for _ in range(3):
            rotation.rotate(path, ring)
        stop.set()
        worker.join()
        rotation.rotate(path, ring)
        assert len(late) > 10
        assert kek_ids(path) == {5}
        for index, person in enumerate([*late, *first], 1):
            if index <= len(late) and index % 10 == 0:
                with pytest.raises(KeyErased):
                    vault.seal(person, b"x", NUMBER)
            else:
                assert other.open(person, vault.seal(person, b"x", NUMBER), NUMBER) == b"x"


@pytest.mark.parametrize("batches", [0, 1, 5, 12])
def test_killed_in_the_middle_it_is_finished_by_the_next(path: Path, ring: KeyRing, batches: int) -> None:
    persons = [uuid4() for _ in range(400)]
    with closing(Vault(path, ring)) as vault:
        vault.ensure(persons)
        sealed = {person: vault.seal(person, b"Ma", NUMBER) for person in persons}
    command = [sys.executable, "-c", ROTATE, str(path), str(ring.file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(batches):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)

    before = len(KeyRing(ring.file).all())
    if batches:
        with pytest.raises(Refused, match="rotate"):
            rotation.retire(path, ring)
    rotation.rotate(path, ring)
    assert len(KeyRing(ring.file).all()) == max(before, 2)
    assert kek_ids(path) == {2}
    with closing(Vault(path, ring)) as vault:
        assert all(vault.open(person, sealed[person], NUMBER) == b"Ma" for person in persons)


def test_keks_from_the_environment_are_rotated_by_adding_one(path: Path, keks: Path) -> None:
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    with closing(Vault(path, KeyRing.of(keks, old))) as vault:
        vault.ensure([person := uuid4()])
        sealed = vault.seal(person, b"Ma", NUMBER)
    with pytest.raises(Invalid, match="LIUDAN_VAULT_KEK"):
        rotation.rotate(path, KeyRing.of(keks, old))
    rotation.rotate(path, KeyRing.of(keks, f"{old},{new}"))
    with closing(Vault(path, KeyRing.of(keks, new))) as vault:
        assert vault.open(person, sealed, NUMBER) == b"Ma"
    with pytest.raises(StoreUnavailable):
        Vault(path, KeyRing.of(keks, old))
    assert not keks.exists()


@pytest.mark.parametrize("given", ["short", "AAAA", base64.b64encode(b"x" * 31).decode() + ","])
def test_what_is_not_a_key_is_refused(path: Path, keks: Path, given: str) -> None:
    with pytest.raises(Invalid, match="32 bytes"):
        KeyRing.of(keks, given)


def test_a_vault_of_before_is_wrapped_when_it_is_opened(path: Path) -> None:
    person, gone, key, secret = uuid4(), uuid4(), os.urandom(32), os.urandom(32)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE keys (person_id BLOB PRIMARY KEY, key BLOB) WITHOUT ROWID;"
            "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE destroyed (keys INTEGER NOT NULL); INSERT INTO destroyed VALUES (1)"
        )
        rows = [(person.bytes, key), (gone.bytes, None)]
        connection.executemany("INSERT INTO keys VALUES (?, ?)", rows)
        connection.execute("INSERT INTO secrets VALUES ('names', ?)", (secret,))
        connection.commit()
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(key).encrypt(nonce, b"Ma", NUMBER)
    for _ in range(2):
        with closing(Vault(path)) as vault:
            assert vault.open(person, sealed, NUMBER) == b"Ma"
            assert vault_file.secret_of(vault._reading, vault._reading_keks) == secret
            with pytest.raises(KeyErased):
                vault.ensure([gone])
    everything = b"".join(file.read_bytes() for file in path.parent.glob("vault.db*"))
    assert key not in everything
    assert secret not in everything


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIUDAN_HOME", str(tmp_path))
    run = CliRunner().invoke
    before = orjson.loads(run(liudan, ["vault", "status"]).stdout)
    assert before["keks_from"] == str(tmp_path / "keys" / "vault.kek")
    assert (before["people"], before["erased"], len(before["keks"])) == (0, 0, 1)
    assert "every key is wrapped by" in run(liudan, ["vault", "rotate"]).stdout
    answer = run(liudan, ["vault", "retire", "--yes"])
    assert before["keks"][0]["name"] in answer.stdout
    after = orjson.loads(run(liudan, ["vault", "status"]).stdout)
    assert [kek["at_hand"] for kek in after["keks"]] == [False, True]
    assert "nothing to retire" in run(liudan, ["vault", "retire", "--yes"]).stdout
