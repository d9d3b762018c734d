"""Months of the Chinese calendar day: a moment belongs to the month that it is in China."""

from datetime import datetime
from zoneinfo import ZoneInfo

from domain.errors import Invalid

CHINA = ZoneInfo("Asia/Shanghai")
_DECEMBER = 12


def month_span(text: str) -> tuple[datetime, datetime]:
    """Give the first moment of a month like `2026-11` and that of the next; raises Invalid."""
    try:
        year, month = map(int, text.split("-"))
        start = datetime(year, month, 1, tzinfo=CHINA)
        following = (year + 1, 1) if month == _DECEMBER else (year, month + 1)
        return start, datetime(*following, 1, tzinfo=CHINA)
    except ValueError:
        raise Invalid(f"{text!r} is not a month like 2026-11", rule="bad-months", field="period") from None


def month_of(moment: datetime) -> str:
    """Name the month of a moment."""
    return f"{moment.astimezone(CHINA):%Y-%m}"
