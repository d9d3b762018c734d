"""A CSV file as records, one at a time, whatever state it is in.

A quote that is never closed swallows what follows it. Here it costs its own line only: the lines that a
broken record took with it are read again as records of their own.
"""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its cells, or the reason why it has none."""

    line: int
    """Where it begins, 1-based, counting the header."""
    size_bytes: int
    cells: tuple[str, ...] = ()
    problem: str | None = None


class CsvRows:
    """Iterates the records of a binary file; blank lines are passed over, nothing else is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: deque[bytes] = deque()
        self._taken: list[bytes] = []
        self._line = 0
        self._undecodable: int | None = None

    def __iter__(self) -> Iterator[Record]:
        while (record := self._next()) is not None:
            if record.cells or record.problem:
                yield record

    def _next(self) -> Record | None:
        self._taken, self._undecodable = [], None
        first = self._line + 1
        try:
            cells = next(csv.reader(self._lines(), strict=True))
        except StopIteration:
            return None
        except csv.Error as error:
            return self._broken(first, str(error))
        if self._undecodable is not None:
            return self._broken(first, f"byte {self._undecodable} of the line is not UTF-8")
        if any("\0" in cell for cell in cells):
            return self._broken(first, "it contains a NUL character")
        if len(cells) == 1 and not cells[0].strip():
            cells = []
        return Record(first, sum(map(len, self._taken)), tuple(cells))

    def _broken(self, line: int, why: str) -> Record:
        """Give up the first line only, and read what it took with it again."""
        self._waiting.extendleft(reversed(self._taken[1:]))
        self._line = line
        return Record(line, len(self._taken[0]), problem=f"not a CSV record: {why}")

    def _lines(self) -> Iterator[str]:
        """Hand lines to the CSV parser, which takes more than one for a cell with line breaks."""
        while line := self._waiting.popleft() if self._waiting else self._file.readline(LINE_BYTES):
            if self._line == 0:
                line = line.removeprefix(_BOM)
            self._line += 1
            self._taken.append(line)
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                self._undecodable = self._undecodable or error.start + 1
                yield line.decode(errors="replace")
