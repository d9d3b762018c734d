"""Keep the table of matters up to date with the landing table.

Nothing here has to be atomic: a matter is a function of its ticket's events, so whatever is written twice is
the same, and the positions, which say up to where the matters are right, are written last. After a kill the
tickets of a few events more are computed again. Two who do it at once must not: the caller holds a lock.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from infra.clickhouse.builds import build_of
from infra.clickhouse.indicators.figure_sql import STORED, verdict_sql
from infra.clickhouse.indicators.matter_sql import matters_sql
from infra.clickhouse.schema import EVENTS_TABLE, PARKED_TABLE
from projections.indicators.answers import LogPosition
from projections.indicators.matter import Matter
from projections.indicators.registry import REGISTRY

MATTERS_VIEW = "liudan.matters"
SETTLED, RECENT, POSITIONS = "liudan.settled_matters", "liudan.recent_matters", "liudan.matter_positions"
NEXT = "liudan.settled_matters_next"
RECENT_ROWS = 20_000
"""With more rows than this the recent matters are put to the settled ones."""
REWRITTEN_EVENTS = 500_000
"""With more new events than this everything is computed again."""
SLICE_EVENTS = 500_000
"""About so many events are computed at a time, so that memory suffices."""

_COLUMNS = ", ".join(Matter._fields)
NUMBER_HASH = "toUInt32(sipHash64(number))"
KEPT: dict[str, str] = {
    "number_hash": NUMBER_HASH,
    **{column: verdict_sql(REGISTRY[key]) for key, column in STORED.items()},
}
"""What the tables keep beside a matter's own columns, so that a question need not work it out."""
_LANDED = f"""
SELECT log_partition, max(log_offset) + 1, count(), max(store_position)
FROM {EVENTS_TABLE} GROUP BY log_partition
"""  # noqa: S608 - own name
_MADE_BY = sha256("\n".join([matters_sql(), *KEPT, *KEPT.values()]).encode()).hexdigest()[:16]
_REACHED = f"""
SELECT log_partition, next_offset, events, store_position, build, made_by FROM {POSITIONS} FINAL
"""  # noqa: S608 - own name
_NOT_SETTLED = f"""
{RECENT} WHERE (number, cycle, version) NOT IN (SELECT number, cycle, version FROM {SETTLED})
"""  # noqa: S608 - own names

_SHARED = f"""
INSERT INTO {RECENT} SELECT * FROM {NEXT}
WHERE number_hash IN (SELECT number_hash FROM {RECENT}) AND number NOT IN (SELECT number FROM {RECENT})
"""  # noqa: S608 - own names
"""What will be settled and shares its hash with a ticket among the recent ones has to be there, too."""


class Reached(NamedTuple):
    """How far a partition of the log has come."""

    next_offset: int = 0
    events: int = 0
    store_position: int = 0


class Making(NamedTuple):
    """What the matters were made of, and how: when that changes, all are made anew."""

    build: int
    """Of the landing table."""
    statement: str


def refresh(client: Client) -> bool:
    """Bring the matters up to date; give whether there was anything to do. Raises ClickHouseError."""
    _let_go(client)
    landed = _landed(client)
    known, made_of = _reached(client)
    makes = Making(build_of(client), _MADE_BY)
    if landed == known and made_of in ({makes}, set()):
        return False
    new = sum(one.events for one in landed.values()) - sum(one.events for one in known.values())
    if made_of != {makes} or not 0 <= new <= REWRITTEN_EVENTS:
        _rewrite(client, _computed(landed))
    else:
        _write(client, RECENT, matters_sql(f"number IN ({_moved(landed, known)})"))
        if _count(client, RECENT) > RECENT_ROWS:
            _rewrite(client, [f"SELECT {_COLUMNS} FROM {MATTERS_VIEW}"])  # noqa: S608 - own names
    _remember(client, landed, makes)
    return True


def read_position(client: Client) -> LogPosition:
    """Say up to where the matters are right, and how far the landing is."""
    known, _ = _reached(client)
    return LogPosition(
        offsets={partition: one.next_offset for partition, one in known.items()},
        store_position=max((one.store_position for one in known.values()), default=0),
        landed={partition: one.next_offset for partition, one in _landed(client).items()},
    )


def current_matters(columns: Sequence[str], condition: str) -> str:
    """Give the statement for matters as they are now; as the view does, of these columns alone.

    Numbers are compared by their hash, which takes a third of the time. What shares the hash of a recent
    ticket is always among the recent ones itself.
    """
    names = ", ".join(columns)
    return f"""
    SELECT {names} FROM {SETTLED} WHERE {condition} AND number_hash NOT IN (SELECT number_hash FROM {RECENT})
    UNION ALL SELECT {names} FROM {RECENT} FINAL WHERE {condition}
    """  # noqa: S608 - our own names


def _moved(landed: Mapping[int, Reached], known: Mapping[int, Reached]) -> str:
    """The tickets with events that are new, those whose events may have come out of their order, and those
    that share a hash with one of them.
    """
    new = " OR ".join(
        f"(log_partition = {partition} AND log_offset >= {known.get(partition, Reached()).next_offset})"
        for partition in landed
    )
    moved = (
        f"SELECT number FROM {EVENTS_TABLE} WHERE {new} "  # noqa: S608 - own names and numbers
        f"UNION DISTINCT SELECT number FROM {PARKED_TABLE}"
    )
    return f"""
    {moved} UNION DISTINCT
    SELECT number FROM {SETTLED} WHERE number_hash IN (SELECT {NUMBER_HASH} FROM ({moved}))
    """  # noqa: S608 - own names and numbers


def _computed(landed: Mapping[int, Reached]) -> Iterator[str]:
    """Statements that compute all matters; each has the tickets of one slice."""
    slices = sum(one.events for one in landed.values()) // SLICE_EVENTS + 1
    for n in range(slices):
        yield matters_sql(f"cityHash64(number) % {slices} = {n}")


def _rewrite(client: Client, statements: Iterable[str]) -> None:
    """Write the settled matters anew beside the old ones and swap them in.

    The recent ones stay until the next time: who has just begun to read the old ones needs them.
    """
    client.command(f"TRUNCATE TABLE {NEXT}")
    for statement in statements:
        _write(client, NEXT, statement)
    client.command(_SHARED)
    client.command(f"ALTER TABLE {SETTLED} REPLACE PARTITION tuple() FROM {NEXT}")
    client.command(f"TRUNCATE TABLE {NEXT}")


def _let_go(client: Client) -> None:
    """Empty the recent matters when they are many and all of them are settled."""
    if _count(client, RECENT) > RECENT_ROWS and not _count(client, _NOT_SETTLED):
        client.command(f"TRUNCATE TABLE {RECENT}")


def _write(client: Client, table: str, statement: str) -> None:
    made = ", ".join(KEPT.values())
    columns = ", ".join([_COLUMNS, *KEPT])
    client.command(
        f"INSERT INTO {table} ({columns}) SELECT {_COLUMNS}, {made} FROM ({statement})"  # noqa: S608 - own
    )


def _count(client: Client, of: str) -> int:
    return int(str(client.command(f"SELECT count() FROM {of}")))  # noqa: S608 - our own names


def _landed(client: Client) -> dict[int, Reached]:
    rows = client.query(_LANDED).result_rows
    return {int(partition): Reached(int(after), int(events), int(newest))
            for partition, after, events, newest in rows}  # fmt: skip


def _reached(client: Client) -> tuple[dict[int, Reached], set[Making]]:
    rows = client.query(_REACHED).result_rows
    known = {int(partition): Reached(int(after), int(events), int(newest))
             for partition, after, events, newest, *_ in rows}  # fmt: skip
    return known, {Making(int(build), str(made_by)) for *_, build, made_by in rows}


def _remember(client: Client, landed: Mapping[int, Reached], makes: Making) -> None:
    rows = [[partition, *one, *makes] for partition, one in sorted(landed.items())]
    columns = ["log_partition", "next_offset", "events", "store_position", "build", "made_by"]
    client.insert(POSITIONS, rows, column_names=columns)
