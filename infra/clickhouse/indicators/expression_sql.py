"""The expressions of the indicators' definitions as ClickHouse SQL: one entry a kind, with Python's meaning.

Texts come from the definitions alone, never from a caller.
"""

from collections.abc import Callable, Mapping
from typing import Any

from projections.indicators import expressions as x

NEIGHBOURHOOD = (
    "if(grid = '', sipHash64(region), sipHash64(grid)), sipHash64(category), toStartOfMonth(filed_at)"
)
"""The grid, or the region where the grid is not known; what it is about; the month. Grouping by the words
takes half as long again: a hash is worked out once for every word of a dictionary.
"""


def sql_of(expression: x.Expression, source: str) -> str:
    """Write an expression; `source` is the table of matters, for what has to be counted there."""
    return _SQL[type(expression)](expression, lambda part: sql_of(part, source), source)


Write = Callable[[x.Expression], str]


def _literal(value: str | int | bool) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return str(value).lower()


def _one_of(condition: x.OneOf, write: Write, _: str) -> str:
    term, values = write(condition.term), ", ".join(map(_literal, condition.values))
    # such a column is never null, and a set of one value would cost more to analyse
    return f"({term} = {values})" if len(condition.values) == 1 else f"({term} IN ({values}))"


def _known(condition: x.Known, write: Write, _: str) -> str:
    # an empty word is not known; a time that is not is null
    term = write(condition.term)
    return f"({term} != '')" if _is_word(condition.term) else f"isNotNull({term})"


def _is_word(term: x.Term) -> bool:
    return isinstance(term, x.Column) and not term.name.endswith(("_at", "_due", "_since"))


def _elapsed(start: str, end: str) -> str:
    # dateDiff takes ten times as long; greatest would pass over a null
    return f"if({end} < {start}, 0, {end} - {start})"


def _repeated(condition: x.Repeated, _: Write, source: str) -> str:
    frequent = (
        f"SELECT {NEIGHBOURHOOD} FROM {source} WHERE cycle = 1 GROUP BY ALL "  # noqa: S608 - our own names
        f"HAVING count() >= {condition.at_least}"
    )
    return f"(cycle = 1 AND ({NEIGHBOURHOOD}) IN ({frequent}))"


_SQL: Mapping[type[x.Expression], Callable[[Any, Write, str], str]] = {
    x.Column: lambda one, *_: one.name,
    x.Moment: lambda one, *_: {"as_of": "known_until", "at": "at"}[one.name],
    x.Number: lambda one, *_: str(one.number),
    x.FirstKnown: lambda one, write, _: f"coalesce({', '.join(map(write, one.terms))})",
    x.Later: lambda one, write, _: (
        f"({write(one.term)} + INTERVAL {int(one.duration.total_seconds())} SECOND)"
    ),
    x.When: lambda one, write, _: f"if({write(one.condition)}, {write(one.term)}, NULL)",
    x.Elapsed: lambda one, write, _: _elapsed(
        f"toUnixTimestamp64Micro({write(one.start)})", f"toUnixTimestamp64Micro({write(one.end)})"
    ),
    x.Sum: lambda one, write, _: f"(ifNull({write(one.left)}, 0) + ifNull({write(one.right)}, 0))",
    x.Compared: lambda one, write, _: f"ifNull({write(one.left)} {one.sign} {write(one.right)}, false)",
    x.OneOf: _one_of,
    x.Known: _known,
    x.Both: lambda one, write, _: f"({write(one.left)} AND {write(one.right)})",
    x.Either: lambda one, write, _: f"({write(one.left)} OR {write(one.right)})",
    x.Otherwise: lambda one, write, _: f"(NOT {write(one.condition)})",
    x.Always: lambda one, *_: str(one.holds).lower(),
    x.Repeated: _repeated,
}
