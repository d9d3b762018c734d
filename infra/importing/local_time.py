"""Local times without an offset, as exports write them, made into moments."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.errors import Invalid

_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: (\d{1,2}):(\d\d)(?::(\d\d))? ([AP]M))?", re.ASCII)
_FLOATING = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?)?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_HALF_DAY = 12


def local_moment(text: str, zone: ZoneInfo, note: Callable[[str], None]) -> datetime:
    """Read `06/26/2018 10:58:54 AM` or `2018-06-26T10:58:54.000` in a zone; gives UTC.

    Where clocks were set back, the first of the two moments is taken, and where they were set forward, the
    skipped time is read by the offset before; `note` is then told. Raises Invalid for what is no time, and
    for years outside 1900 to 2200, which no request has.
    """
    local = _read(text).replace(tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        note(f"skipped local time: {text}, when clocks were set forward")
    elif local.utcoffset() != local.replace(fold=1).utcoffset():
        note(f"ambiguous local time: {text}, when clocks were set back")
    return moment


def _read(text: str) -> datetime:
    if match := _AMERICAN.fullmatch(text):
        month, day, year, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        if match[4] and not 1 <= hour <= _HALF_DAY:
            raise Invalid(f"{text!r} is not a time")
        hour = hour % _HALF_DAY + (_HALF_DAY if match[7] == "PM" else 0)
    elif match := _FLOATING.fullmatch(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    else:
        raise Invalid(f"{text!r} is not a time like 06/26/2018 10:58:54 AM")
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise Invalid(f"{text!r}: the year {year} cannot be meant")
    try:
        return datetime(year, month, day) + timedelta(  # noqa: DTZ001 - the caller adds the zone
            hours=hour, minutes=minute, seconds=second
        )
    except ValueError as error:
        raise Invalid(f"{text!r} is not a date") from error
