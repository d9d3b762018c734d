"""What every format does with a row: read its cells, and gather what is odd about them.

What cannot be right is imported all the same and named, each oddity as `kind: detail`. Only a row that
does not say which case it is, or when it was opened, cannot be taken.
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from domain.commands import Import
from domain.errors import Invalid
from domain.regions import Region
from infra.importing.local_time import local_moment
from infra.importing.source import Row, SourceCase, imported_number

SHORT, LONG = 200, 4000
"""Most characters of a line, and of a text."""
_SLUG = 60
_NO_WORD = re.compile(r"[^a-z0-9]+")


class RowReader:
    """Reads one row of one source."""

    def __init__(self, row: Row, origin: str, zone: ZoneInfo) -> None:
        self._row = row
        self._origin, self._zone = origin, zone
        self._oddities: list[str] = []
        self._happened: list[datetime] = []

    def odd(self, what: str) -> None:
        """Take note of something, once."""
        if what not in self._oddities:
            self._oddities.append(what)

    def raw(self, column: str) -> str:
        """Give a cell as it is; empty where the export has no such column."""
        return self._row.get(column, "")

    def text(self, column: str, limit: int = SHORT) -> str | None:
        """Give a cell, repaired and cut; None when there is nothing in it."""
        text = self.raw(column)
        mended = repaired(text)
        if mended != text:
            self.odd(f"text was encoded twice: {column}")
        return self.cut(mended, limit) or None

    def cut(self, text: str, limit: int) -> str:
        """Cut a text that is longer than it may be, and say so."""
        if len(text) > limit:
            self.odd(f"text was cut: it had {len(text)} characters")
        return text[:limit].strip()

    def identity(self, column: str) -> str:
        """Give the source's own id of the case; raises Invalid when there is none."""
        found = self.text(column)
        if found is None:
            raise Invalid(f"{column.title()} is empty", field=column)
        return found

    def opened(self, column: str) -> datetime:
        """Give the moment the case was opened; raises Invalid when there is none."""
        text = self.raw(column)
        if not text:
            raise Invalid(f"{column.title()} is empty", field=column)
        try:
            moment = local_moment(text, self._zone, self.odd)
        except Invalid as error:
            raise Invalid(f"{column.title()} {error}", field=column) from error
        self._happened.append(moment)
        return moment

    def moment(self, column: str) -> datetime | None:
        """Give a moment, perhaps a planned one; None, and an oddity, where it cannot be read."""
        text = self.raw(column)
        try:
            return local_moment(text, self._zone, self.odd) if text else None
        except Invalid as error:
            self.odd(f"unreadable time: {column.title()} {error}")
            return None

    def saw(self, moment: datetime | None) -> None:
        """Take note that the source knew of something that happened then."""
        if moment is not None:
            self._happened.append(moment)

    def saw_in(self, column: str) -> None:
        """Take note of when something happened that is not recorded itself."""
        try:
            self.saw(local_moment(self.raw(column), self._zone, lambda _: None))
        except Invalid:
            return

    def closing(
        self, placed_at: datetime, *, closed_at: datetime | None, due: datetime | None, status: str | None
    ) -> dict[str, Any]:
        """Closed when the source gives a closing time or says Closed; a contradiction is named."""
        says_closed = (status or "").lower().startswith("closed")
        if closed_at is not None and not says_closed:
            self.odd(f"closed in spite of its status: {status or 'none'}")
        if closed_at is None and says_closed:
            self.odd("closed without a closing time")
        if closed_at is not None and closed_at < placed_at:
            self.odd("closed before it was opened")
        if due is not None and due < placed_at:
            self.odd("due before it was opened")
        self.saw(closed_at)
        return {
            "source_status": status,
            "closed_at": closed_at,
            "resolve_due": due,
            "closed": says_closed or closed_at is not None,
        }

    def case(self, source_id: str, region: Region, placed_at: datetime, **fields: Any) -> SourceCase:
        """Make the case; raises Invalid naming the field that cannot be."""
        try:
            command = Import(
                origin=self._origin,
                source_id=source_id,
                region=region,
                placed_at=placed_at,
                oddities=tuple(odd[:SHORT].strip() for odd in self._oddities),
                **fields,
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise Invalid(f"{first['loc'][0]}: {first['msg']}", field=str(first["loc"][0])) from error
        day = placed_at.astimezone(self._zone).date()
        number = imported_number(self._origin, source_id, region, day)
        return SourceCase(number, command, known_until=max(self._happened))


def slug(text: str | None, length: int = _SLUG) -> str:
    """Make the part of a code that a text stands for; may be empty."""
    return _NO_WORD.sub("-", (text or "").lower()).strip("-")[:length].strip("-")


def repaired(text: str) -> str:
    """Undo UTF-8 that was once read as Latin-1 (three odd characters for an apostrophe)."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
