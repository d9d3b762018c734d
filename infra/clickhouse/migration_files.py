"""The warehouse's DDL as it lies in the package: numbered migrations, and the views as they are today.

A migration is applied once and never changed again. A view has no past worth keeping: its file says what it
is now, and it is made anew when the file has changed. Both are SQL files of statements that may be repeated;
a statement ends with a semicolon at the end of a line.

A view's file with `@variant` in it makes three of it: as of now, as of a moment, and as of a moment by what
was known at another one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

_FILE = re.compile(r"(\d+)_(\w+)\.sql")
_TARGET = re.compile(
    r"\A((?:CREATE|ALTER|DROP) (?:OR REPLACE )?(?:TABLE|VIEW|DATABASE|DICTIONARY)"
    r" (?:IF (?:NOT )?EXISTS )?[\w.]+)"
)
_ENGINE = re.compile(r"^ENGINE = (\w*MergeTree)", re.MULTILINE)
_COMMENT = re.compile(r"^ *--.*\n?", re.MULTILINE)
_T, _KNOWN = "{t:DateTime64(6, 'Asia/Shanghai')}", "{known:DateTime64(6, 'Asia/Shanghai')}"
_THEN = f"WHERE e.occurred_at <= {_T}"
_VARIANTS: Sequence[Mapping[str, str]] = (
    {"@variant": "", "@where": "", "@now": "now64(6)", "@says": "as of now"},
    {"@variant": "_as_of", "@where": _THEN, "@now": _T, "@says": "as of the moment t"},
    {
        "@variant": "_as_known",
        "@where": f"{_THEN} AND e.recorded_at <= {_KNOWN}",
        "@now": _T,
        "@says": "as of the moment t, by what was recorded until the moment known",
    },
)
"""What the marks in a view's file stand for."""


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One file. Its number orders it; of a migration it is also its identity."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """What tells whether a file has changed."""
        return sha256(self.text.encode()).hexdigest()[:16]

    def statements(self, cluster: str = "") -> Iterator[str]:
        """Give the statements; for a `cluster` as ON CLUSTER, and the tables replicated."""
        for statement in re.split(r";\s*$", _COMMENT.sub("", self.text), flags=re.MULTILINE):
            for variant in _variants(statement.strip()):
                yield _for_cluster(variant, cluster) if cluster else variant


def _variants(statement: str) -> Iterator[str]:
    if "@variant" not in statement:
        yield from filter(None, [statement])
        return
    for variant in _VARIANTS:
        text = statement
        for mark, meaning in variant.items():
            text = text.replace(mark, meaning)
        yield re.sub(r"\n *(?=\n)", "", text)


def on_cluster(cluster: str) -> str:
    """Give the clause that takes a statement to every replica; nothing for a server of its own."""
    name = cluster.replace("\\", "\\\\").replace("'", "\\'")
    return f" ON CLUSTER '{name}'" if cluster else ""


def _for_cluster(statement: str, cluster: str) -> str:
    """Replicated engines take their path and replica name from the server's own defaults."""
    statement = _TARGET.sub(lambda found: found[1] + on_cluster(cluster), statement)
    return _ENGINE.sub(r"ENGINE = Replicated\1", statement)


@cache
def migrations() -> tuple[SqlFile, ...]:
    """Give the migrations in their order; they are numbered from 1 without a gap."""
    return _read("migrations")


@cache
def views() -> tuple[SqlFile, ...]:
    """Give the views in the order in which they can be made."""
    return _read("views")


@cache
def parameterised_views() -> frozenset[str]:
    """Name the views that are asked like a table function: `liudan.tickets_as_of(t = '…')`."""
    made = (statement for file in views() for statement in file.statements())
    return frozenset(_TARGET.split(statement)[1].split()[-1] for statement in made if "{t:" in statement)


def _read(folder: str) -> tuple[SqlFile, ...]:
    found = []
    for entry in (files("infra.clickhouse") / folder).iterdir():
        parts = _FILE.fullmatch(entry.name)
        if parts:
            found.append(SqlFile(int(parts[1]), parts[2], entry.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda file: (file.number, file.name)))
