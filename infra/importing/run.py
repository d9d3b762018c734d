"""Import a file of another system's cases: streaming, many at once, the same file twice without harm."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import structlog

from domain.errors import CommandReused, Invalid, Refused
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.importing.csv_rows import CsvRows, Record
from infra.importing.report import Finding, ImportResult, Kind, Tally
from infra.importing.source import Row, SourceCase, SourceFormat
from infra.in_flight import each
from infra.progress import Progress, Unwatched
from infra.tickets import Request, Tickets

log = structlog.get_logger(__name__)
_OTHER_CONTENT = "it was taken before with other content, in this file or an earlier one; nothing was changed"

Numbered = tuple[int, Record]


async def import_file(
    tickets: Tickets,
    path: Path,
    source: SourceFormat,
    *,
    report: Path | None = None,
    progress: Progress | None = None,
) -> ImportResult:
    """Import every row of a CSV file and say what became of each; `report` gets what was refused or is odd.

    Raises Invalid when this is no such file: then nothing is stored and no report is written. Raises
    Transient when the store is away; what was imported until then stays, and the next run goes on.
    """
    progress = progress or Unwatched()
    with ExitStack() as stack:
        file = stack.enter_context(_open(path))
        rows = iter(CsvRows(file))
        header = next(rows, None)
        columns = _columns(path, header, source)
        tally = Tally(stack.enter_context(_create(report)) if report else None)
        progress.begin(path.stat().st_size, "bytes")
        importer = _Importer(tickets, source, columns, tally, progress)
        await each(_numbered(rows), importer.take)
        progress.advance(header.size_bytes if header else 0)
        result = tally.result()
    log.info(
        "import_done",
        origin=source.origin,
        read=result.read,
        imported=result.imported,
        repeated=result.repeated,
        refused=result.refused,
        odd=result.odd,
    )
    return result


class _Importer:
    def __init__(
        self,
        tickets: Tickets,
        source: SourceFormat,
        columns: Sequence[str],
        tally: Tally,
        progress: Progress,
    ) -> None:
        self._tickets, self._source, self._columns = tickets, source, columns
        self._tally, self._progress = tally, progress
        self._actor = Actor(f"import:{source.origin}", Role.SYSTEM)
        self._under_way: dict[str, asyncio.Event] = {}

    async def take(self, numbered: Numbered) -> None:
        """Import one record or report why not; raises only what is not the row's fault."""
        row, record = numbered
        source_id: str | None = None

        def finding(kind: Kind, reason: str) -> Finding:
            return Finding(row, record.line, source_id, reason, kind)

        try:
            cells = self._cells(record)
            source_id = cells[self._source.id_column] or None
            case = self._source.case(cells)
            self._tally.saw(case.known_until)
            repeated = await self._import(case)
            oddities = [finding(Kind.ODDITY, oddity) for oddity in case.command.oddities]
            self._tally.took(row, oddities, repeated=repeated)
        except CommandReused:
            self._tally.refused(finding(Kind.REFUSED, _OTHER_CONTENT))
        except Refused as refused:
            self._tally.refused(finding(Kind.REFUSED, str(refused)))
        self._progress.advance(record.size_bytes)

    def _cells(self, record: Record) -> Row:
        if record.problem is not None:
            raise Invalid(record.problem)
        if len(record.cells) != len(self._columns):
            raise Invalid(f"it has {len(record.cells)} cells, the header has {len(self._columns)}")
        cells: dict[str, str] = {}
        for column, cell in zip(self._columns, record.cells, strict=True):
            cells.setdefault(column, cell.strip())
        return cells

    async def _import(self, case: SourceCase) -> bool:
        """Take a case and say whether it was there before.

        Rows about the same case wait for each other, so that the first of them is the one taken.
        """
        source_id = case.command.source_id
        while (earlier := self._under_way.get(source_id)) is not None:
            await earlier.wait()
        done = self._under_way[source_id] = asyncio.Event()
        try:
            answer = await self._tickets.handle(
                Request(
                    command=case.command, actor=self._actor, command_id=case.command_id, number=case.number
                )
            )
        finally:
            del self._under_way[source_id]
            done.set()
        return answer.repeated


def _numbered(rows: Iterator[Record]) -> Iterator[Numbered]:
    return enumerate(rows, start=1)


def _columns(path: Path, header: Record | None, source: SourceFormat) -> Sequence[str]:
    """Check the header before anything is stored; further and repeated columns do no harm."""
    if header is None:
        raise Invalid(f"{path} is empty; it needs a header and rows", field="file")
    if header.problem is not None:
        raise Invalid(f"{path} is not a CSV file in UTF-8: its header is {header.problem}", field="file")
    columns = [" ".join(name.lower().replace("_", " ").split()) for name in header.cells]
    groups = (*((name,) for name in source.required), *source.one_of)
    missing = [group for group in groups if not any(name in columns for name in group)]
    if missing:
        named = ", ".join(" or ".join(f"“{name.title()}”" for name in group) for group in missing)
        raise Invalid(f"{path} is not a {source.origin} file: it lacks the column {named}", field="file")
    return columns


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", field="file") from error


def _create(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise Invalid(f"cannot write the report {path}: {error.strerror}", field="report") from error
