"""What `liudan up` brings in: a file of real cases, and a simulated day. Both only once."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from consumers.supervisor.signals import StopRequest
from infra.bootstrap import Installation
from infra.importing.formats import format_named
from infra.importing.into_home import import_into
from infra.past_time import deadlines_unwatched
from infra.progress_bar import progress_bar
from infra.simulation.run import simulate
from infra.tickets import utc_now

SEED = 2026


@dataclass(frozen=True, slots=True)
class Brought:
    """How many rows of the file are in the store, and how many were refused."""

    imported: int = 0
    refused: int = 0


def bring_in(parts: Installation, sample: Path | None, count: int, stop: StopRequest) -> Brought:
    """Import the file and simulate the day; what is there already is not done again. Raises Stopped."""
    brought = Brought()
    if sample is not None:
        report = parts.home.folder / "import-report.jsonl"
        result = stop.run(import_into(parts, sample, format_named("nyc311"), report=report))
        brought = Brought(result.imported + result.repeated, result.refused)
    if count:
        unwatched = deadlines_unwatched(parts.store, stop.sleep)
        with unwatched, progress_bar("simulating a day in Linxia") as progress:
            until = _day_ends_at(parts, count)
            stop.run(simulate(parts.tickets, seed=SEED, count=count, until=until, progress=progress))
    return brought


def _day_ends_at(parts: Installation, count: int) -> datetime:
    """The same day when it is asked for again, so that it is the same day's tickets."""
    return parts.home.remembered_moment(f"simulation-{SEED}-{count}", utc_now())
