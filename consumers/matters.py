"""Keeps the matters 件次 in ClickHouse up to date with the events that land there, beside the followers."""

import threading
from contextlib import closing

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from consumers.backoff import Backoff
from domain.errors import Transient
from infra.bootstrap import Installation
from infra.clickhouse.indicators.matter_tables import refresh
from infra.clickhouse.migrate import migrate

LOCK = "matters"
"""The event store's lock that whoever brings the matters up to date holds."""
_EVERY_SECONDS = 1.0

log = structlog.get_logger(__name__)


def keep_matters(parts: Installation, stop: threading.Event) -> None:
    """Look every second until stopped; begins again with a new connection after an error."""
    backoff = Backoff()
    while not stop.is_set():
        try:
            with closing(parts.clickhouse()) as client:
                migrate(client, parts.settings.clickhouse_cluster)
                while not stop.wait(_EVERY_SECONDS):
                    refresh_alone(parts, client)
                    backoff.reset()
        except (Transient, ClickHouseError) as error:
            delay = backoff.next_seconds()
            log.warning("matters wait", reason=str(error), retry_in_seconds=round(delay, 2))
            stop.wait(delay)


def refresh_alone(parts: Installation, client: Client) -> None:
    """Bring the matters up to date, unless somebody is at it already. Raises Transient, ClickHouseError."""
    with parts.store.lock(LOCK) as is_mine:
        if is_mine:
            refresh(client)
