"""Service requests of New York City's 311 line, as NYC Open Data publishes them.

What the source knew is recorded and nothing is made up: no step between opening and closing, no Chinese
code, no class. What cannot be right is imported all the same and named in `oddities`, each as
`kind: detail`.
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from domain.commands import Import
from domain.errors import Invalid
from domain.vocabulary import Channel
from infra.importing.local_time import local_moment
from infra.importing.nyc311_places import UNSPECIFIED, nyc_region
from infra.importing.source import Row, SourceCase, imported_number

ZONE = ZoneInfo("America/New_York")
_CHANNELS = {
    "phone": Channel.PHONE,
    "online": Channel.WEB,
    "mobile": Channel.APP,
    "other": Channel.OTHER,
    "unknown": Channel.UNKNOWN,
    "": Channel.UNKNOWN,
}
_SHORT, _LONG, _SLUG = 200, 4000, 60
_NO_WORD = re.compile(r"[^a-z0-9]+")


class Nyc311:
    """The format `nyc311`."""

    origin = "nyc311"
    id_column = "unique key"
    required = ("unique key", "created date", "closed date", "agency", "complaint type", "status", "borough")

    def case(self, row: Row) -> SourceCase:
        """Map one request; raises Invalid when it cannot be told which one it is or when it was made."""
        return _Reader(row).case()


class _Reader:
    """Reads one row and gathers what is odd about it."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._oddities: list[str] = []

    def case(self) -> SourceCase:
        source_id = self._text("unique key", _SHORT)
        if source_id is None:
            raise Invalid("Unique Key is empty", field="unique key")
        placed_at = self._created()
        region = nyc_region(self._row["borough"], self._row.get("community board", ""), self._odd)
        fields: dict[str, Any] = {
            "origin": Nyc311.origin,
            "source_id": source_id,
            "region": region,
            "placed_at": placed_at,
            **self._matter(),
            **self._agency(),
            **self._channel(),
            **self._closing(placed_at),
            "resolution": self._text("resolution description", _LONG),
            "address": self._address(),
        }
        try:
            command = Import(**fields, oddities=tuple(odd[:_SHORT].strip() for odd in self._oddities))
        except ValidationError as error:
            first = error.errors()[0]
            raise Invalid(f"{first['loc'][0]}: {first['msg']}", field=str(first["loc"][0])) from error
        day = placed_at.astimezone(ZONE).date()
        return SourceCase(imported_number(Nyc311.origin, source_id, region, day), command)

    def _created(self) -> datetime:
        text = self._row["created date"]
        if not text:
            raise Invalid("Created Date is empty", field="created date")
        try:
            return local_moment(text, ZONE, self._odd)
        except Invalid as error:
            raise Invalid(f"Created Date {error}", field="created date") from error

    def _matter(self) -> dict[str, Any]:
        kind, detail = self._text("complaint type", _SHORT), self._text("descriptor", _SHORT)
        slug = _NO_WORD.sub("-", (kind or "").lower()).strip("-")[:_SLUG].strip("-")
        if not slug:
            self._odd("no complaint type")
        text = " – ".join(part for part in (kind, detail) if part) or "unspecified"
        return {"category": f"nyc311:{slug or 'unspecified'}", "category_text": self._cut(text, _SHORT)}

    def _agency(self) -> dict[str, Any]:
        acronym = _NO_WORD.sub("-", self._row["agency"].lower()).strip("-")[:_SLUG].strip("-")
        if not acronym or self._row["agency"].lower() in UNSPECIFIED:
            self._odd("no agency")
            return {"agency_name": self._text("agency name", _SHORT)}
        return {"agency": f"dept:us-nyc:{acronym}", "agency_name": self._text("agency name", _SHORT)}

    def _channel(self) -> dict[str, Any]:
        text = self._text("open data channel type", _SHORT)
        channel = _CHANNELS.get((text or "").lower())
        if channel is None:
            self._odd(f"unknown channel: {text}")
        return {"channel": channel or Channel.UNKNOWN, "source_channel": text}

    def _closing(self, placed_at: datetime) -> dict[str, Any]:
        """Closed when the source gives a closing time or says Closed; a contradiction is named."""
        status = self._text("status", _SHORT)
        closed_at, due = self._moment("closed date", "Closed Date"), self._moment("due date", "Due Date")
        says_closed = (status or "").lower().startswith("closed")
        if closed_at is not None and not says_closed:
            self._odd(f"closed in spite of its status: {status or 'none'}")
        if closed_at is None and says_closed:
            self._odd("closed without a closing time")
        if closed_at is not None and closed_at < placed_at:
            self._odd("closed before it was opened")
        if due is not None and due < placed_at:
            self._odd("due before it was opened")
        return {
            "source_status": status,
            "closed_at": closed_at,
            "resolve_due": due,
            "closed": says_closed or closed_at is not None,
        }

    def _moment(self, column: str, title: str) -> datetime | None:
        text = self._row.get(column, "")
        try:
            return local_moment(text, ZONE, self._odd) if text else None
        except Invalid as error:
            self._odd(f"unreadable time: {title} {error}")
            return None

    def _address(self) -> str | None:
        """Everything that tells the exact place; it is sealed."""
        get = self._row.get
        corner = " & ".join(filter(None, (get("intersection street 1"), get("intersection street 2"))))
        street = get("incident address") or corner or get("street name")
        spot = f"({get('latitude')}, {get('longitude')})" if get("latitude") and get("longitude") else ""
        parts = (street, get("landmark"), get("city"), get("incident zip"), spot)
        return self._cut(_repaired(", ".join(part for part in parts if part)), _LONG) or None

    def _text(self, column: str, limit: int) -> str | None:
        text = self._row.get(column, "")
        mended = _repaired(text)
        if mended != text:
            self._odd(f"text was encoded twice: {column}")
        return self._cut(mended, limit) or None

    def _cut(self, text: str, limit: int) -> str:
        if len(text) > limit:
            self._odd(f"text was cut: it had {len(text)} characters")
        return text[:limit].strip()

    def _odd(self, what: str) -> None:
        if what not in self._oddities:
            self._oddities.append(what)


def _repaired(text: str) -> str:
    """Undo UTF-8 that was once read as Latin-1 (three odd characters for an apostrophe)."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
