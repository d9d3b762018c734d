"""Import a file into an installation, and remember up to when its cases are known."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from domain.errors import Invalid
from infra.bootstrap import Installation
from infra.importing.local_time import local_moment
from infra.importing.report import ImportResult
from infra.importing.run import import_file
from infra.importing.source import SourceFormat
from infra.progress_bar import progress_bar


async def import_into(
    parts: Installation,
    file: Path,
    source: SourceFormat,
    *,
    report: Path | None = None,
    as_of: datetime | None = None,
) -> ImportResult:
    """Import a file and show progress; see `import_file`. Gives the moment that is remembered now.

    `as_of` sets it. Without it, it is the file's last timestamp, unless another file of the same origin was
    written later: what was open then has not become unknown.
    """
    with progress_bar(f"importing {file.name}") as progress:
        result = await import_file(parts.tickets, file, source, report=report, progress=progress)
    moment = as_of or result.known_until
    if moment is None:
        return result
    known = parts.home.remember_known_until(source.origin, moment, exactly=as_of is not None)
    return replace(result, known_until=known)


def read_as_of(text: str, source: SourceFormat) -> datetime:
    """Read a moment as the source would write it, or with an offset; raises Invalid."""
    try:
        return local_moment(text, source.zone, lambda _: None)
    except Invalid as error:
        raise Invalid(f"--as-of {error}", field="as_of") from error
