"""The vault, on a real file: seals, forgets for ever, and is shared by processes."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import NotFound
from infra import vault as vault_module
from infra.event_store.port import StoreUnavailable
from infra.vault import KeyErased, SealBroken, Vault

ROOT = Path(__file__).parents[2]
NUMBER = b"622901-261123-7KQ4M"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def vault(path: Path) -> Iterator[Vault]:
    opened = Vault(path)
    yield opened
    opened.close()


@pytest.fixture
def other(path: Path, vault: Vault) -> Iterator[Vault]:
    """As another process would have it open: nothing shared but the file."""
    opened = Vault(path)
    yield opened
    opened.close()


def wrapped_key_of(path: Path, person: UUID) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT wrapped FROM data_keys WHERE person_id = ?", (person.bytes,))
        wrapped: bytes = row.fetchone()[0]
    return wrapped


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plaintext=st.binary(max_size=2000), context=st.binary(max_size=50))
def test_what_is_sealed_opens_again(vault: Vault, plaintext: bytes, context: bytes) -> None:
    person = uuid4()
    vault.ensure([person])
    sealed = vault.seal(person, plaintext, context)
    assert vault.open(person, sealed, context) == plaintext
    assert len(sealed) == 12 + len(plaintext) + 16
    assert vault.seal(person, plaintext, context) != sealed


def test_only_the_same_person_and_context_open_it(vault: Vault) -> None:
    one, another = uuid4(), uuid4()
    vault.ensure([one, another])
    sealed = vault.seal(one, b"13800000000", NUMBER)
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for person, what, context in [
        (another, sealed, NUMBER),
        (one, sealed, b"another ticket"),
        (one, altered, NUMBER),
        (one, sealed[:20], NUMBER),
        (one, b"", NUMBER),
    ]:
        with pytest.raises(SealBroken):
            vault.open(person, what, context)


def test_a_person_without_a_key_is_not_known(vault: Vault) -> None:
    with pytest.raises(NotFound):
        vault.seal(uuid4(), b"x", NUMBER)
    with pytest.raises(NotFound):
        vault.open(uuid4(), b"x" * 40, NUMBER)


def test_keys_survive_a_restart_and_are_not_replaced(vault: Vault, path: Path) -> None:
    person = uuid4()
    vault.ensure([person])
    sealed = vault.seal(person, b"Ma", NUMBER)
    vault.close()
    again = Vault(path)
    again.ensure([person])
    assert again.open(person, sealed, NUMBER) == b"Ma"
    again.close()


def test_ids_and_fingerprints_say_nothing_and_stay_the_same(
    vault: Vault, other: Vault, tmp_path: Path
) -> None:
    person, print_ = vault.person_id("13800000000"), vault.fingerprint(b"13800000000")
    assert (other.person_id("13800000000"), other.fingerprint(b"13800000000")) == (person, print_)
    assert vault.person_id("13800000001") != person
    assert len(print_) == 32
    assert print_[:6] != person.bytes[:6]

    elsewhere = Vault(tmp_path / "elsewhere.db")
    assert elsewhere.person_id("13800000000") != person
    assert elsewhere.fingerprint(b"13800000000") != print_
    elsewhere.close()


def test_a_destroyed_key_is_gone_for_good(vault: Vault, path: Path) -> None:
    person, neighbour = uuid4(), uuid4()
    vault.ensure([person, neighbour])
    sealed, kept = vault.seal(person, b"Ma", NUMBER), vault.seal(neighbour, b"Bai", NUMBER)
    vault.destroy(person)
    vault.destroy(person)

    for attempt in (
        lambda: vault.open(person, sealed, NUMBER),
        lambda: vault.seal(person, b"Ma", NUMBER),
        lambda: vault.ensure([neighbour, person]),
        lambda: asyncio.run(vault.ensure_async(person)),
    ):
        with pytest.raises(KeyErased) as erased:
            attempt()
        assert erased.value.rule == "personal-data-erased"
    assert vault.open(neighbour, kept, NUMBER) == b"Bai"
    vault.close()
    with pytest.raises(KeyErased):
        Vault(path).open(person, sealed, NUMBER)


def test_a_person_without_a_key_can_be_erased_in_advance(vault: Vault) -> None:
    person = uuid4()
    vault.destroy(person)
    with pytest.raises(KeyErased):
        vault.ensure([person])


def test_the_bytes_of_a_destroyed_key_are_nowhere_in_the_files(vault: Vault, path: Path) -> None:
    persons = [uuid4() for _ in range(300)]
    vault.ensure(persons)
    keys = {person: wrapped_key_of(path, person) for person in persons}
    for person in persons[::3]:
        vault.destroy(person)
    everything = b"".join(file.read_bytes() for file in path.parent.glob("vault.db*"))
    assert [p for p in persons[::3] if keys[p] in everything] == []
    assert all(keys[p] in everything for p in persons[1::3])


def test_a_cache_does_not_serve_a_key_that_another_process_destroyed(vault: Vault, path: Path) -> None:
    person, neighbour = uuid4(), uuid4()
    vault.ensure([person, neighbour])
    sealed = vault.seal(person, b"Ma", NUMBER)
    script = (
        "import sys; from uuid import UUID; from pathlib import Path; from infra.vault import Vault\n"
        "vault = Vault(Path(sys.argv[1])); vault.destroy(UUID(sys.argv[2])); vault.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(path), str(person)], cwd=ROOT, check=True)

    with pytest.raises(KeyErased):
        vault.open(person, sealed, NUMBER)
    with pytest.raises(KeyErased):
        vault.ensure([person])
    assert vault.open(neighbour, vault.seal(neighbour, b"Bai", NUMBER), NUMBER) == b"Bai"


def test_two_processes_agree_on_a_new_persons_key(vault: Vault, other: Vault) -> None:
    persons = [uuid4() for _ in range(200)]

    def ensure_all(which: Vault) -> list[bytes]:
        for person in persons:
            which.ensure([person])
        return [which.seal(person, b"Ma", NUMBER) for person in persons]

    with ThreadPoolExecutor(2) as pool:
        for which, sealed in zip((other, vault), pool.map(ensure_all, (vault, other)), strict=True):
            assert all(which.open(p, s, NUMBER) == b"Ma" for p, s in zip(persons, sealed, strict=True))


def test_many_at_once_from_the_event_loop(vault: Vault) -> None:
    persons = [uuid4() for _ in range(500)]
    gone = uuid4()
    vault.destroy(gone)

    async def all_at_once() -> list[object]:
        return await asyncio.gather(*map(vault.ensure_async, [*persons, gone]), return_exceptions=True)

    outcomes = asyncio.run(all_at_once())
    assert outcomes[:-1] == [None] * 500
    assert isinstance(outcomes[-1], KeyErased)
    assert all(vault.open(p, vault.seal(p, b"x", NUMBER), NUMBER) == b"x" for p in persons)


def test_the_cache_is_bounded(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "CACHED_KEYS", 10)
    persons = [uuid4() for _ in range(50)]
    vault.ensure(persons)
    sealed = [vault.seal(person, b"x", NUMBER) for person in persons]
    assert len(vault._ciphers) == 10
    assert all(vault.open(p, s, NUMBER) == b"x" for p, s in zip(persons, sealed, strict=True))


def test_nobody_else_may_read_the_files(vault: Vault, path: Path) -> None:
    vault.ensure([uuid4()])
    files = sorted(path.parent.glob("vault.db*"))
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="the vault cannot be opened"):
        Vault(tmp_path / "nowhere" / "vault.db")


def test_a_closed_vault_says_so(vault: Vault) -> None:
    vault.close()
    with pytest.raises(StoreUnavailable):
        vault.ensure([uuid4()])
    with pytest.raises(StoreUnavailable):
        vault.seal(uuid4(), b"", NUMBER)
