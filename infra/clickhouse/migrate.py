"""Bring a ClickHouse to the newest schema, and say how far it is.

What was done stands in `liudan.migrations`, one row for every file each time that it was applied. All
statements may be repeated, so that a kill between a statement and its row does no harm, nor do two processes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from domain.errors import Invalid
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.migration_files import SqlFile, migrations, views
from infra.clickhouse.schema import MIGRATIONS_TABLE

_BEGIN = SqlFile(
    0,
    "status",
    f"""
CREATE DATABASE IF NOT EXISTS liudan;
CREATE TABLE IF NOT EXISTS {MIGRATIONS_TABLE}
(
    kind Enum8('migration' = 1, 'view' = 2) COMMENT 'a numbered step, or a view as it is now',
    number UInt32 COMMENT 'the file''s number',
    name String COMMENT 'the file''s name',
    digest String COMMENT 'which text of the file was applied',
    applied_at DateTime64(6, 'Asia/Shanghai') DEFAULT now64(6) COMMENT 'when; the newest row of a file counts'
)
ENGINE = MergeTree
ORDER BY (kind, number, name, applied_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'which migrations and views were applied, and when';
""",
)
_APPLIED = f"""
SELECT toString(kind), number, name, argMax(digest, applied_at), max(liudan_applied.applied_at)
FROM {MIGRATIONS_TABLE} AS liudan_applied GROUP BY kind, number, name
"""  # noqa: S608 - own name
_KNOWN = "SELECT count() FROM system.tables WHERE database = 'liudan' AND name = 'migrations'"


@dataclass(frozen=True, slots=True)
class Change:
    """A migration or a view, and whether the warehouse has it."""

    kind: str
    file: SqlFile
    applied_at: datetime | None
    """None where it is still to be applied, in this text."""


def status(client: Client) -> tuple[Change, ...]:
    """Say of every migration and view whether it was applied; raises ClickHouseUnavailable, Invalid.

    Invalid: the warehouse was made by a newer version of liudan, or a migration was changed afterwards.
    """
    try:
        rows = client.query(_APPLIED).result_rows if client.command(_KNOWN) else []
    except ClickHouseError as error:
        raise ClickHouseUnavailable(f"ClickHouse does not say what its tables are: {error}") from error
    done = {(str(kind), int(number), str(name)): (str(digest), at) for kind, number, name, digest, at in rows}
    _check_known(done)
    return tuple(
        Change(kind, file, _applied_at(done.get((kind, file.number, file.name)), file))
        for kind, files in (("migration", migrations()), ("view", views()))
        for file in files
    )


def migrate(client: Client, cluster: str = "") -> Sequence[Change]:
    """Apply what is missing and give it, in order; raises as `status` does.

    `cluster` names the cluster of a replicated server (LIUDAN_CLICKHOUSE_CLUSTER).
    """
    missing = [change for change in status(client) if change.applied_at is None]
    try:
        if missing:
            for statement in _BEGIN.statements(cluster):
                client.command(statement)
        for change in missing:
            for statement in change.file.statements(cluster):
                client.command(statement)
            _write_down(client, change)
    except ClickHouseError as error:
        raise ClickHouseUnavailable(f"ClickHouse's tables cannot be made: {error}") from error
    return missing


def _write_down(client: Client, change: Change) -> None:
    row = [change.kind, change.file.number, change.file.name, change.file.digest]
    client.insert(MIGRATIONS_TABLE, [row], column_names=["kind", "number", "name", "digest"])


def _applied_at(done: tuple[str, datetime] | None, file: SqlFile) -> datetime | None:
    return done[1] if done and done[0] == file.digest else None


def _check_known(done: dict[tuple[str, int, str], tuple[str, datetime]]) -> None:
    ours = {("migration", file.number, file.name): file.digest for file in migrations()}
    for key, (digest, _) in sorted(done.items()):
        kind, number, name = key
        if kind == "migration" and ours.get(key) != digest:
            problem = "was changed after it was applied" if key in ours else "is newer than this liudan"
            raise Invalid(
                f"the ClickHouse tables' migration {number} ({name}) {problem}: "
                "update liudan, or rebuild the analytics in another database",
                field="LIUDAN_CLICKHOUSE",
            )
