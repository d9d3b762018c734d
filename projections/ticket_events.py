"""What analysts get of every event: one flat row, no personal data.

`COLUMNS` is the whole mapping, as plain data: the name of the column, what kind of value it holds and where
in the CloudEvents JSON it comes from. Actor ids, the ids of persons and the sealed personal part of an event
have no column, nor has any `reason` that somebody wrote in words of their own.
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
Value = str | int | float | bool | datetime | None
Row = Mapping[str, Value]

MAX_NUMBER = 2**31 - 1
MAX_SCORE = 255
# What a column of times can hold in ClickHouse (DateTime64), with a year to spare on both sides.
EARLIEST, LATEST = datetime(1901, 1, 1, tzinfo=UTC), datetime(2261, 1, 1, tzinfo=UTC)


class Kind(Enum):
    """What a column holds. Missing words and text are empty, a missing flag is false, the rest is null."""

    IDENTIFIER = "uuid"
    WORD = "word"  # text of which there are few different ones
    TEXT = "text"
    NUMBER = "number"
    SECONDS = "seconds"
    FLAG = "flag"
    ANSWER = "answer"  # yes, no, or never given
    MOMENT = "moment"  # microseconds, UTC


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the landing row, read from `path` in the event; without a required value it is poison."""

    name: str
    kind: Kind
    path: tuple[str, ...]
    required: bool = False
    only_in: str = ""
    """The one type of event that it is taken from; in others the same place holds something else."""
    most: int = MAX_NUMBER
    """The largest number that it holds."""


def _envelope(name: str, kind: Kind, attribute: str) -> Column:
    return Column(name, kind, (attribute,), required=True)


def _actor(name: str, attribute: str) -> Column:
    return Column(name, Kind.WORD, ("data", "actor", attribute))


def _ticket(name: str, kind: Kind = Kind.WORD, *, required: bool = False) -> Column:
    return Column(name, kind, ("data", "ticket", name), required)


def _fact(name: str, kind: Kind = Kind.WORD, *, path: tuple[str, ...] = (), only_in: str = "") -> Column:
    return Column(name, kind, ("data", *(path or (name,))), only_in=only_in)


COLUMNS: tuple[Column, ...] = (
    _envelope("event_id", Kind.IDENTIFIER, "id"),
    _envelope("type", Kind.WORD, "type"),
    _envelope("number", Kind.TEXT, "subject"),
    _envelope("sequence", Kind.NUMBER, "sequence"),
    _envelope("occurred_at", Kind.MOMENT, "time"),
    _envelope("recorded_at", Kind.MOMENT, "recordedtime"),
    _envelope("command_id", Kind.IDENTIFIER, "commandid"),
    _envelope("correlation_id", Kind.IDENTIFIER, "correlationid"),
    _envelope("causation_id", Kind.IDENTIFIER, "causationid"),
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
    _fact("outcome"),
    _fact("resolver_level", path=("resolver", "level")),
    _fact("resolver", path=("resolver", "unit")),
    _fact("resolved_from"),
    _fact("solved", Kind.ANSWER),
    Column("score", Kind.NUMBER, ("data", "score"), most=MAX_SCORE),
    _fact("reject_reason", path=("reason",), only_in="liudan.ticket.order-rejected.v1"),
    _fact("response_kind", path=("kind",), only_in="liudan.ticket.response-logged.v1"),
    _fact("cohandler", path=("unit",), only_in="liudan.ticket.co-handler-added.v1"),
    _fact("assigned_level", path=("holder", "level")),
    _fact("assigned_unit", path=("holder", "unit")),
    _fact("binding", Kind.FLAG),
    _fact("escalated_to", path=("to_level",)),
    _fact("paused_seconds", Kind.SECONDS),
    _fact("extension_until", Kind.MOMENT, path=("until",)),
    _fact("child", Kind.TEXT),
    _fact("parent", Kind.TEXT),
    _fact("policy", path=("deadlines", "policy")),
    _fact("calendar", path=("deadlines", "calendar")),
    _fact("provisional", Kind.FLAG, path=("deadlines", "provisional")),
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
    kind = event.get("type") if isinstance(event, dict) else None
    row = {column.name: _read(event, column) for column in COLUMNS if column.only_in in ("", kind)}
    row |= {column.name: "" for column in COLUMNS if column.name not in row}
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
        value = _CONVERT[column.kind](found)
        if isinstance(value, int) and value > column.most:
            raise ValueError(value)
        return value
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
    if isinstance(found, bool) or number < 0:
        raise ValueError(number)
    return number


def _seconds(found: object) -> float | None:
    if found is None:
        return None
    seconds = float(found) if isinstance(found, int) else _expect(found, float)
    if isinstance(found, bool) or not 0 <= seconds <= MAX_NUMBER:
        raise ValueError(seconds)
    return seconds


def _answer(found: object) -> bool | None:
    return None if found is None else _expect(found, bool)


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
    Kind.SECONDS: _seconds,
    Kind.FLAG: _flag,
    Kind.ANSWER: _answer,
    Kind.MOMENT: _moment,
}
