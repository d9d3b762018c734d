"""`audit verify`: compares everything that was derived from the events with the transparency log."""

import multiprocessing
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from queue import Empty, Queue
from typing import NamedTuple

from infra.bootstrap import Installation
from infra.garbage import calm_garbage_collection
from infra.progress import Progress, Unwatched
from infra.settings import LogKind, Settings
from infra.transparency.signed_note import VerifierKey
from infra.verification.comparisons import Comparisons, Findings, Task
from infra.verification.read_models import MODELS
from infra.verification.snapshot import ALL, Share
from infra.verification.verdict import Part, Verdict

PATIENCE_SECONDS = 30.0
"""How long a read model may take to catch up with the log before it counts as not comparable."""
EVERYTHING = tuple(Part)
WORTH_PROCESSES = 10_000
"""So many events are compared sooner in several processes than in one."""
_LOOK_SECONDS = 0.1
_TOLD_EVENTS = 5000


def verify(
    parts: Installation,
    *,
    only: Collection[Part] = EVERYTHING,
    since: int = 0,
    key: VerifierKey | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
    processes: int = 1,
    progress: Progress | None = None,
) -> Verdict:
    """Compare the parts of an installation with its log, from after a position of the event store on.

    Memory stays the same however many events there are. `key` is the log's, by default the installation's
    own. More than one process opens the installation's settings anew. Raises Transient when there is no log
    yet, or the event store is away.
    """
    watched = progress or Unwatched()
    head = parts.transparency_log.head()
    task = Task(head, key or parts.log_signer.verifier, since, patience_seconds)
    wanted = [part for part in EVERYTHING if part in only and _is_there(parts, part)]
    comparisons = Comparisons(parts, task, watched)
    watched.begin(comparisons.events * len(wanted), "events")
    found = Findings()
    if processes > 1 and comparisons.events >= WORTH_PROCESSES:
        # From a later entry on, a ticket may have events in every share: then there is but one.
        jobs = _jobs(wanted, 1 if comparisons.starts_late else processes)
        for each in _side_by_side(parts.settings, task, jobs, processes, watched):
            found.add(each)
    else:
        found = comparisons.make(wanted)
    _mistrust(found)
    differences = sorted(found.differences, key=lambda difference: EVERYTHING.index(difference.part))
    compared = _without_the_different(found)
    return Verdict(head.checkpoint.size, head.checkpoint.root, compared, tuple(differences), found.skipped)


class _Job(NamedTuple):
    """What one process compares."""

    parts: Sequence[Part]
    share: Share = ALL


def _jobs(wanted: Sequence[Part], count: int) -> list[_Job]:
    """Cut the work into jobs, the longest first: folding the read models is most of it."""
    models = [part for part in wanted if part in MODELS]
    shares = [_Job(models, Share(number, count)) for number in range(count)] if models else []
    return shares + [_Job([part]) for part in wanted if part not in MODELS]


def _is_there(parts: Installation, part: Part) -> bool:
    """The embedded log is the event store itself: nothing to compare."""
    return part is not Part.KAFKA or parts.log_kind is LogKind.KAFKA


def _mistrust(found: Findings) -> None:
    """Say nothing about read models whose events are themselves not those of the log."""
    if not any(difference.part in (Part.LOG, Part.STORE) for difference in found.differences):
        return
    judged = {*found.compared, *(difference.part for difference in found.differences)} & MODELS.keys()
    for part in judged:
        found.compared.pop(part, None)
        found.skipped[part] = "the events that it is to be compared with are not those of the log"
    found.differences[:] = [each for each in found.differences if each.part not in judged]


def _without_the_different(found: Findings) -> dict[Part, int]:
    different = {difference.part for difference in found.differences}
    return {part: count for part, count in found.compared.items() if part not in different}


def _side_by_side(
    settings: Settings, task: Task, jobs: Sequence[_Job], processes: int, progress: Progress
) -> list[Findings]:
    # A clean process imports everything once and forks for every job: no driver's connection is shared, and
    # no job keeps the caches of the one before.
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([__name__])
    workers = ProcessPoolExecutor(processes, mp_context=forking, max_tasks_per_child=1)
    with forking.Manager() as manager, workers as pool:
        told: Queue[int] = manager.Queue()
        running = [pool.submit(_compare, settings, task, job, told) for job in jobs]
        while not all(map(Future.done, running)):
            _pass_on(told, progress)
            time.sleep(_LOOK_SECONDS)
        _pass_on(told, progress)
        return [each.result() for each in running]


def _pass_on(told: "Queue[int]", progress: Progress) -> None:
    with suppress(Empty):
        while True:
            progress.advance(told.get_nowait())


class _Told:
    """Tells the first process how far this one is, not too often."""

    def __init__(self, told: "Queue[int]") -> None:
        self._told, self._untold = told, 0

    def begin(self, total: int, unit: str) -> None:
        """The first process knows."""

    def advance(self, amount: int) -> None:
        """Count, and tell now and then."""
        self._untold += amount
        if self._untold >= _TOLD_EVENTS:
            self.flush()

    def flush(self) -> None:
        """Tell what was not told."""
        self._told.put(self._untold)
        self._untold = 0


def _compare(settings: Settings, task: Task, job: _Job, told: "Queue[int]") -> Findings:
    calm_garbage_collection()
    progress = _Told(told)
    with Installation(settings) as parts:
        found = Comparisons(parts, task, progress).make(job.parts, job.share)
    progress.flush()
    return found
