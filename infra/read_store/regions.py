"""Conditions for "in this region", each written so that an index serves it.

SQLite knows nothing of how common a value is, so the form of the condition decides which index is used: a
county is an equality (the list then comes in order from the index of area and sort key), a small place a
range over `place` (few rows, sorted afterwards), and a province or prefecture a test that no index can
serve, because the index in the list's own order is the right one then.
"""

import sqlalchemy as sa

from domain.errors import Invalid
from domain.regions import Grid, Region

Column = sa.ColumnElement[str]
Condition = sa.ColumnElement[bool]

_COUNTY_DEPTH = 3


def lies_in(area: Column, place: Column, where: Region | Grid) -> Condition:
    """Whether the place is `where` or lies in it, as `domain.regions.covers` says."""
    if isinstance(where, Grid):
        return place == where
    if where.chinese:
        return _in_chinese(area, place, where)
    root = where.ancestors[0]
    if where == root:
        return area == root
    if where.depth == root.depth + 1:
        return sa.and_(area == root, _is_or_begins(place, where))
    return covered(place, where)


def covered(place: Column, unit: str) -> Condition:
    """Whether a unit's own area covers a place, as a range; a unit that is no region covers only itself."""
    region = region_or_none(unit)
    if region is None:
        return place == unit
    if region.chinese:
        return sa.and_(place >= unit, place < _next(unit))
    return sa.or_(place == unit, sa.and_(place >= f"{unit}:", place < f"{unit};"))


def region_or_none(unit: str) -> Region | None:
    """Read a unit as a region; None for a department's code or a grid."""
    try:
        region = Region.parse(unit)
    except Invalid:
        return None
    return region if region == unit else None


def _in_chinese(area: Column, place: Column, where: Region) -> Condition:
    if where.depth < _COUNTY_DEPTH:
        return sa.func.substr(area, 1, len(where)) == where
    if where.depth == _COUNTY_DEPTH:
        return area == where
    return covered(place, where)


def _is_or_begins(place: Column, where: Region) -> Condition:
    return sa.or_(place == where, sa.func.substr(place, 1, len(where) + 1) == f"{where}:")


def _next(prefix: str) -> str:
    """Give the first text after all that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
