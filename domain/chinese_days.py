"""Which days China rests and works on: public holidays and make-up workdays 调休.

The data is `chinesecalendar`'s, which follows the yearly notices of the State Council's General Office
国务院办公厅关于部分节假日安排的通知 (国办发明电〔2024〕12号 for 2025, 〔2025〕7号 for 2026). A year without a
notice is unknown, never guessed.
"""

from datetime import date
from typing import NamedTuple

from chinese_calendar import constants

FIRST_YEAR = min(constants.holidays).year
LAST_YEAR = max(constants.holidays).year
"""The years whose notices the installed data knows, both included."""

_ZH = {holiday.value: holiday.chinese for holiday in constants.Holiday}


class PublicDay(NamedTuple):
    """A day on which the notice departs from the plain week."""

    works: bool
    """True for a make-up workday, False for a holiday."""
    zh: str
    en: str


def public_day(day: date) -> PublicDay | None:
    """Give what the notice says of a day; None where it says nothing (or is not known)."""
    worked = constants.workdays.get(day)
    if worked is not None:
        return PublicDay(True, f"{_ZH[worked]}调休上班", f"make-up workday for {worked}")
    rested = constants.holidays.get(day)
    return PublicDay(False, _ZH[rested], rested) if rested is not None else None
