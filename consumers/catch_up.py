"""Bring the SQL read models up to date straight from the event store, where no projector is running.

Positions in the store's own log are kept apart from Kafka's, and what a read model has seen it drops, so that
it does no harm when the projector comes back.
"""

import threading
from collections.abc import Mapping

from consumers.poll_loop import LoopSettings, PollLoop
from consumers.projector import ProjectionSink
from infra.bootstrap import Installation
from infra.event_log.embedded import EmbeddedEventLog
from infra.event_log.port import TICKETS_TOPIC
from infra.read_store.projection import Projection

_SETTINGS = LoopSettings(max_records=2000, poll_seconds=0.01, report_seconds=0.0)


def catch_up(parts: Installation, projection: Projection) -> None:
    """Apply everything that the store holds; at once back where a supervisor is running."""
    if parts.home.is_up or parts.store.last_position() == 0:
        return
    stop = threading.Event()

    def stop_at_the_end(lag: Mapping[int, int]) -> None:
        if lag and not any(lag.values()):
            stop.set()

    log = EmbeddedEventLog(parts.store, parts.home.folder)
    sink = ProjectionSink.following(parts.reads, projection, log, TICKETS_TOPIC)
    try:
        PollLoop(
            log, TICKETS_TOPIC, projection.name, sink, settings=_SETTINGS, stop=stop, on_lag=stop_at_the_end
        ).run()
    finally:
        log.close()
