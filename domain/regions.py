"""Places: administrative regions and the grids inside them, as values that know their hierarchy.

Chinese regions are prefixes of the 12-digit statistical code: province 2, prefecture 4, county 6
(GB/T 2260), township 9, village 12 (GB/T 10114). Regions of other countries have a scheme of their own,
`us-nyc:queens:09`, whose hierarchy is written with colons; a Chinese code is never invented for them.
"""

import re
from functools import lru_cache
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from domain.errors import Invalid

_DEPTHS = (2, 4, 6, 9, 12)
_CHINESE = re.compile(r"[1-9]\d(\d{2}(\d{2}(\d{3}(\d{3})?)?)?)?", re.ASCII)
_FOREIGN = re.compile(r"[a-z]{2}-[a-z0-9]{1,12}(:[a-z0-9][a-z0-9-]{0,39}){0,4}", re.ASCII)
_GRID = re.compile(r"(\d{12})-([URD])(\d{3})", re.ASCII)


class Code(str):
    """A string whose form was checked; serialises as the plain string."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check `text` and give it back as a value; raises Invalid."""
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls._validated, core_schema.str_schema())

    @classmethod
    def _validated(cls, text: str) -> Self:
        try:
            return cls.parse(text)
        except Invalid as error:
            raise ValueError(str(error)) from error


class Region(Code):
    """An administrative region, for example `622901` 临夏市 or `us-nyc:queens`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check `text`; trailing zero groups of a full 12-digit code are cut (`622901000000` is `622901`)."""
        code = text
        if len(code) == 12 and code.isdigit():
            code = next((code[:depth] for depth in _DEPTHS if set(code[depth:]) <= {"0"}), code)
        if _CHINESE.fullmatch(code) or _FOREIGN.fullmatch(code):
            return cls(code)
        raise Invalid(
            f"{text!r} is not a region code: 2, 4, 6, 9 or 12 digits, or a foreign one like us-nyc:queens",
            rule="bad-region",
            field="region",
        )

    @property
    def chinese(self) -> bool:
        """Whether this is a Chinese administrative code."""
        return self[:1].isdigit()

    @property
    def depth(self) -> int:
        """How deep in its hierarchy, 1 for a province or a foreign scheme's root."""
        return _DEPTHS.index(len(self)) + 1 if self.chinese else self.count(":") + 1

    @property
    def ancestors(self) -> tuple["Region", ...]:
        """This region's own chain from the outermost region down to itself."""
        if self.chinese:
            return tuple(Region(self[:depth]) for depth in _DEPTHS if depth <= len(self))
        parts = self.split(":")
        return tuple(Region(":".join(parts[: n + 1])) for n in range(len(parts)))

    @property
    def area(self) -> str:
        """The part of a ticket number that says where: the county, or a foreign scheme's root in capitals."""
        if not self.chinese:
            return self.split(":", 1)[0].replace("-", "").upper()
        if len(self) < 6:
            raise Invalid("a ticket needs at least a county", rule="region-too-wide", field="region")
        return self[:6]

    def contains(self, other: str) -> bool:
        """Whether `other`, a region or a grid code, lies in this region (a region contains itself)."""
        if self.chinese:
            return other.startswith(self)
        return other == self or other.startswith(self + ":")


class Grid(Code):
    """A grid 网格: the village's 12 digits, the kind (U urban, R rural, D dedicated) and a number."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check `text`, for example `622901001001-U003`."""
        if not _GRID.fullmatch(text):
            raise Invalid(
                f"{text!r} is not a grid code like 622901001001-U003", rule="bad-grid", field="grid"
            )
        return cls(text)

    @property
    def region(self) -> Region:
        """The village or community the grid belongs to."""
        return Region(self[:12])

    @property
    def kind(self) -> str:
        """`U` urban community 城市社区网格, `R` rural 农村网格, `D` dedicated 专属网格."""
        return self[13]


@lru_cache(maxsize=10_000)
def covers(unit: str, place: str) -> bool:
    """Whether a unit's own area (a region or a grid code) covers a place (likewise)."""
    if unit == place:
        return True
    if _CHINESE.fullmatch(unit):
        return place.startswith(unit)
    return bool(_FOREIGN.fullmatch(unit)) and place.startswith(unit + ":")
