"""The report of an import: JSON lines about the rows that were not taken and about what is odd in those
that were, in the order of the file.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO

import orjson


class Kind(StrEnum):
    """What a line of the report is about."""

    REFUSED = "refused"
    """The row is not in the store."""
    ODDITY = "oddity"
    """The row is in the store, and this about it cannot be right."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: a row, and what is the matter with it."""

    row: int
    """1-based, counting data rows."""
    line: int
    """Where it begins in the file, 1-based, counting the header and line breaks within cells."""
    source_id: str | None
    reason: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file's rows: `read` = `imported` + `repeated` + `refused`."""

    read: int = 0
    imported: int = 0
    repeated: int = 0
    """Rows that were imported before, exactly as they are."""
    refused: int = 0
    odd: int = 0
    """Rows in the store now with something odd about them."""
    oddities: Mapping[str, int] = field(default_factory=dict)
    """How many rows by kind of oddity; each ticket names its own."""
    known_until: datetime | None = None
    """The file's last timestamp: what is open in it was open then. None when no row said anything."""


class Tally:
    """Counts rows as they finish, in any order, and writes findings in the order of the file."""

    def __init__(self, report: BinaryIO | None) -> None:
        self._report = report
        self._finished: dict[int, Sequence[Finding]] = {}
        self._written = 0
        self._counts: Counter[str] = Counter()
        self._odd = 0
        self._oddities: Counter[str] = Counter()
        self._known_until: datetime | None = None

    def saw(self, moment: datetime) -> None:
        """Take note that the file knows of something that happened then."""
        if self._known_until is None or moment > self._known_until:
            self._known_until = moment

    def took(self, row: int, oddities: Sequence[Finding], *, repeated: bool) -> None:
        """Count a row that is in the store now."""
        self._counts["repeated" if repeated else "imported"] += 1
        self._odd += bool(oddities)
        self._oddities.update({oddity.reason.split(":", 1)[0] for oddity in oddities})
        self._finish(row, oddities)

    def refused(self, refusal: Finding) -> None:
        """Count and report a row that is not."""
        self._counts["refused"] += 1
        self._finish(refusal.row, (refusal,))

    def result(self) -> ImportResult:
        """Give what has been counted so far."""
        return ImportResult(
            read=self._counts.total(),
            imported=self._counts["imported"],
            repeated=self._counts["repeated"],
            refused=self._counts["refused"],
            odd=self._odd,
            oddities=dict(self._oddities.most_common()),
            known_until=self._known_until,
        )

    def _finish(self, row: int, findings: Sequence[Finding]) -> None:
        """Hold back at most as many rows as are in flight."""
        self._finished[row] = findings
        while self._written + 1 in self._finished:
            self._written += 1
            for finding in self._finished.pop(self._written):
                if self._report is not None:
                    self._report.write(orjson.dumps(finding, option=orjson.OPT_APPEND_NEWLINE))
