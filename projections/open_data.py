"""Which tickets may be told apart in published data: small cells are coarsened until nobody stands out.

A cell is what a row says of where, what about and in which month. Rows of a cell with fewer than k tickets
are published with a wider region or a wider category, together with others, and only where even the widest
cell stays too small they are left out. A row whose own cell is large enough is never coarsened.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

_DIGITS = (2, 4, 6, 9, 12)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Where, what about, and the month of closing."""

    region: str
    category: str
    month: date


def coarsened(cells: Mapping[Cell, int], k: int) -> dict[Cell, Cell | None]:
    """Give for every cell the one to publish its rows under, or None where they are to be left out.

    Every cell that is published has at least k rows. `cells` counts the rows of each.
    """
    published: dict[Cell, Cell | None] = {}
    left = dict(cells)
    for widen in _LADDER:
        counts: Counter[Cell] = Counter()
        for cell, rows in left.items():
            counts[widen(cell)] += rows
        for cell in list(left):
            if counts[widen(cell)] >= k:
                published[cell] = widen(cell)
                del left[cell]
    return published | dict.fromkeys(left)


def _same(cell: Cell) -> Cell:
    return cell


def _in_township(cell: Cell) -> Cell:
    return replace(cell, region=wider(cell.region, 4))


def _in_county(cell: Cell) -> Cell:
    return replace(cell, region=wider(cell.region, 3))


def _group_in_county(cell: Cell) -> Cell:
    return replace(_in_county(cell), category=group_of(cell.category))


def _group_in_prefecture(cell: Cell) -> Cell:
    return replace(cell, region=wider(cell.region, 2), category=group_of(cell.category))


def _anything_in_prefecture(cell: Cell) -> Cell:
    return replace(cell, region=wider(cell.region, 2), category="")


_LADDER: tuple[Callable[[Cell], Cell], ...] = (
    _same, _in_township, _in_county, _group_in_county, _group_in_prefecture, _anything_in_prefecture,
)  # fmt: skip


def wider(region: str, depth: int) -> str:
    """Cut a region to a depth: 2 prefecture, 3 county, 4 township; a foreign code loses parts likewise."""
    if region[:1].isdigit():
        return region[: _DIGITS[depth - 1]]
    return ":".join(region.split(":")[: max(1, depth - 1)])


def group_of(category: str) -> str:
    """Give the group of a category: `roads` of `roads.surface`, the source of a foreign one."""
    return category.partition(":")[0] if ":" in category else category.partition(".")[0]
