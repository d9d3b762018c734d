"""Service requests of New York City's 311 line, as NYC Open Data publishes them.

What the source knew is recorded and nothing is made up: no step between opening and closing, no Chinese
code, no class.
"""

from typing import Any
from zoneinfo import ZoneInfo

from domain.vocabulary import Channel
from infra.importing.nyc311_places import UNSPECIFIED, nyc_region
from infra.importing.row_reader import LONG, SHORT, RowReader, repaired, slug
from infra.importing.source import Row, SourceCase

_CHANNELS = {
    "phone": Channel.PHONE,
    "online": Channel.WEB,
    "mobile": Channel.APP,
    "other": Channel.OTHER,
    "unknown": Channel.UNKNOWN,
    "": Channel.UNKNOWN,
}


class Nyc311:
    """The format `nyc311`."""

    origin = "nyc311"
    zone = ZoneInfo("America/New_York")
    id_column = "unique key"
    required = ("unique key", "created date", "closed date", "agency", "complaint type", "status", "borough")
    one_of = ()

    def case(self, row: Row) -> SourceCase:
        """Map one request; raises Invalid when it cannot be told which one it is or when it was made."""
        read = RowReader(row, self.origin, self.zone)
        source_id = read.identity(self.id_column)
        placed_at = read.opened("created date")
        region = nyc_region(read.raw("borough"), read.raw("community board"), read.odd)
        fields = _matter(read) | _agency(read) | _channel(read)
        status = read.text("status")
        closed_at, due = read.moment("closed date"), read.moment("due date")
        fields |= read.closing(placed_at, closed_at=closed_at, due=due, status=status)
        read.saw_in("resolution action updated date")
        fields["resolution"] = read.text("resolution description", LONG)
        return read.case(source_id, region, placed_at, **fields, address=_address(read))


def _matter(read: RowReader) -> dict[str, Any]:
    kind, detail = read.text("complaint type"), read.text("descriptor")
    if not slug(kind):
        read.odd("no complaint type")
    text = " – ".join(part for part in (kind, detail) if part) or "unspecified"
    return {"category": f"nyc311:{slug(kind) or 'unspecified'}", "category_text": read.cut(text, SHORT)}


def _agency(read: RowReader) -> dict[str, Any]:
    acronym = slug(read.raw("agency"))
    name = read.text("agency name")
    if not acronym or read.raw("agency").lower() in UNSPECIFIED:
        read.odd("no agency")
        return {"agency_name": name}
    return {"agency": f"dept:us-nyc:{acronym}", "agency_name": name}


def _channel(read: RowReader) -> dict[str, Any]:
    text = read.text("open data channel type")
    channel = _CHANNELS.get((text or "").lower())
    if channel is None:
        read.odd(f"unknown channel: {text}")
    return {"channel": channel or Channel.UNKNOWN, "source_channel": text}


def _address(read: RowReader) -> str | None:
    """Everything that tells the exact place; it is sealed."""
    get = read.raw
    corner = " & ".join(filter(None, (get("intersection street 1"), get("intersection street 2"))))
    street = get("incident address") or corner or get("street name")
    spot = f"({get('latitude')}, {get('longitude')})" if get("latitude") and get("longitude") else ""
    parts = (street, get("landmark"), get("city"), get("incident zip"), spot)
    return read.cut(repaired(", ".join(part for part in parts if part)), LONG) or None
