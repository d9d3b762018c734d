"""From a statement as it was asked to how it is to be run, for the writer and for the analyst."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from infra.clickhouse.analyst_guard import AnalystGuard, Rule, StatementRefused, check_format, only_reads
from infra.clickhouse.analyst_limits import named_in
from infra.clickhouse.catalogue import CATALOGUE, FOR_ALL, FOR_ANALYSTS
from infra.clickhouse.http_errors import ServerError
from infra.clickhouse.statement import (
    CACHED,
    CACHED_CHARACTERS,
    Node,
    Reader,
    Statement,
    renamed_tables,
)

_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^;]*)?;?\s*$", re.IGNORECASE)
_DESCRIBES = re.compile(r"\s*(DESCRIBE|DESC|EXISTS|SHOW)\b", re.IGNORECASE)
_DESCRIBE = re.compile(r"\s*DESC(?:RIBE)?\s+(?:TABLE\s+)?", re.IGNORECASE)
# The parser cannot give these as a tree; the analyst's are taken in this plain form only.
_NAME = r'(?:\w+|`\w+`|"\w+")'
_PLAIN = re.compile(
    r"\s*(DESCRIBE|DESC|EXISTS|SHOW\s+CREATE)(\s+(TABLE|VIEW|DICTIONARY))?"
    rf'\s+((?:liudan|`liudan`|"liudan")\.)?{_NAME}(\s+FORMAT\s+\w+)?\s*;?\s*',
    re.IGNORECASE | re.ASCII,
)
_OF_THE_OUTPUT = frozenset({"out_file", "is_outfile_truncate", "format_ast"})


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, ready to be run."""

    text: str
    output_format: str
    reads: bool
    """Changes nothing, so that it can be ended at any moment."""
    selects: bool = False
    """Is a SELECT, whose answer can also be had block by block."""
    led: str = ""
    """The same with its answer led into a file named OUT, where that is possible."""
    kill: Node | None = None
    """The tree of a KILL QUERY, which is carried out here."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What its own SETTINGS clauses ask for."""

    def led_into(self, place: str) -> str:
        """Give the text with its answer led into `place`."""
        return self.led.replace(OUT, place)


OUT = f"/answer-{secrets.token_hex(16)}"


class Planner:
    """Plans statements; `reader` parses them, `guard` says what an analyst may ask."""

    def __init__(self, reader: Reader, guard: AnalystGuard) -> None:
        self._reader = reader
        self._guard = guard
        self._remembered = lru_cache(maxsize=CACHED)(self._for_writer)

    def for_writer(self, text: str, default_format: str) -> Plan:
        """Plan whatever the writer asks; what the parser refuses, the engine is left to refuse.

        Going through the tree of a long question takes longer than answering a short one, and the writer
        asks the same ones again and again.
        """
        plan = self._remembered if len(text) <= CACHED_CHARACTERS else self._for_writer
        return plan(text, default_format)

    def _for_writer(self, text: str, default_format: str) -> Plan:
        try:
            statement = self._reader.read(text)
        except RuntimeError:
            return _plain(text, default_format)
        if statement.has_outfile:
            raise ServerError(358, "INTO_OUTFILE_NOT_ALLOWED", "INTO OUTFILE is not allowed")
        if _kills(statement):
            return Plan(text, statement.output_format or default_format, reads=False, kill=statement.tree)
        if not statement.reads:
            return _plain(text, default_format)
        return _led(self._renamed(statement, FOR_ALL), default_format)

    def for_analyst(self, text: str, default_format: str) -> Plan:
        """Plan what the analyst may ask; raises StatementRefused, and the parser's own errors."""
        if _PLAIN.fullmatch(text):
            plan = _plain(text, default_format)
            check_format(plan.output_format)
            return plan
        if described := _DESCRIBE.match(text):
            return self._described(text[described.end() :], default_format)
        statement = self._reader.read(text)
        if statement.tree is None:
            raise only_reads()
        statement = self._checked(self._renamed(statement, FOR_ANALYSTS))
        if _kills(statement):
            return Plan(text, statement.output_format or default_format, reads=False, kill=statement.tree)
        plan = _led(statement, default_format)
        check_format(plan.output_format)
        _check_same(statement, self._reader.read(plan.led))
        return plan

    def _described(self, what: str, default_format: str) -> Plan:
        """Describe what a SELECT from it would give: its columns, without the comments of a table's."""
        selected = self._reader.read(f"SELECT * FROM {what}")  # noqa: S608 - it is only parsed, and checked
        statement = self._checked(self._renamed(selected, FOR_ANALYSTS))
        output_format = statement.output_format or default_format
        check_format(output_format)
        return Plan(f"DESCRIBE TABLE ({statement.body})", output_format, reads=True)

    def _checked(self, statement: Statement) -> Statement:
        if statement.tree is None:
            raise only_reads()
        self._guard.check(statement.tree)
        return statement

    def _renamed(self, statement: Statement, places: frozenset[str]) -> Statement:
        text = renamed_tables(statement, places, CATALOGUE)
        return statement if text == statement.text else self._reader.read(text)


def _plain(text: str, default_format: str) -> Plan:
    named = _FORMAT.search(text)
    return Plan(text, named[1] if named else default_format, reads=_DESCRIBES.match(text) is not None)


def _led(statement: Statement, default_format: str) -> Plan:
    output_format = statement.output_format or default_format
    settings = named_in(statement.tree or {})
    led = statement.led_into(OUT, output_format)
    return Plan(
        statement.text, output_format, reads=True, selects=_selects(statement), led=led, settings=settings
    )


def _selects(statement: Statement) -> bool:
    return statement.tree is not None and str(statement.tree.get("type")).startswith("Select")


def _kills(statement: Statement) -> bool:
    return statement.tree is not None and statement.tree.get("type") == "KillQueryQuery"


def _check_same(checked: Statement, led: Statement) -> None:
    """What is run must be what was checked, and lead its answer where we want it."""
    before, after = checked.tree or {}, led.tree or {}
    place = after.get("out_file", {}).get("value", {}).get("value")
    if place != OUT or _without_output(before) != _without_output(after):
        raise StatementRefused(Rule.ONLY_KNOWN_SYNTAX, "this way of writing a statement is not supported")


def _without_output(tree: Node) -> Node:
    return {name: value for name, value in tree.items() if name not in _OF_THE_OUTPUT}
