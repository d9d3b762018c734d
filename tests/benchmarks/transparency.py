"""The transparency log: following the store, rebuilding the tree, proving, and verifying everything."""

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path

from consumers.catch_up import catch_up
from consumers.transparency.keep import KeeperSettings, LogKeeper
from infra.bootstrap import Installation
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.read_store.clock_rows import SlaClocksProjection
from infra.read_store.ticket_rows import TicketStateProjection
from infra.settings import EMBEDDED, Settings
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_reader import LogReader
from infra.transparency.log_writer import LogWriter
from infra.transparency.merkle import leaf_hash, root_by_inclusion
from infra.transparency.signed_note import Signer
from infra.verification.verdict import Part
from infra.verification.verify import verify
from tests.benchmarks.histories import fill_with_copies
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides, percentile
from tests.benchmarks.orders import EVENTS_A_JOURNEY
from tests.benchmarks.profiled import profiled

_SECOND = 1.0
_PROOFS = 500
_BATCH = 4096
_SELECT = "SELECT position, state FROM events WHERE position > ? ORDER BY position LIMIT ?"
_VERIFIED = (Part.LOG, Part.STORE, Part.TICKET_STATE, Part.SLA_CLOCKS)


@contextmanager
def _filled(place: Place, events: int) -> Iterator[Installation]:
    with Installation(Settings(home=place.folder, kafka=EMBEDDED)) as parts:
        fill_with_copies(parts.store, 0, events // EVENTS_A_JOURNEY + 1)
        yield parts


class _Logs:
    """A new log for every run; an old one is not cleared away during the next."""

    def __init__(self, place: Place, parts: Installation) -> None:
        self._folder, self._parts, self._serials = place.folder, parts, count()

    @contextmanager
    def fresh(self) -> Iterator[LogKeeper]:
        folder = self._folder / f"log-{next(self._serials)}"
        signer = Signer(f"bench/{folder.name}", os.urandom(32))  # it also names the store's bookmark
        settings = KeeperSettings(publish_seconds=_SECOND)
        reopen = partial(open_event_store, self._parts.settings.event_store_url)
        yield LogKeeper(self._parts.store, LogFolder(folder), signer, settings=settings, open_store=reopen)
        shutil.rmtree(folder)


class LogFollowing:
    """Events a second from a SQLite event store into the transparency log, a durable checkpoint a second.

    Ours: the log's keeper, from an empty log to the last checkpoint: reading, hashing leaves and nodes,
    tiles, bundles, signing, fsync. Theirs: the same events read from the same store by the same statement on
    an open sqlite3 connection, SHA-256 of each, and the event appended to one file, with an fsync a second.
    """

    name = "log-following"
    unit = "events/s"
    against = "bare SHA-256 and file append of the store's rows"
    limit = Limit(Direction.AT_LEAST, 0.5)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Fill a store."""
        with _filled(place, place.pick(150_000, 40_000)) as parts:
            logs, events = _Logs(place, parts), parts.store.count()

            def ours() -> Figure:
                with logs.fresh() as keeper:
                    return profiled(place.profile, lambda: _follow(keeper, parts.store, events))

            with closing(sqlite3.connect(place.folder / "events.db")) as bare:
                ours()
                yield Sides(ours, lambda: _append(bare, place.folder / "appended"))


def _follow(keeper: LogKeeper, store: EventStore, events: int) -> Figure:
    """Follow until everything is under a checkpoint, as the process does."""
    last = store.last_position()
    began = time.perf_counter()
    advance = keeper.progress.advance

    def until_the_last(applied: int, parked: int, positions: dict[int, int]) -> None:
        advance(applied, parked, positions)
        if positions[0] >= last:
            keeper.stop.set()

    keeper.progress.advance = until_the_last  # type: ignore[method-assign,assignment] # it ends the run
    keeper.run()
    return Figure(events / (time.perf_counter() - began))


def _append(store: sqlite3.Connection, file: Path) -> Figure:
    events = position = 0
    began = flushed = time.perf_counter()
    with file.open("wb") as out:
        while leaves := store.execute(_SELECT, (position, _BATCH)).fetchall():
            for _, leaf in leaves:
                sha256(leaf).digest()
                out.write(leaf)
            events, position = events + len(leaves), leaves[-1][0]
            if time.perf_counter() - flushed > _SECOND:
                out.flush()
                os.fsync(out.fileno())
                flushed = time.perf_counter()
        out.flush()
        os.fsync(out.fileno())
    seconds = time.perf_counter() - began
    file.unlink()
    return Figure(events / seconds)


class LogRebuild:
    """Leaves a second when the whole tree is built anew from a SQLite event store, in several processes,
    from an empty folder to the durable checkpoint.
    """

    name = "log-rebuild"
    unit = "leaves/s"
    against = ""
    limit = Limit(Direction.AT_LEAST, 150_000)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Fill a store."""
        with _filled(place, place.pick(2_000_000, 50_000)) as parts:
            logs = _Logs(place, parts)

            def ours() -> Figure:
                with logs.fresh() as keeper:
                    return profiled(place.profile, lambda: _rebuild(keeper))

            ours()
            yield Sides(ours)


def _rebuild(keeper: LogKeeper) -> Figure:
    began = time.perf_counter()
    size = keeper.catch_up().size
    return Figure(size / (time.perf_counter() - began))


class InclusionProof:
    """Milliseconds to prove one random entry of a log of 1,000,000 (--quick: 100,000), read from its tiles.

    `cold` has no tile in memory yet; `p99` is of all.
    """

    name = "inclusion-proof"
    unit = "ms"
    against = ""
    limit = Limit(Direction.AT_MOST, 5)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Write a log of small entries."""
        size = place.pick(1_000_000, 100_000)
        folder = place.folder / "log"
        with LogWriter(LogFolder(folder), Signer("bench", bytes(32))) as writer:
            for start in range(0, size, _BATCH):
                writer.append([(n + 1, b"entry %d" % n) for n in range(start, min(size, start + _BATCH))])
            root = writer.publish().root
        yield Sides(lambda: profiled(place.profile, lambda: _prove(folder, size, root)))


def _prove(folder: Path, size: int, root: bytes) -> Figure:
    log = LogReader(LogFolder(folder))
    taken: list[float] = []
    for leaf in random.Random(6962).choices(range(size), k=_PROOFS):
        began = time.perf_counter()
        proof = log.inclusion(leaf, size)
        taken.append((time.perf_counter() - began) * 1000)
        assert root_by_inclusion(leaf_hash(b"entry %d" % leaf), leaf, size, proof) == root
    return Figure(percentile(taken, 0.5), (("p99", percentile(taken, 0.99)), ("cold", taken[0])))


class AuditVerify:
    """Events a second that `audit verify` compares: log, event store, ticket state and SLA clocks (SQLite).

    Every event is hashed up to the signed root, compared byte for byte with the store, and folded into the
    rows of both read models, which are compared column by column.
    """

    name = "audit-verify"
    unit = "events/s"
    against = ""
    limit = Limit(Direction.AT_LEAST, 30_000)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Fill a store and everything that is derived from it."""
        with ExitStack() as stack:
            parts = stack.enter_context(_filled(place, place.pick(150_000, 20_000)))
            LogKeeper(parts.store, parts.transparency_log.folder, parts.log_signer).catch_up()
            for projection in (TicketStateProjection(), SlaClocksProjection()):
                catch_up(parts, projection)
            yield Sides(lambda: profiled(place.profile, lambda: _verify(parts)))


def _verify(parts: Installation) -> Figure:
    began = time.perf_counter()
    verdict = verify(parts, only=_VERIFIED, processes=os.cpu_count() or 1)
    seconds = time.perf_counter() - began
    assert verdict.equal, verdict.differences
    assert not verdict.skipped, verdict.skipped
    return Figure(verdict.size / seconds)
