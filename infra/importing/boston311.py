"""Cases of Boston's 311 line, as Analyze Boston publishes them (one file a year).

Older files call the due time `target_dt` and the flag `ontime`, newer ones `sla_target_dt` and `on_time`.
Case title and closing remark are people's free words, now and then with a name or a telephone number in
them: they are sealed, as the exact place is.
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.regions import Region
from domain.vocabulary import Channel
from infra.importing.row_reader import LONG, SHORT, RowReader, repaired, slug
from infra.importing.source import Row, SourceCase

_CITY = "us-boston"
_REGION_PART = 40
_CHANNELS = {
    "constituent call": Channel.PHONE,
    "citizens connect app": Channel.APP,
    "city worker app": Channel.APP,
    "self service": Channel.WEB,
    "employee generated": Channel.OTHER,
    "maximo integration": Channel.OTHER,
    "twitter": Channel.OTHER,
    "": Channel.UNKNOWN,
}
_OVERDUE, _ON_TIME = "OVERDUE", "ONTIME"
_DUE_COLUMNS, _FLAG_COLUMNS = ("sla target dt", "target dt"), ("on time", "ontime")


class Boston311:
    """The format `boston311`."""

    origin = "boston311"
    zone = ZoneInfo("America/New_York")
    id_column = "case enquiry id"
    required = ("case enquiry id", "open dt", "closed dt", "case status", "type")
    one_of = (_DUE_COLUMNS,)

    def case(self, row: Row) -> SourceCase:
        """Map one case; raises Invalid when it cannot be told which one it is or when it was opened."""
        read = RowReader(row, self.origin, self.zone)
        source_id = read.identity(self.id_column)
        placed_at = read.opened("open dt")
        fields = _matter(read) | _agency(read) | _channel(read)
        status = read.text("case status")
        closed_at, due = read.moment("closed dt"), read.moment(_filled(read, _DUE_COLUMNS))
        fields |= read.closing(placed_at, closed_at=closed_at, due=due, status=status)
        _check_flag(read, closed_at, due)
        fields["words"] = _words(read)
        return read.case(source_id, _region(read), placed_at, **fields, address=_address(read))


def _filled(read: RowReader, columns: tuple[str, ...]) -> str:
    """Name the column of these that has something in it, or the first."""
    return next((column for column in columns if read.raw(column)), columns[0])


def _check_flag(read: RowReader, closed_at: datetime | None, due: datetime | None) -> None:
    """Compare the source's own on-time flag with its dates.

    Of an open case it says what was so when the file was written, and no row says when that was.
    """
    text = read.text(_filled(read, _FLAG_COLUMNS))
    flag = re.sub(r"[\W_]+", "", text or "").upper()
    if text is None or flag not in (_OVERDUE, _ON_TIME):
        if text is not None:
            read.odd(f"unknown on-time flag: {text}")
        return
    if flag == _OVERDUE and not read.raw(_filled(read, _DUE_COLUMNS)):
        read.odd("on-time flag contradicts the dates: OVERDUE without a due time")
    if closed_at is None or due is None or (closed_at > due) == (flag == _OVERDUE):
        return
    when = "after it was due" if closed_at > due else "in time"
    read.odd(f"on-time flag contradicts the dates: {flag}, but it was closed {when}")


def _region(read: RowReader) -> Region:
    name = read.text("neighborhood")
    part = slug(name, _REGION_PART)
    if name and not part:
        read.odd(f"unknown neighborhood: {name}")
    return Region(f"{_CITY}:{part}" if part else _CITY)


def _matter(read: RowReader) -> dict[str, Any]:
    kind, reason = read.text("type"), read.text("reason")
    if not slug(kind):
        read.odd("no type")
    text = " – ".join(dict.fromkeys(part for part in (kind, reason) if part)) or "unspecified"
    return {"category": f"boston311:{slug(kind) or 'unspecified'}", "category_text": read.cut(text, SHORT)}


def _agency(read: RowReader) -> dict[str, Any]:
    acronym, name = slug(read.raw("department")), read.text("subject")
    if not acronym:
        read.odd("no department")
        return {"agency_name": name}
    return {"agency": f"dept:us-boston:{acronym}", "agency_name": name}


def _channel(read: RowReader) -> dict[str, Any]:
    text = read.text("source")
    channel = _CHANNELS.get((text or "").lower())
    if channel is None:
        read.odd(f"unknown channel: {text}")
    return {"channel": channel or Channel.UNKNOWN, "source_channel": text}


def _words(read: RowReader) -> str | None:
    parts = (read.text("case title", LONG), read.text("closure reason", LONG))
    return read.cut("\n".join(part for part in parts if part), LONG) or None


def _address(read: RowReader) -> str | None:
    """Everything that tells the exact place; it is sealed."""
    place = " ".join((read.raw("location") or read.raw("location street name")).split())
    zip_code = read.raw("location zipcode")
    spot = ", ".join(part for part in (read.raw("latitude"), read.raw("longitude")) if part)
    parts = (place, "" if zip_code in place else zip_code, f"({spot})" if spot else "")
    return read.cut(repaired(", ".join(part for part in parts if part)), LONG) or None
