"""What the analyst may ask: a statement's syntax tree, as the engine's own parser gives it, is checked.

Everything that may stand in it is listed here; what is not listed is refused, with the rule that it breaks.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeGuard

from infra.clickhouse.allowed_functions import AllowedFunctions, reads_dictionary
from infra.clickhouse.catalogue import CATALOGUE, DATABASE, FOR_ANALYSTS, OPEN_SYSTEM_TABLES
from infra.clickhouse.statement import Node, nodes

GENERATORS = frozenset(
    {"generate_series", "generateseries", "null", "numbers", "numbers_mt", "values", "zeros", "zeros_mt"}
)
FORMATS = frozenset(
    {"arrow", "arrowstream", "csv", "csvwithnames", "csvwithnamesandtypes", "json", "jsoncolumns",
     "jsoncolumnswithmetadata", "jsoncompact", "jsoncompactcolumns", "jsoncompacteachrow",
     "jsoncompacteachrowwithnames", "jsoncompacteachrowwithnamesandtypes", "jsoncompactstrings",
     "jsoncompactstringseachrow", "jsoneachrow", "jsoneachrowwithprogress", "jsonlines", "jsonobjecteachrow",
     "jsonstrings", "jsonstringseachrow", "jsonstringseachrowwithprogress", "markdown", "native", "ndjson",
     "null", "orc", "parquet", "pretty", "prettycompact", "prettycompactmonoblock", "prettycompactnoescapes",
     "prettyjsoneachrow", "prettyjsonlines", "prettymonoblock", "prettynoescapes", "prettyspace", "raw",
     "rowbinary", "rowbinarywithnames", "rowbinarywithnamesandtypes", "tabseparated", "tabseparatedraw",
     "tabseparatedrawwithnames", "tabseparatedrawwithnamesandtypes", "tabseparatedwithnames",
     "tabseparatedwithnamesandtypes", "tsv", "tsvraw", "tsvrawwithnames", "tsvrawwithnamesandtypes",
     "tsvwithnames", "tsvwithnamesandtypes", "values", "vertical", "xml"}
)  # fmt: skip
_MEMBERSHIP = frozenset(
    f"{scope}{word}" for scope in ("", "global") for word in ("in", "notin", "nullin", "notnullin",
    "inignoreset", "notinignoreset", "nullinignoreset", "notnullinignoreset")
)  # fmt: skip
# Nodes of which nothing but their children is to be checked.
_HARMLESS = frozenset(
    {"ArrayJoin", "Asterisk", "ColumnsExceptTransformer", "ColumnsListMatcher", "ColumnsRegexpMatcher",
     "ColumnsReplaceTransformer", "ColumnsReplaceTransformerReplacement", "ColumnsTransformerList",
     "DataType", "ExplainQuery", "ExpressionList", "Identifier", "InterpolateElement", "Literal",
     "OrderByElement", "QualifiedAsterisk", "QualifiedColumnsListMatcher", "QualifiedColumnsRegexpMatcher",
     "SampleRatio", "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery", "SetQuery",
     "Subquery", "TableJoin", "TablesInSelectQuery", "TablesInSelectQueryElement",
     "WindowDefinition", "WindowListElement", "WithElement"}
)  # fmt: skip
_STATEMENTS = frozenset(
    {"ExplainQuery", "KillQueryQuery", "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery",
     "ShowColumnsQuery", "ShowIndexesQuery", "ShowTablesQuery"}
)  # fmt: skip
_SHOWN = frozenset({"clusters", "cluster", "caches", "merges", "dictionaries", "temporary"})


class Rule(StrEnum):
    """What an analyst's statement can break, by the name under which it is refused."""

    ONLY_READS = "only-reads"
    ONLY_KNOWN_SYNTAX = "only-known-syntax"
    ONLY_OPEN_TABLES = "only-open-tables"
    ONLY_GENERATORS = "only-generators"
    ONLY_PURE_FUNCTIONS = "only-pure-functions"
    ONLY_OWN_STATEMENTS = "only-own-statements"
    NO_OUTFILE = "no-outfile"
    NO_NAMES_AS_PARAMETERS = "no-names-as-parameters"
    KNOWN_FORMATS = "known-formats"
    LIMITS_STAY = "limits-stay"


class StatementRefused(Exception):
    """The analyst may not run this statement; says why, and which rule it breaks."""

    def __init__(self, rule: Rule, why: str) -> None:
        super().__init__(f"{why} [rule {rule}]")
        self.rule = rule


class AnalystGuard:
    """Checks trees; `functions` are those that may be called."""

    def __init__(self, functions: AllowedFunctions) -> None:
        self._functions = functions
        self._checks: dict[str, Callable[[Node], None]] = {
            "Function": self._check_function,
            "ColumnsApplyTransformer": self._check_function,
            "TableIdentifier": _check_table,
            "TableExpression": _check_table_expression,
            "QueryParameter": _check_parameter,
            "ShowTablesQuery": _check_show,
            "ShowColumnsQuery": _check_show,
            "ShowIndexesQuery": _check_show,
            "KillQueryQuery": _check_kill,
        }

    def check(self, tree: Node) -> None:
        """Let a statement pass or raise StatementRefused."""
        if tree.get("type") not in _STATEMENTS:
            raise only_reads()
        generators = set()
        for node in nodes(tree):
            if "out_file" in node:
                raise StatementRefused(Rule.NO_OUTFILE, "INTO OUTFILE is not allowed")
            if isinstance(node.get("table_function"), dict):
                generators.add(id(node["table_function"]))
            if "type" in node and id(node) not in generators:
                self._check_node(node)

    def _check_node(self, node: Node) -> None:
        kind = str(node["type"])
        check = self._checks.get(kind)
        if check is not None:
            check(node)
        elif kind not in _HARMLESS:
            if kind.endswith("Query"):
                raise only_reads()
            raise StatementRefused(Rule.ONLY_KNOWN_SYNTAX, f"{kind} is not known to be harmless")

    def _check_function(self, node: Node) -> None:
        name = str(node.get("name") or node.get("func_name") or "lambda")
        if reads_dictionary(name):
            _check_dictionary(node)
        elif node.get("is_lambda_function") or node.get("lambda"):
            return
        elif name not in self._functions:
            raise StatementRefused(Rule.ONLY_PURE_FUNCTIONS, f"the function {name} is not allowed")
        if name.lower() in _MEMBERSHIP:
            _check_membership(node)


def only_reads() -> StatementRefused:
    """Give the refusal of what is neither a question nor a description."""
    return StatementRefused(Rule.ONLY_READS, "the analyst may only SELECT, SHOW, DESCRIBE and EXPLAIN")


def check_format(name: str) -> None:
    """Let a format pass or raise StatementRefused; empty is the default one."""
    if name and name.lower() not in FORMATS:
        raise StatementRefused(Rule.KNOWN_FORMATS, f"the format {name} is not open to the analyst")


def _check_table_expression(node: Node) -> None:
    function = node.get("table_function")
    if isinstance(function, dict):
        name = str(function.get("name"))
        is_view = re.fullmatch(rf"({DATABASE}\.)?\w+", name) is not None and "." in name
        if name.lower() not in GENERATORS and not (is_view and function.get("is_compound_name")):
            raise StatementRefused(Rule.ONLY_GENERATORS, f"the table function {name} is not allowed")


def _check_table(node: Node) -> None:
    parts = [str(part) for part in node.get("name_parts") or [node.get("name", "")]]
    if len(parts) == 1 and re.fullmatch(r"\w+", parts[0]):
        return
    if len(parts) == 2 and (
        parts[0] == DATABASE
        or (parts[0] == CATALOGUE and parts[1] in FOR_ANALYSTS)
        or (parts[0] == "system" and parts[1] in OPEN_SYSTEM_TABLES)
    ):
        return
    name = ".".join(parts).replace(f"{CATALOGUE}.", "system.")
    raise StatementRefused(Rule.ONLY_OPEN_TABLES, f"the table {name} is not open to the analyst")


def _check_parameter(node: Node) -> None:
    if "identifier" in str(node.get("param_type", "")).lower():
        raise StatementRefused(Rule.NO_NAMES_AS_PARAMETERS, "names cannot be parameters")


def _check_membership(node: Node) -> None:
    """`x IN name` reads the table of that name; in the tree it looks like a column."""
    arguments = node.get("arguments", {}).get("children", [])
    if len(arguments) == 2 and _is_identifier(arguments[1]):
        _check_table(arguments[1])


def _check_dictionary(node: Node) -> None:
    arguments = node.get("arguments", {}).get("children", [])
    first = arguments[0] if arguments else {}
    value = first.get("value", {}).get("value", "") if isinstance(first, dict) else ""
    if not re.fullmatch(rf"({DATABASE}\.)?\w+", str(value)):
        raise StatementRefused(
            Rule.ONLY_OPEN_TABLES, f"only dictionaries of {DATABASE} may be looked up, by a literal name"
        )


def _is_identifier(node: object) -> TypeGuard[Node]:
    return isinstance(node, dict) and node.get("type") == "Identifier"


def _check_show(node: Node) -> None:
    place = node.get("from") or node.get("database") or DATABASE
    if (place.get("name") if isinstance(place, dict) else place) != DATABASE:
        raise StatementRefused(
            Rule.ONLY_OPEN_TABLES, f"the analyst is shown what is in the database {DATABASE}"
        )
    for what in _SHOWN & node.keys():
        if node[what]:
            raise StatementRefused(Rule.ONLY_OPEN_TABLES, f"SHOW {what.upper()} is not open to the analyst")


def _check_kill(node: Node) -> None:
    if node.get("kill_type") != "Query" or any(one.get("type") == "Subquery" for one in nodes(node)):
        raise StatementRefused(
            Rule.ONLY_OWN_STATEMENTS, "the analyst may only KILL QUERY, by conditions without subqueries"
        )
