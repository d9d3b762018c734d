"""The report of an import: one JSON line for every row that was not taken, in the order of the file."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that could not be taken, and why."""

    row: int
    """1-based, counting data rows."""
    line: int
    """Where it begins in the file, 1-based, counting the header and line breaks within cells."""
    source_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file's rows: `read` = `imported` + `repeated` + `refused`."""

    read: int = 0
    imported: int = 0
    repeated: int = 0
    """Rows that were imported before, exactly as they are."""
    refused: int = 0
    oddities: Mapping[str, int] = field(default_factory=dict)
    """How many of the rows in the store now have something odd, by kind; each ticket names its own."""


class Tally:
    """Counts rows as they finish, in any order, and writes refusals in the order of the file."""

    def __init__(self, report: BinaryIO | None) -> None:
        self._report = report
        self._finished: dict[int, Refusal | None] = {}
        self._written = 0
        self._counts: Counter[str] = Counter()
        self._oddities: Counter[str] = Counter()

    def took(self, row: int, oddities: tuple[str, ...], *, repeated: bool) -> None:
        """Count a row that is in the store now."""
        self._counts["repeated" if repeated else "imported"] += 1
        self._oddities.update({oddity.split(":", 1)[0] for oddity in oddities})
        self._finish(row, None)

    def refused(self, refusal: Refusal) -> None:
        """Count and report a row that is not."""
        self._counts["refused"] += 1
        self._finish(refusal.row, refusal)

    def result(self) -> ImportResult:
        """Give what has been counted so far."""
        return ImportResult(
            read=self._counts.total(),
            imported=self._counts["imported"],
            repeated=self._counts["repeated"],
            refused=self._counts["refused"],
            oddities=dict(self._oddities.most_common()),
        )

    def _finish(self, row: int, refusal: Refusal | None) -> None:
        """Hold back at most as many rows as are in flight."""
        self._finished[row] = refusal
        while self._written + 1 in self._finished:
            self._written += 1
            ready = self._finished.pop(self._written)
            if ready is not None and self._report is not None:
                self._report.write(orjson.dumps(ready, option=orjson.OPT_APPEND_NEWLINE))
