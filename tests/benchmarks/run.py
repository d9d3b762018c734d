"""Run measures: both sides in turns, garbage collected alike, a folder of its own for each."""

import gc
import shutil
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from infra.garbage import calm_garbage_collection
from tests.benchmarks.measure import Figure, Measure, Place, Result, Run, Unavailable

Told = Callable[[str], None]


def run_all(
    measures: Sequence[Measure], scratch: Path, *, quick: bool, repeat: int, profiles: Path | None, tell: Told
) -> list[Result]:
    """Run the measures one after the other; one that cannot be made here, or fails, says why."""
    calm_garbage_collection()  # as every process of ours has it; both sides gain
    return [_run_one(measure, scratch, quick, repeat, profiles, tell) for measure in measures]


def _run_one(
    measure: Measure, scratch: Path, quick: bool, repeat: int, profiles: Path | None, tell: Told
) -> Result:
    folder = scratch / measure.name
    folder.mkdir(parents=True)
    profile = profiles / f"{measure.name}.pstats" if profiles else None
    result = Result(measure.name, measure.unit, measure.against, measure.limit)
    tell(f"{measure.name}: preparing")
    try:
        with measure.open(Place(folder, quick, profile)) as sides:
            ours, theirs = in_turns(
                sides.ours, sides.theirs, repeat, lambda text: tell(f"{measure.name}: {text}")
            )
    except Unavailable as missing:
        return replace(result, skipped=str(missing))
    except Exception as error:  # noqa: BLE001 - the other measures are worth as much without it
        traceback.print_exc()
        return replace(result, skipped=f"{type(error).__name__}: {error}", failed=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return replace(result, ours=tuple(ours), theirs=tuple(theirs))


def in_turns(ours: Run, theirs: Run | None, repeat: int, tell: Told) -> tuple[list[Figure], list[Figure]]:
    """Run A B A B …, and tell how far it is."""
    mine: list[Figure] = []
    others: list[Figure] = []
    for turn in range(1, repeat + 1):
        tell(f"ours {turn}/{repeat}")
        mine.append(_once(ours))
        if theirs is not None:
            tell(f"theirs {turn}/{repeat}")
            others.append(_once(theirs))
    return mine, others


def _once(run: Run) -> Figure:
    gc.collect()
    return run()
