"""What analysts get of every event: one flat row, no personal data.

`COLUMNS` is the whole mapping, as plain data: the name of the column, what kind of value it holds and where
in the CloudEvents JSON it comes from. Actor ids and the sealed personal part of an event have no column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar
from uuid import UUID

import orjson

from domain.errors import Poison

_T = TypeVar("_T")
Value = str | int | bool | datetime | None
Row = Mapping[str, Value]

MAX_NUMBER = 2**31 - 1
# What a column of times can hold in ClickHouse (DateTime64), with a year to spare on both sides.
EARLIEST, LATEST = datetime(1901, 1, 1, tzinfo=UTC), datetime(2261, 1, 1, tzinfo=UTC)


class Kind(Enum):
    """What a column holds. Missing words and text are empty, a missing flag is false, the rest is null."""

    IDENTIFIER = "uuid"
    WORD = "word"  # text of which there are few different ones
    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    MOMENT = "moment"  # microseconds, UTC


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the landing row, read from `path` in the event; without a required value it is poison."""

    name: str
    kind: Kind
    path: tuple[str, ...]
    required: bool = False


def _envelope(name: str, kind: Kind, attribute: str) -> Column:
    return Column(name, kind, (attribute,), required=True)


def _actor(name: str, attribute: str) -> Column:
    return Column(name, Kind.WORD, ("data", "actor", attribute))


def _ticket(name: str, kind: Kind = Kind.WORD, *, required: bool = False) -> Column:
    return Column(name, kind, ("data", "ticket", name), required)


COLUMNS: tuple[Column, ...] = (
    _envelope("event_id", Kind.IDENTIFIER, "id"),
    _envelope("type", Kind.WORD, "type"),
    _envelope("number", Kind.TEXT, "subject"),
    _envelope("sequence", Kind.NUMBER, "sequence"),
    _envelope("occurred_at", Kind.MOMENT, "time"),
    _envelope("recorded_at", Kind.MOMENT, "recordedtime"),
    _actor("actor_role", "role"),
    _actor("actor_unit", "unit"),
    _ticket("region", required=True),
    _ticket("grid"),
    _ticket("category"),
    _ticket("matter_class"),
    _ticket("urgency"),
    _ticket("channel"),
    _ticket("state", required=True),
    _ticket("level"),
    _ticket("holder"),
    _ticket("first_handler"),
    _ticket("cycle", Kind.NUMBER, required=True),
    _ticket("placed_at", Kind.MOMENT, required=True),
    _ticket("stage_entered_at", Kind.MOMENT, required=True),
    _ticket("stage_due", Kind.MOMENT),
    _ticket("resolve_due", Kind.MOMENT),
    _ticket("rating_due", Kind.MOMENT),
    _ticket("resolved_at", Kind.MOMENT),
    _ticket("closed_at", Kind.MOMENT),
    _ticket("suspended", Kind.FLAG),
    _ticket("emergency", Kind.FLAG),
    _ticket("returns", Kind.NUMBER, required=True),
    _ticket("end"),
    _ticket("origin"),
    _ticket("source_id", Kind.TEXT),
)


def landing_row(value: bytes, number: str) -> Row:
    """Map one event, as the bytes of its CloudEvents JSON, to its row.

    `number` is the key the record was stored under. Raises Poison, naming the column, when the bytes are
    not such an event.
    """
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Poison(f"not JSON: {error}") from error
    row = {column.name: _read(event, column) for column in COLUMNS}
    if row["number"] != number:
        raise Poison(f"the record of ticket {number} carries an event of {row['number']}")
    return row


def _read(event: object, column: Column) -> Value:
    found = event
    for step in column.path:
        found = found.get(step) if isinstance(found, dict) else None
    if found is None and column.required:
        raise Poison(f"{'.'.join(column.path)} is missing")
    try:
        return _CONVERT[column.kind](found)
    except (ValueError, TypeError, OverflowError) as error:
        raise Poison(f"{'.'.join(column.path)} is not a {column.kind.value}") from error


def _text(found: object) -> str:
    return "" if found is None else _expect(found, str)


def _flag(found: object) -> bool:
    return False if found is None else _expect(found, bool)


def _number(found: object) -> int | None:
    if found is None:
        return None
    number = _expect(found, int)
    if isinstance(found, bool) or not 0 <= number <= MAX_NUMBER:
        raise ValueError(number)
    return number


def _identifier(found: object) -> str:
    return str(UUID(_expect(found, str)))


def _moment(found: object) -> datetime | None:
    if found is None:
        return None
    moment = datetime.fromisoformat(_expect(found, str))
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if not EARLIEST <= moment < LATEST:
        raise ValueError(moment)
    return moment


def _expect(found: object, kind: type[_T]) -> _T:
    if not isinstance(found, kind):
        raise TypeError(kind.__name__)
    return found


_CONVERT = {
    Kind.IDENTIFIER: _identifier,
    Kind.WORD: _text,
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.MOMENT: _moment,
}
