"""New York's boroughs and community districts as region codes: `us-nyc`, `us-nyc:queens`, `us-nyc:queens:09`.

Districts are numbered within a borough. Besides the 59 community districts there are joint interest areas
(parks and airports, numbers from 26 on), which belong to no community board but are places all the same.
"""

import re
from collections.abc import Callable

from domain.regions import Region

CITY = Region("us-nyc")
UNSPECIFIED = frozenset({"", "unspecified", "0 unspecified", "n/a", "na"})
_COMMUNITY_DISTRICTS = {"manhattan": 12, "bronx": 12, "brooklyn": 18, "queens": 14, "staten-island": 3}
_JOINT_INTEREST_AREAS = {
    "manhattan": {64},
    "bronx": {26, 27, 28},
    "brooklyn": {55, 56},
    "queens": {80, 81, 82, 83, 84},
    "staten-island": {95},
}
_BOARD = re.compile(r"(\d{1,3}|unspecified) ([a-z ]+)", re.ASCII)


def nyc_region(borough: str, board: str, note: Callable[[str], None]) -> Region:
    """Find the narrowest region that borough and community board agree on; `note` hears of odd ones."""
    named = _borough(borough)
    if named is None and borough.lower() not in UNSPECIFIED:
        note(f"unknown borough: {borough}")
    match = _BOARD.fullmatch(board.lower())
    of_board = _borough(match[2]) if match else None
    if board.lower() not in UNSPECIFIED and of_board is None:
        note(f"unknown community board: {board}")
    if named and of_board and named != of_board:
        note(f"boroughs disagree: {borough} and {board}")
        return Region(CITY)
    place = named or of_board
    if place is None:
        return CITY
    district = _district(place, match[1] if match and of_board else "unspecified", board, note)
    return Region(f"{CITY}:{place}:{district:02d}" if district else f"{CITY}:{place}")


def _borough(text: str) -> str | None:
    slug = "-".join(text.lower().split())
    return slug if slug in _COMMUNITY_DISTRICTS else None


def _district(borough: str, number: str, board: str, note: Callable[[str], None]) -> int | None:
    if number == "unspecified":
        return None
    district = int(number)
    if 1 <= district <= _COMMUNITY_DISTRICTS[borough] or district in _JOINT_INTEREST_AREAS[borough]:
        return district
    note(f"unknown community board: {board}")
    return None
