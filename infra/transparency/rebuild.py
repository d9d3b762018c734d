"""Builds large stretches of a tree in several processes: 65,536 leaves each, which is one hash of level 2.

A process reads its leaves from the event store, writes their bundles and tiles and makes them durable. What
is left for the writer is to put the stretch's root into the tree, in order.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from domain.errors import Transient
from infra.event_store.port import EventStore
from infra.garbage import calm_garbage_collection
from infra.transparency.durable_files import DurableFiles
from infra.transparency.log_folder import LogFolder
from infra.transparency.position_runs import PositionRuns
from infra.transparency.tiles import WIDTH
from infra.transparency.tree_edge import STRETCH, TreeEdge

OpenStore = Callable[[], EventStore]
"""Opens the event store once more, in another process."""
_PAGE = 4096


class Stretch(NamedTuple):
    """Leaves that are in place."""

    root: bytes
    runs: Sequence[range]
    """Their positions in the event store."""


def stretches(
    folder: Path, number: int, after: int, store: EventStore, open_store: OpenStore, processes: int
) -> Iterator[Stretch]:
    """Build stretch after stretch, from `number` on, as far as the store has whole ones.

    `after` is the position of the last leaf before it. Raises Transient, OSError.
    """
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([__name__, "infra.event_store.open"])
    with ProcessPoolExecutor(processes, forking, calm_garbage_collection) as pool:
        under_way: list[Future[Stretch]] = []
        last: int | None = after
        while last is not None or under_way:
            while last is not None and len(under_way) < processes + 1:
                start, last = last, store.position_behind(last, STRETCH)
                if last is not None:
                    under_way.append(pool.submit(_build, folder, number, start, open_store))
                    number += 1
            if under_way:
                yield under_way.pop(0).result()


def _build(folder: Path, number: int, after: int, open_store: OpenStore) -> Stretch:
    edge, runs, files, log = TreeEdge(), PositionRuns(), DurableFiles(), LogFolder(folder)
    with closing(open_store()) as store, closing(files):
        while edge.size < STRETCH:
            leaves = store.leaves(after, min(_PAGE, STRETCH - edge.size))
            if not leaves:
                raise Transient("the event store has fewer events than it had a moment ago")
            for tile, content in edge.extend([entry for _, entry in leaves]):
                shift = number if tile.level > 0 else number * WIDTH
                files.write(log.path(tile._replace(number=tile.number + shift)), content)
            runs.extend([position for position, _ in leaves])
            after = leaves[-1][0]
        files.make_durable()
    return Stretch(edge.root(), runs.ranges())
