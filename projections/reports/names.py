"""What places, categories, units and levels are called in a report."""

from collections.abc import Mapping

from domain.categories import CATALOGUE
from domain.vocabulary import Level
from projections.indicators.indicator import Words

LEVELS: Mapping[str, Words] = {
    Level.GRID: Words("网格", "Grid"),
    Level.VILLAGE: Words("村（社区）", "Village, community"),
    Level.TOWNSHIP: Words("乡镇（街道）", "Township"),
    Level.DEPARTMENT: Words("部门", "Department"),
    Level.COUNTY: Words("县市", "County"),
    Level.PREFECTURE: Words("州", "Prefecture"),
}
UNKNOWN = Words("不详", "not known")
_DEPARTMENT = "dept:"


def same(text: str) -> Words:
    """What is written alike in both languages."""
    return Words(text, text)


def category(code: str) -> Words:
    """Name a category; a foreign one is its own name."""
    known = CATALOGUE.get(code)
    return Words(known.zh, known.en) if known else same(code) if code else UNKNOWN


def level(code: str) -> Words:
    """Name a level."""
    return LEVELS.get(code, UNKNOWN)


def unit(code: str, names: Mapping[str, Words]) -> Words:
    """Name a region, a grid or a department by what is known: the code where it has no name."""
    if code.startswith(_DEPARTMENT):
        _, region, name = code.split(":", 2)
        where = names.get(region, same(region))
        return Words(f"{where.zh} · {name}", f"{where.en} · {name}")
    if code in names:
        return names[code]
    return same(code) if code else UNKNOWN
