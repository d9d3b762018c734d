"""kill -9 of the transparency log's writer: no checkpoint ever shrinks or contradicts an earlier one."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from consumers.transparency.keep import LogKeeper
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_key import open_log_key
from infra.transparency.log_reader import LogReader
from infra.transparency.merkle import is_consistent
from infra.transparency.signed_note import SignedNote, VerifierKey
from tests.services.eventually import eventually
from tests.services.go_tools import size_by_fsck
from tests.services.sample_events import number, stored

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("LIUDAN_KILLS", "8"))


def check_history(folder: LogFolder, key: VerifierKey, seen: list[bytes], store: EventStore) -> None:
    """Every checkpoint that was seen is the beginning of the next, and the last tree is the store's."""
    log = LogReader(folder)
    heads = [Checkpoint.opened(SignedNote.parse(raw), key) for raw in dict.fromkeys(seen)]
    for older, newer in pairwise(heads):
        proof = log.consistency(older.size, newer.size)
        assert is_consistent(older.size, newer.size, older.root, newer.root, proof), (older, newer)
    size = heads[-1].size
    entries: list[bytes] = []
    while len(entries) < size:
        entries += log.entries(len(entries), size)
    assert entries == [event for _, event in store.leaves(0, size)]
    assert log.root(size) == heads[-1].root


@pytest.mark.go
def test_dying_at_every_touch_of_the_disk_publishes_nothing_that_it_takes_back(tmp_path: Path) -> None:
    """Half a tile, between tiles and checkpoint, between a checkpoint's draft and its place: everywhere."""
    url, folder, key_file = f"sqlite:///{tmp_path}/events.db", tmp_path / "log", tmp_path / "key"
    key = open_log_key(key_file).verifier
    deaths = 30
    program = [sys.executable, "-m", "tests.services.dying_log"]
    command = [*program, url, str(folder), str(key_file), "1", str(deaths + 1)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    ends = [line.split() for line in ran.stdout.splitlines()]
    assert len(ends) == 2 * deaths
    killed = sum(code == str(signal.SIGKILL.value) for code, _ in ends)
    assert killed > deaths // 2, "it has hardly been killed"
    seen = [bytes.fromhex(raw) for _, raw in ends if raw != "-"]
    assert len(set(seen)) > deaths
    with closing(open_event_store(url)) as store:
        LogKeeper(store, LogFolder(folder), open_log_key(key_file)).catch_up()
        seen.append((folder / "checkpoint").read_bytes())
        check_history(LogFolder(folder), key, seen, store)
        assert size_by_fsck(folder, str(key)) == store.count()


@pytest.mark.crash
def test_the_process_is_killed_while_events_come_in(tmp_path: Path) -> None:
    """An observer keeps every checkpoint that it ever saw."""
    store = open_event_store(f"sqlite:///{tmp_path}/events.db")
    folder = LogFolder(tmp_path / "transparency")
    seen: list[bytes] = []
    stop = threading.Event()

    def observe() -> None:
        while not stop.wait(0.003):
            if folder.checkpoint.exists() and (raw := folder.checkpoint.read_bytes()) not in seen[-1:]:
                seen.append(raw)

    def write() -> None:
        for n in range(1_000_000):
            if stop.wait(0.01):
                return
            store.append([stored(number(n), version) for version in range(1, random.randint(2, 60))])

    threads = [threading.Thread(target=each) for each in (observe, write)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(KILLS):
            known = len(seen)
            process = _start(tmp_path)
            eventually(lambda known=known: len(seen) > known)  # type: ignore[misc] # mypy cannot infer it
            time.sleep(random.uniform(0, 1.2))
            process.kill()
            process.wait()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    signer = open_log_key(tmp_path / "transparency.key")
    LogKeeper(store, folder, signer).catch_up()
    seen.append(folder.checkpoint.read_bytes())
    check_history(folder, signer.verifier, seen, store)
    store.close()


def _start(home: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-m", "infra.cli", "transparency", "--home", str(home)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
