"""The warehouse's DDL as files: numbered, repeatable, and replicated where a cluster is named."""

import re

from infra.clickhouse.indicators.matter_tables import KEPT, NEXT, RECENT, SETTLED
from infra.clickhouse.migration_files import SqlFile, migrations, views
from infra.clickhouse.schema import EVENTS_TABLE, PARKED_TABLE, POSITIONS_TABLE

TABLES = (EVENTS_TABLE, PARKED_TABLE, POSITIONS_TABLE)


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [file.number for file in migrations()] == list(range(1, len(migrations()) + 1))


def test_every_statement_may_be_repeated() -> None:
    for file in (*migrations(), *views()):
        for statement in file.statements():
            repeatable = (
                "IF NOT EXISTS",
                "OR REPLACE",
                "INSERT INTO liudan.region_names",  # it replaces
                "DROP PARTITION tuple()",
            )
            assert any(words in statement for words in repeatable), statement[:80]


def test_there_is_a_column_for_every_verdict_that_is_kept() -> None:
    text = "\n".join(file.text for file in migrations())
    for table in (SETTLED, NEXT, RECENT):
        [added] = re.findall(rf"^ALTER TABLE {table}\n(.*?)\n;$", text, re.MULTILINE | re.DOTALL)
        assert re.findall(r"ADD COLUMN IF NOT EXISTS (\w+)", added) == list(KEPT), table


def test_views_are_made_once_each() -> None:
    assert len({file.name for file in views()}) == len(views())


def test_a_cluster_gets_the_same_tables_replicated() -> None:
    ours = [text for file in migrations() for text in file.statements()]
    theirs = [text for file in migrations() for text in file.statements("grid'net")]
    assert len(ours) == len(theirs)
    ours, theirs = ([text for text in texts if not text.startswith("INSERT")] for texts in (ours, theirs))
    for one, other in zip(ours, theirs, strict=True):
        assert "ON CLUSTER 'grid\\'net'" in other.partition("\n")[0]
        assert "ENGINE = MergeTree" not in other
        back = other.replace(" ON CLUSTER 'grid\\'net'", "").replace("ENGINE = Replicated", "ENGINE = ")
        assert back == one
    made = "\n".join(theirs)
    assert all(f"CREATE TABLE IF NOT EXISTS {table} ON CLUSTER" in made for table in TABLES)
    assert "ENGINE = ReplicatedReplacingMergeTree(next_offset)" in made


def test_comments_and_semicolons_inside_a_line_end_no_statement() -> None:
    text = "-- one; two\nCREATE TABLE IF NOT EXISTS t\n(\n    a String COMMENT 'x; y'\n)\n;\n-- three\n"
    assert list(SqlFile(1, "t", text).statements()) == [
        "CREATE TABLE IF NOT EXISTS t\n(\n    a String COMMENT 'x; y'\n)"
    ]
