"""A progress bar on a terminal's standard error; silent where nobody watches."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infra.progress import Progress as ProgressPort


class _Bar:
    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=None, unit="")

    def begin(self, total: int, unit: str) -> None:
        """Show how much there is to do."""
        self._progress.update(self._task, total=total, unit=unit)

    def advance(self, amount: int) -> None:
        """Show that some of it is done."""
        self._progress.advance(self._task, amount)


@contextmanager
def progress_bar(label: str) -> Iterator[ProgressPort]:
    """Show a bar while the block runs."""
    unit = TextColumn("{task.fields[unit]}")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        unit,
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        yield _Bar(progress, label)
