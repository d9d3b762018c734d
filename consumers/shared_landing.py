"""Land what the log has by now in several processes, each with a share of the partitions.

Reading Kafka and reading JSON both keep an interpreter busy: in one process they wait for each other.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from multiprocessing.connection import Connection, wait

from consumers.bulk_landing import ROWS_AN_INSERT, land_history
from infra.bootstrap import Installation
from infra.clickhouse.landing import Landing
from infra.clickhouse.schema import NEXT_EVENTS_TABLE
from infra.die_with_parent import PR_SET_PDEATHSIG
from infra.garbage import calm_garbage_collection
from infra.settings import Settings

_MOST_PROCESSES = 4
_OBJECTS = 1_000_000
"""More than two batches of records have: they are walked seldom, although there are always two."""


def next_landing(parts: Installation) -> Landing:
    """Give the landing into the build that grows beside the serving one."""
    return Landing(
        parts.clickhouse,
        table=NEXT_EVENTS_TABLE,
        cluster=parts.settings.clickhouse_cluster,
        insert_rows=ROWS_AN_INSERT,
    )


def land_in_shares(settings: Settings, partitions: Sequence[int], told: Callable[[int], None]) -> None:
    """Do as `land_history` does, into the next build; `told` hears how many records at a time.

    A process that ends early, however that is, leaves the rest of its share to the poll loop. The processes
    end with this one, so that none of them writes beside the rebuild that goes on after it.
    """
    count = min(os.cpu_count() or 1, len(partitions), _MOST_PROCESSES)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    reports: list[Connection] = []
    processes = []
    for n in range(count):
        mine, its = context.Pipe(duplex=False)
        process = context.Process(target=_land_share, args=(settings, partitions[n::count], its), daemon=True)
        process.start()
        its.close()
        reports.append(mine)
        processes.append(process)
    try:
        _listen(reports, told)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _listen(reports: list[Connection], told: Callable[[int], None]) -> None:
    while reports:
        for report in wait(reports):
            assert isinstance(report, Connection)  # noqa: S101 - narrows what `wait` says
            try:
                told(report.recv())
            except EOFError:
                reports.remove(report)


def _land_share(settings: Settings, partitions: Sequence[int], report: Connection) -> None:
    _end_with_the_fork_server()
    calm_garbage_collection(_OBJECTS)
    with Installation(settings) as parts, closing(next_landing(parts)) as landing:
        land_history(parts.event_log, landing, partitions, report.send)


def _end_with_the_fork_server() -> None:
    """It ends when the process that asked for it does; the kernel then ends this one."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
