"""The read models that follow the stream: by name, what feeds each of them, and how it collects."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from consumers.backoff import Backoff
from consumers.poll_loop import LoopSettings, PollLoop
from consumers.projector import ProjectionSink
from domain.errors import Transient
from infra.bootstrap import Installation
from infra.clickhouse.landing import Landing
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.sink import ReleasingSink
from infra.read_store.clock_rows import SlaClocksProjection
from infra.read_store.projection import Projection
from infra.read_store.ticket_rows import TicketStateProjection

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Follower:
    """One read model: its sink, and the batches it wants."""

    sink: Callable[[Installation], ReleasingSink]
    settings: LoopSettings


def _sql(projection: Projection) -> Callable[[Installation], ReleasingSink]:
    return lambda parts: ProjectionSink.following(parts.reads, projection, parts.event_log, TICKETS_TOPIC)


def _landing(parts: Installation) -> ReleasingSink:
    return Landing(parts.clickhouse, cluster=parts.settings.clickhouse_cluster)


LANDING = "landing"

# SQL wants to be up to date at once; ClickHouse wants few large inserts.
FOLLOWERS: Mapping[str, Follower] = {
    "ticket-state": Follower(_sql(TicketStateProjection()), LoopSettings(max_records=1000)),
    "sla-clocks": Follower(_sql(SlaClocksProjection()), LoopSettings(max_records=1000)),
    LANDING: Follower(_landing, LoopSettings(max_records=40_000, linger_seconds=1.0)),
}


def open_sink(parts: Installation, name: str) -> ReleasingSink:
    """Open a read model's sink; raises Transient when its database or the log is away."""
    return FOLLOWERS[name].sink(parts)


def follow(parts: Installation, name: str, stop: threading.Event) -> None:
    """Follow the stream into one read model until stopped. Raises Halted when it must not go on."""
    sink = _open_patiently(parts, name, stop)
    if sink is not None:
        PollLoop(
            parts.event_log,
            TICKETS_TOPIC,
            name,
            sink,
            settings=FOLLOWERS[name].settings,
            stop=stop,
            on_lag=_aside(parts, sink),
        ).run()


def _aside(parts: Installation, sink: ReleasingSink) -> Callable[[Mapping[int, int]], None] | None:
    """What analysts have to know beside the events: up to when imported cases are known."""
    if not isinstance(sink, Landing):
        return None
    return lambda _: sink.keep_origins(parts.home.known_until())


def _open_patiently(parts: Installation, name: str, stop: threading.Event) -> ReleasingSink | None:
    backoff = Backoff()
    while not stop.is_set():
        try:
            return open_sink(parts, name)
        except Transient as error:
            delay = backoff.next_seconds()
            log.warning(
                "read model waits", read_model=name, reason=str(error), retry_in_seconds=round(delay, 2)
            )
            stop.wait(delay)
    return None
