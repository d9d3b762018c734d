"""What the analyst may run: reading `liudan` and a few catalogues, nothing that touches a file or a network.

`readonly=1` alone still lets `file('/etc/passwd')` and `INTO OUTFILE` through, so every statement is first
parsed by the engine's own parser (`parseQueryToJSON`, which runs nothing and refuses several statements at
once) and its syntax tree is checked against what is allowed here.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

from infra.clickhouse.migration_files import parameterised_views

DATABASE = "liudan"
CATALOGUES = frozenset(
    f"system.{table}"
    for table in (
        "columns", "data_type_families", "databases", "formats", "functions", "numbers", "one", "settings",
        "tables", "time_zones",
    )
)  # fmt: skip
GENERATORS = frozenset(
    {"generate_series", "generateseries", "null", "numbers", "numbers_mt", "values", "zeros", "zeros_mt"}
)
# Scalar functions that read files, call out, or look into the process; the rest of the engine's are pure.
_OUTWARD = re.compile(
    r"file|catboostevaluate|evalmlmethod|executable|python|dict.*|ai[a-z]+|address.*|demangle|getmacro"
    r"|hascolumnintable|naivebayes.*|showcertificate|filesystem.*|getclienthttpheader|sleep.*|getserver.*",
    re.IGNORECASE,
)
_MEMBERSHIP = frozenset(
    f"{scope}{word}" for scope in ("", "global") for word in ("in", "notin", "nullin", "notnullin",
    "inignoreset", "notinignoreset", "nullinignoreset", "notnullinignoreset")
)  # fmt: skip
_STATEMENTS = frozenset(
    {
        "SelectQuery", "SelectWithUnionQuery", "SelectIntersectExceptQuery", "ExplainQuery",
        "ShowTablesQuery", "ShowColumnsQuery", "SetQuery", "TablesInSelectQuery",
    }
)  # fmt: skip
# The parser cannot give these as a tree; they are taken in this plain form only.
_PLAIN = re.compile(
    r"\s*(DESCRIBE|DESC|EXISTS|SHOW\s+CREATE)(\s+TABLE)?\s+(liudan\.)?\w+(\s+FORMAT\s+\w+)?\s*;?\s*",
    re.IGNORECASE | re.ASCII,
)
# Read while the process may still read its own package: later it is locked into its data folder.
_VIEWS = parameterised_views() | {view.partition(".")[2] for view in parameterised_views()}
_ONLY_READS = "the analyst may only SELECT, SHOW, DESCRIBE and EXPLAIN"

Node = dict[str, Any]  # one node of the parser's tree: its shape depends on its "type"


class StatementRefused(Exception):
    """The analyst may not run this statement; says why."""


class AnalystGuard:
    """Checks statements; `parse` gives the engine's tree of one, `table_functions` names all there are."""

    def __init__(self, parse: Callable[[str], str], table_functions: frozenset[str]) -> None:
        self._parse = parse
        self._table_functions = frozenset(map(str.lower, table_functions)) - GENERATORS - {"format"}

    def check(self, statement: str) -> None:
        """Let a statement pass or raise StatementRefused; the parser's own errors go through."""
        if _PLAIN.fullmatch(statement):
            return
        tree: Node = json.loads(self._parse(statement))
        if tree.get("type") in {None, "SetQuery"}:
            raise StatementRefused(_ONLY_READS)
        for node in _nodes(tree):
            self._check_node(node)

    def _check_node(self, node: Node) -> None:
        kind = str(node.get("type", ""))
        if "out_file" in node:
            raise StatementRefused("INTO OUTFILE is not allowed")
        if kind.endswith("Query") and kind not in _STATEMENTS:
            raise StatementRefused(_ONLY_READS)
        if kind in {"Function", "ColumnsApplyTransformer"}:
            self._check_function(node)
        elif kind == "TableIdentifier":
            _check_table(node)
        elif kind == "QueryParameter" and "identifier" in str(node.get("param_type", "")).lower():
            raise StatementRefused("identifiers cannot be parameters")
        elif kind in {"ShowTablesQuery", "ShowColumnsQuery"}:
            _check_show(node)
        if isinstance(node.get("table_function"), dict):
            _check_generator(node["table_function"])

    def _check_function(self, node: Node) -> None:
        name = str(node.get("name") or node.get("func_name")).lower()
        if _OUTWARD.fullmatch(name) or name in self._table_functions:
            raise StatementRefused(f"the function {name} is not allowed")
        if name in _MEMBERSHIP:
            _check_membership(node)


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)


def _check_generator(function: Node) -> None:
    name = str(function.get("name"))
    if name.lower() not in GENERATORS and name not in _VIEWS:
        raise StatementRefused(f"the table function {function.get('name')} is not allowed")


def _check_table(node: Node) -> None:
    parts = node.get("name_parts") or [node.get("name", "")]
    if len(parts) == 1 and re.fullmatch(r"\w+", str(parts[0])):
        return
    if len(parts) == 2 and (parts[0] == DATABASE or ".".join(parts) in CATALOGUES):
        return
    raise StatementRefused(f"the table {'.'.join(map(str, parts))} is not open to the analyst")


def _check_membership(node: Node) -> None:
    """`x IN name` reads the table of that name; in the tree it looks like a column."""
    arguments = node.get("arguments", {}).get("children", [])
    if len(arguments) == 2 and _is_identifier(arguments[1]):
        _check_table(arguments[1])


def _is_identifier(node: object) -> TypeGuard[Node]:
    return isinstance(node, dict) and node.get("type") == "Identifier"


def _check_show(node: Node) -> None:
    place = node.get("from") or node.get("database") or DATABASE
    if (place.get("name") if isinstance(place, dict) else place) != DATABASE:
        raise StatementRefused("the analyst sees only the database liudan")
