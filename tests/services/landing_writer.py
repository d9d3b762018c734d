"""A landing process for kill tests: `python -m tests.services.landing_writer URL PASSWORD PARTITIONS END`."""

import sys
import time
from collections.abc import Callable

from clickhouse_connect.driver.client import Client

from domain.errors import Transient
from infra.clickhouse.connect import connect
from infra.clickhouse.landing import Landing
from infra.event_log.sink import Step
from tests.services.landing_records import record

BATCH = 300


def land(open_client: Callable[[], Client], partitions: int, end: int) -> None:
    """Bring `end` records of every partition in, as the poll loop would."""
    landing = Landing(open_client)
    try:
        while not _through(landing, partitions, end):
            time.sleep(0.02)
    finally:
        landing.close()


def _through(landing: Landing, partitions: int, end: int) -> bool:
    try:
        positions = dict(landing.start_offsets(range(partitions)))
        while any(position < end for position in positions.values()):
            steps = {p: Step(at, min(at + BATCH, end)) for p, at in positions.items() if at < end}
            landing.apply([record(p, at) for p, step in steps.items() for at in range(*step)], steps)
            positions.update({p: step.next for p, step in steps.items()})
    except Transient:
        return False
    return True


if __name__ == "__main__":
    url, password, partitions, end = sys.argv[1:]
    land(lambda: connect(url, "writer", password), int(partitions), int(end))
