"""A statement as the engine's own parser sees it: its tree, its tokens, and where its answer may go."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

Node = dict[str, Any]  # one node of the parser's tree: its shape depends on its "type"

# What only reads, and is answered with rows.
READS = frozenset(
    {"SelectQuery", "SelectWithUnionQuery", "SelectIntersectExceptQuery", "ExplainQuery", "ShowTablesQuery",
     "ShowColumnsQuery", "ShowIndexesQuery"}
)  # fmt: skip
CACHED, CACHED_CHARACTERS = 256, 16_384
"""So many statements are remembered, when they are not longer than this."""
_BLANK = frozenset({"Whitespace", "Comment", "Semicolon"})
_OPENING = frozenset({"OpeningRoundBracket", "OpeningSquareBracket", "OpeningCurlyBrace"})
_CLOSING = frozenset({"ClosingRoundBracket", "ClosingSquareBracket", "ClosingCurlyBrace"})
_NO_TREE = "does not support JSON serialization"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the statement; `kind` as the engine's lexer names it."""

    text: bytes
    kind: str


@dataclass(frozen=True)
class Statement:
    """One statement. `tree` is None where the parser knows it but cannot give its tree."""

    text: str
    tree: Node | None
    tokens: tuple[Token, ...]

    @property
    def reads(self) -> bool:
        """Whether it changes nothing and its answer is rows."""
        return self.tree is not None and self.tree.get("type") in READS

    @property
    def output_format(self) -> str:
        """The format that the statement itself names, or nothing."""
        named = self.tree.get("format_ast") if self.tree else None
        return str(named["name"]) if isinstance(named, dict) else ""

    @property
    def has_outfile(self) -> bool:
        """Whether it wants its answer in a file of the server's."""
        return self.tree is not None and "out_file" in self.tree

    def led_into(self, place: str, output_format: str) -> str:
        """Give the text of a reading statement with its answer led into `place`, in `output_format`."""
        clause = f"\nINTO OUTFILE '{place}' TRUNCATE FORMAT {output_format} "
        return self.body + clause + self._tail

    @cached_property
    def body(self) -> str:
        """The text without its format, and without what a client has put behind it."""
        return _text(self._significant[: self._body_end])

    @cached_property
    def _tail(self) -> str:
        """Settings that stand behind the format."""
        behind = self._significant[self._body_end :]
        words = [n for n, token in enumerate(behind) if token.kind not in _BLANK]
        if not self.output_format:
            return _text(behind)
        return _text(behind[words[1] + 1 :])

    @cached_property
    def _significant(self) -> tuple[Token, ...]:
        tokens = self.tokens
        while tokens and tokens[-1].kind in _BLANK:
            tokens = tokens[:-1]
        return tokens

    @cached_property
    def _body_end(self) -> int:
        if self.output_format:
            return self._last_word(b"FORMAT")
        if self.tree is not None and "settings_ast" in self.tree:
            return self._last_word(b"SETTINGS")
        return len(self._significant)

    def _last_word(self, word: bytes) -> int:
        depth = 0
        for place in reversed(range(len(self._significant))):
            token = self._significant[place]
            depth += (token.kind in _CLOSING) - (token.kind in _OPENING)
            if depth == 0 and token.kind == "BareWord" and token.text.upper() == word:
                return place
        return len(self._significant)


class Reader:
    """Reads statements with the engine's parser and remembers what was asked before."""

    def __init__(self, parse: Callable[[str], str]) -> None:
        self._parse = parse
        self._remembered = lru_cache(maxsize=CACHED)(self._read)

    def read(self, text: str) -> Statement:
        """Read one statement; the parser's errors go through."""
        return self._remembered(text) if len(text) <= CACHED_CHARACTERS else self._read(text)

    def _read(self, text: str) -> Statement:
        try:
            tree, positions = json.loads(self._parse(text))
        except RuntimeError as error:
            if _NO_TREE not in str(error):
                raise
            return Statement(text, None, ())
        raw = text.encode()
        tokens = (Token(raw[one["begin"] : one["end"]], one["type"]) for one in positions)
        return Statement(text, json.loads(tree), tuple(tokens))


def nodes(value: object) -> Iterator[Node]:
    """Give every node of a tree, the root first."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from nodes(child)


def renamed_tables(statement: Statement, places: frozenset[str], database: str) -> str:
    """Give the text with `system.x` written as `database.x` for the tables x of `places`."""
    tokens = list(statement.tokens)
    words = [n for n, token in enumerate(tokens) if token.kind not in _BLANK]
    for first, dot, second in zip(words, words[1:], words[2:], strict=False):
        if tokens[dot].kind == "Dot" and _name(tokens[first]) == "system" and _name(tokens[second]) in places:
            tokens[first] = Token(database.encode(), "BareWord")
    return _text(tokens)


def _name(token: Token) -> str:
    if token.kind not in {"BareWord", "QuotedIdentifier"}:
        return ""
    return re.sub(r'^[`"]|[`"]$', "", token.text.decode())


def _text(tokens: Sequence[Token]) -> str:
    return b"".join(token.text for token in tokens).decode()
