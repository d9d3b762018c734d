"""Build the analytics anew from the log while the present ones serve, compare the two, and exchange them.

Nothing that is read changes before the exchange, which is one statement. A rebuild that was killed left its
build beside the serving one: the next one goes on with it. Writers are kept off only for the last look, for
seconds, by a fence that falls by itself.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from eventsourcing.persistence import Notification

from consumers.followers import FOLLOWERS
from consumers.poll_loop import PollLoop
from consumers.progress import Condition
from consumers.shared_landing import land_in_shares, next_landing
from domain.errors import Halted, Invalid, LiudanError, Poison
from infra.bootstrap import Installation
from infra.clickhouse.builds import Bound, begin_next, build_of, differences, drop_next, exchange, fenced
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.migrate import migrate
from infra.clickhouse.positions import Build, await_running_inserts, read_reached, write_positions
from infra.clickhouse.schema import EVENTS_TABLE, NEXT_EVENTS_TABLE
from infra.event_log.kafka_writer import partition_of
from infra.event_log.port import TICKETS_TOPIC, LogRecord
from infra.event_log.subject import subject_of
from infra.progress import Progress, Unwatched

log = structlog.get_logger(__name__)

_PAGE = 10_000
_LOOK_SECONDS = 0.1
_FENCE_SECONDS = 60
_SHOWN = 5


class Source(StrEnum):
    """Where the events are read from."""

    AUTO = "auto"
    """The log, or the event store where the log no longer has its beginning."""
    LOG = "log"
    STORE = "store"


class Different(LiudanError):
    """The new build is not what the serving one is; nothing was exchanged."""


class AnalyticsRebuild:
    """One rebuild; `run` it once, by one process at a time."""

    def __init__(
        self,
        parts: Installation,
        *,
        source: Source = Source.AUTO,
        accept_differences: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._parts = parts
        self._source = source
        self._accept = accept_differences
        self._progress = progress or Unwatched()
        self._cluster = parts.settings.clickhouse_cluster

    def run(self) -> int:
        """Build, compare and exchange; give the number of the build that serves now.

        Raises Different when the builds are not equal, Halted when an event cannot be read from the store,
        Transient while a server is away. Then, and when it is killed, the present build goes on serving.
        """
        with self._parts.store.lock("rebuild-analytics") as alone:
            if not alone:
                raise Invalid("another rebuild of the analytics is running: wait for it, or stop it")
            with closing(self._parts.clickhouse()) as client:
                try:
                    return self._run(client)
                except ClickHouseError as error:
                    raise ClickHouseUnavailable(f"ClickHouse does not answer: {error}") from error

    def _run(self, client: Client) -> int:
        migrate(client, self._cluster)
        partitions = tuple(self._parts.event_log.end_offsets(TICKETS_TOPIC))
        build = self._begun(client, partitions)
        self._land_log(partitions)
        with self._following():
            self._await_level(client, build, partitions)
            compared = _common_bound(client, build, partitions)
            self._check(client, compared)
            with fenced(client, _FENCE_SECONDS, self._cluster):
                await_running_inserts(client)
                self._await_level(client, build, partitions)
                self._check(client, _common_bound(client, build, partitions), compared)
                exchange(client, self._cluster)
        drop_next(client, self._cluster)
        log.info("analytics exchanged", build=build.number)
        return build.number

    def _begun(self, client: Client, partitions: tuple[int, ...]) -> Build:
        """Find the build that was begun where it can be gone on with, else begin one; fill it from the store.

        A row from the store says no offset: as long as nothing else says how far the log is done, it cannot
        be told how far such a build is, and it is begun anew.
        """
        build = Build(NEXT_EVENTS_TABLE, begin_next(client, self._cluster))
        if any(each.next_offset > 1 for each in read_reached(client, build, partitions).values()):
            return build
        drop_next(client, self._cluster)
        build = Build(NEXT_EVENTS_TABLE, begin_next(client, self._cluster))
        if self._wants_store():
            ends = self._parts.event_log.end_offsets(TICKETS_TOPIC)
            self._land_store(len(partitions))
            write_positions(client, build, ends)
        return build

    def _land_log(self, partitions: tuple[int, ...]) -> None:
        """Land most of the log the fast way; the poll loop does the rest, and what that way cannot do."""
        with closing(next_landing(self._parts)) as landing:
            starts = landing.start_offsets(partitions)
        ends = self._parts.event_log.end_offsets(TICKETS_TOPIC)
        self._progress.begin(sum(ends[p] - starts[p] for p in partitions), "records of the log")
        land_in_shares(self._parts.settings, partitions, self._progress.advance)

    @contextmanager
    def _following(self) -> Iterator[None]:
        """Keep the new build going with the log; raises Halted at the end when that had to stop."""
        stop = threading.Event()
        landing = next_landing(self._parts)
        settings = FOLLOWERS["landing"].settings
        self._loop = PollLoop(
            self._parts.event_log, TICKETS_TOPIC, "landing-rebuild", landing,
            settings=settings, stop=stop, letters_of="landing",
        )  # fmt: skip
        thread = threading.Thread(target=self._follow, name="landing-rebuild")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            landing.close()

    def _follow(self) -> None:
        try:
            self._loop.run()
        except Halted as error:
            log.error("the new build halted", reason=str(error))

    def _await_level(self, client: Client, build: Build, partitions: tuple[int, ...]) -> None:
        """Wait until the new build has come as far as the serving one is now."""
        serving = Build(EVENTS_TABLE, build_of(client))
        goal = read_reached(client, serving, partitions)
        total = sum(each.next_offset for each in goal.values())
        self._progress.begin(total, "records of the log")
        shown = 0
        while True:
            reached = read_reached(client, build, partitions)
            done = sum(min(reached[p].next_offset, goal[p].next_offset) for p in partitions)
            self._progress.advance(done - shown)
            shown = done
            if all(reached[p].next_offset >= goal[p].next_offset for p in partitions):
                return
            standing = self._loop.progress.standing()
            if standing.condition is Condition.HALTED:
                raise Halted(f"the new build cannot go on: {standing.problem}")
            time.sleep(_LOOK_SECONDS)

    def _check(self, client: Client, bound: Bound, done: Bound | None = None) -> None:
        beyond = done.most if done is not None and done.column == bound.column else {}
        found = differences(client, bound, beyond)
        if not found:
            return
        shown = ", ".join(f"{each.column or 'rows'} in partition {each.partition}" for each in found[:_SHOWN])
        if not self._accept:
            raise Different(
                f"the new build differs from the serving one in {shown}; if that is meant, say "
                "--accept-differences. The present build goes on serving"
            )
        log.warning("the builds differ", differences=shown, count=len(found))

    def _wants_store(self) -> bool:
        if self._source is Source.AUTO:
            return any(self._parts.event_log.first_offsets(TICKETS_TOPIC).values())
        return self._source is Source.STORE

    def _land_store(self, partitions: int) -> None:
        store, position = self._parts.store, 0
        last = store.last_position()
        landing = next_landing(self._parts)
        self._progress.begin(last, "positions of the event store")
        with closing(landing):
            landing.start_offsets(range(partitions))
            while position < last and (page := store.read(position, _PAGE)):
                try:
                    landing.apply([_as_record(each, partitions) for each in page], {})
                except Poison as error:
                    raise Halted(f"an event of the store cannot be read: {error}") from error
                self._progress.advance(page[-1].id - position)
                position = page[-1].id


def _as_record(stored: Notification, partitions: int) -> LogRecord:
    key = subject_of(stored.state)
    return LogRecord(partition_of(key, partitions), 0, key, stored.state, stored.id)


def _common_bound(client: Client, build: Build, partitions: tuple[int, ...]) -> Bound:
    """Say how far both builds are: by positions in the event store, or by offsets where the log says none."""
    serving = read_reached(client, Build(EVENTS_TABLE, build_of(client)), partitions)
    reached = read_reached(client, build, partitions)
    pairs = {p: (serving[p], reached[p]) for p in partitions}
    if any(one.newest for one, _ in pairs.values()):
        return Bound("store_position", {p: min(one.newest, two.newest) for p, (one, two) in pairs.items()})
    return Bound(
        "log_offset", {p: min(one.next_offset, two.next_offset) - 1 for p, (one, two) in pairs.items()}
    )
