"""The warehouse's DDL as it lies in the package: numbered migrations, and the views as they are today.

A migration is applied once and never changed again. A view has no past worth keeping: its file says what it
is now, and it is made anew when the file has changed. Both are SQL files of statements that may be repeated;
a statement ends with a semicolon at the end of a line.
"""

import re
from collections.abc import Iterator
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
_COMMENT = re.compile(r"^--.*\n?", re.MULTILINE)


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
            if statement.strip():
                yield _for_cluster(statement.strip(), cluster) if cluster else statement.strip()


def _for_cluster(statement: str, cluster: str) -> str:
    """Replicated engines take their path and replica name from the server's own defaults."""
    name = cluster.replace("\\", "\\\\").replace("'", "\\'")
    statement = _TARGET.sub(lambda found: f"{found[1]} ON CLUSTER '{name}'", statement)
    return _ENGINE.sub(r"ENGINE = Replicated\1", statement)


@cache
def migrations() -> tuple[SqlFile, ...]:
    """Give the migrations in their order; they are numbered from 1 without a gap."""
    return _read("migrations")


@cache
def views() -> tuple[SqlFile, ...]:
    """Give the views in the order in which they can be made."""
    return _read("views")


def _read(folder: str) -> tuple[SqlFile, ...]:
    found = []
    for entry in (files("infra.clickhouse") / folder).iterdir():
        parts = _FILE.fullmatch(entry.name)
        if parts:
            found.append(SqlFile(int(parts[1]), parts[2], entry.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda file: (file.number, file.name)))
