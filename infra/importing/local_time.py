"""Local times as exports write them, mostly without an offset, made into moments."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from domain.errors import Invalid

_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: (\d{1,2}):(\d\d)(?::(\d\d))? ([AP]M))?", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII,
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_HALF_DAY, _DAY_HOURS, _HOUR_MINUTES = 12, 24, 60


def local_moment(text: str, zone: ZoneInfo, note: Callable[[str], None]) -> datetime:
    """Read `06/26/2018 10:58:54 AM` or `2018-06-26 10:58:54` in a zone; gives UTC.

    ISO 8601 may have a `T`, a fraction of a second (kept to the microsecond) and an offset, which then
    counts instead of the zone. Where clocks were set back, the first of the two moments is taken, and where
    they were set forward, the skipped time is read by the offset before; `note` is then told. Raises
    Invalid for what is no time, and for years outside 1900 to 2200, which no request has.
    """
    read = _read(text)
    if read.tzinfo is not None:
        return read.astimezone(UTC)
    local = read.replace(tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != read:
        note(f"skipped local time: {text}, when clocks were set forward")
    elif local.utcoffset() != local.replace(fold=1).utcoffset():
        note(f"ambiguous local time: {text}, when clocks were set back")
    return moment


def _read(text: str) -> datetime:
    """Give an aware moment where the text names an offset, otherwise a local time without a zone."""
    offset, fraction = None, ""
    if match := _AMERICAN.fullmatch(text):
        month, day, year, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        if match[4] and not 1 <= hour <= _HALF_DAY:
            raise Invalid(f"{text!r} is not a time")
        hour = hour % _HALF_DAY + (_HALF_DAY if match[7] == "PM" else 0)
    elif match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        fraction, offset = match[7] or "", match[8]
    else:
        raise Invalid(f"{text!r} is not a time like 06/26/2018 10:58:54 AM or 2018-06-26 10:58:54")
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise Invalid(f"{text!r}: the year {year} cannot be meant")
    if hour >= _DAY_HOURS or minute >= _HOUR_MINUTES or second >= _HOUR_MINUTES:
        raise Invalid(f"{text!r} is not a time")
    try:
        return datetime(year, month, day, hour, minute, second, int(f"{fraction:0<6}"[:6]), _offset(offset))
    except ValueError as error:
        raise Invalid(f"{text!r} is not a date") from error


def _offset(text: str | None) -> timezone | None:
    """Read `Z`, `-05`, `-0500` or `-05:00`; raises ValueError for a day and more."""
    if text is None:
        return None
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)
