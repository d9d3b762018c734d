"""One page of a list, and the cursor that names the place where the next one begins.

A cursor holds the sort key of the last row that was given (keyset pagination), so pages neither repeat nor
miss a row whose key stays as it is, whatever is added or changed meanwhile.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import orjson

from domain.errors import Invalid

T = TypeVar("T")
KeyPart = str | int | datetime | None
MAX_LIMIT = 500
_CHECK_BYTES = 6
_MOMENT = "@"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list; `next_cursor` is None on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def checked_limit(limit: int) -> int:
    """Give `limit` back if it is from 1 to MAX_LIMIT; raises Invalid."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid(f"limit is from 1 to {MAX_LIMIT}", field="limit")
    return limit


def write_cursor(order: str, key: Sequence[KeyPart]) -> str:
    """Pack a sort key; `order` names the order it belongs to."""
    plain = [
        f"{_MOMENT}{part.astimezone(UTC).isoformat()}" if isinstance(part, datetime) else part for part in key
    ]
    payload = orjson.dumps([order, *plain])
    return base64.urlsafe_b64encode(_check(payload) + payload).rstrip(b"=").decode()


def read_cursor(cursor: str, order: str, length: int) -> tuple[KeyPart, ...]:
    """Unpack what `write_cursor` made; raises Invalid for one that was changed or is of another list."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, payload = packed[:_CHECK_BYTES], packed[_CHECK_BYTES:]
        if check != _check(payload):
            raise ValueError(cursor)
        name, *parts = orjson.loads(payload)
        if name != order or len(parts) != length:
            raise ValueError(name)
        return tuple(_part(part) for part in parts)
    except (binascii.Error, ValueError, TypeError) as error:
        raise Invalid(
            "the cursor is not one that this list gave out", rule="bad-cursor", field="cursor"
        ) from (error)


def _part(part: str | int | None) -> KeyPart:
    if isinstance(part, str) and part.startswith(_MOMENT):
        return datetime.fromisoformat(part[1:])
    return part


def _check(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_CHECK_BYTES).digest()
