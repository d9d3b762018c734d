"""Ticket numbers that people can read out over the telephone: `622901-261123-7KQ4M`.

Area (county, or a foreign scheme's root), day of placing, and a serial whose last character checks all
the others. The 29 letters leave out what is confused by eye or ear (0 O, 1 I L, 5 S); 29 is a prime, so
the weighted sum finds every single wrong character and every swap of two neighbours in area digits,
date and serial (the argument of ISO/IEC 7064's pure systems).
"""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from itertools import count
from operator import mul
from typing import Self
from uuid import UUID, uuid5

from domain.errors import Invalid
from domain.regions import Code, Region

ALPHABET = "2346789ABCDEFGHJKMNPQRTUVWXYZ"
_VALUE = {char: n for n, char in enumerate(ALPHABET)}
_PRIME = len(ALPHABET)
_FORM = re.compile(rf"([0-9]{{6}}|[A-Z]{{3,14}})-([0-9]{{6}})-([{ALPHABET}]{{4,8}})([{ALPHABET}])", re.ASCII)
_STREAMS = UUID("5f0c1c9e-0d0b-5f53-9a53-3a8f6e6f6c64")


def _check(area: str, day: str, serial: str) -> str:
    head = area + day
    values = [_VALUE[c] for c in serial]
    weighted = _weighted_head(head) + sum(map(mul, values, count(2 + len(head))))
    return ALPHABET[-weighted % _PRIME]


@lru_cache(maxsize=1000)
def _weighted_head(head: str) -> int:
    """Sum up area and day, which all the numbers of one county on one day share."""
    values = [int(c) if c.isdigit() else ord(c) - 55 for c in head]
    return sum(map(mul, values, count(2)))


@lru_cache(maxsize=100)
def _stamp(day: date) -> str:
    return day.strftime("%y%m%d")


class TicketNumber(Code):
    """A checked ticket number; it also names the ticket's stream."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check a number as somebody typed it (case and spaces do not matter); raises Invalid."""
        cleaned = "".join(text.split()).upper()
        match = _FORM.fullmatch(cleaned)
        if match is None:
            raise Invalid(
                f"{text!r} is not a ticket number like 622901-261123-7KQ4M",
                rule="bad-ticket-number",
                field="number",
            )
        if _check(match[1], match[2], match[3]) != match[4]:
            raise Invalid(
                f"{text!r} has a wrong check character: one of its characters was misread",
                rule="bad-ticket-number",
                field="number",
            )
        return cls(cleaned)

    @classmethod
    def compose(cls, region: Region, day: date, serial: int, length: int = 4) -> Self:
        """Build the number of a serial, which is taken modulo 29 to the power of `length` (4 to 8)."""
        letters = ""
        for _ in range(length):
            serial, digit = divmod(serial, _PRIME)
            letters = ALPHABET[digit] + letters
        area, stamp = region.area, _stamp(day)
        return cls(f"{area}-{stamp}-{letters}{_check(area, stamp, letters)}")

    @classmethod
    def mint(cls, region: Region, day: date, below: Callable[[int], int]) -> Self:
        """Build a new number from a source of random integers (`secrets.randbelow`)."""
        return cls.compose(region, day, below(_PRIME**4))

    @property
    def stream_id(self) -> UUID:
        """The UUIDv5 that identifies the ticket's stream in the event store."""
        return _stream_id(self)


@lru_cache(maxsize=20_000)
def _stream_id(number: str) -> UUID:
    """Remember it: a ticket's number comes back with every command, and hashing it is a tenth of the work."""
    return uuid5(_STREAMS, number)
