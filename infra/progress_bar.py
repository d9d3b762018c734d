"""A progress bar on a terminal's standard error; silent where nobody watches."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infra.progress import Progress as ProgressPort


class _Bar:
    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=None)

    def begin(self, total: int | None) -> None:
        """Say how much there is to do, None when that is not known."""
        self._progress.update(self._task, total=total)

    def advance(self, count: int = 1) -> None:
        """Some of it is done."""
        self._progress.advance(self._task, count)


@contextmanager
def progress_bar(label: str) -> Iterator[ProgressPort]:
    """Show a bar while the block runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        yield _Bar(progress, label)
