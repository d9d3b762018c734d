"""The request headers that make commands safe to repeat and to race: Idempotency-Key, If-Match, ETag."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from uuid import UUID, uuid4

from api.problems import Rejection
from domain.ticket_event import Actor

IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH = "Idempotency-Key", "If-Match", "If-None-Match"
REPLAYED = "Idempotent-Replay"
MAX_KEY_LENGTH = 200

_ENTITY_TAG = re.compile(rb'"([1-9][0-9]{0,8})"')
_WEAK_OR_STRONG = re.compile(r'(?:W/)?"([^"]*)"')


def command_id(headers: Mapping[bytes, bytes], actor: Actor, known_by: Callable[[Actor, str], UUID]) -> UUID:
    """Give the command's id from `Idempotency-Key`; raises Rejection (400).

    A UUID is used as it is. Any other text counts among the actor's own keys only: `known_by` makes an id of
    it that does not tell the actor. Without the header every request is a command of its own.
    """
    raw = headers.get(b"idempotency-key")
    if raw is None:
        return uuid4()
    key = raw.decode("latin-1").strip().removeprefix('"').removesuffix('"')
    if not key or len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise _malformed(IDEMPOTENCY_KEY, f"has 1 to {MAX_KEY_LENGTH} printable characters")
    try:
        return UUID(key)
    except ValueError:
        return known_by(actor, key)


def expected_version(headers: Mapping[bytes, bytes]) -> int | None:
    """Give the version that `If-Match` asks for, None when any will do; raises Rejection (400)."""
    raw = headers.get(b"if-match")
    if raw is None or raw.strip() == b"*":
        return None
    match = _ENTITY_TAG.fullmatch(raw.strip())
    if match is None:
        raise _malformed(IF_MATCH, 'is the ticket\'s version in quotes, as in its ETag: "3"')
    return int(match[1])


def is_known(if_none_match: str | None, version: int) -> bool:
    """Whether `If-None-Match` names this version (compared weakly, as RFC 9110 says)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or str(version) in _WEAK_OR_STRONG.findall(if_none_match)


def etag(version: int) -> str:
    """Give the entity tag of a ticket: its version."""
    return f'"{version}"'


def _malformed(header: str, what: str) -> Rejection:
    rule = f"malformed-{header.lower()}"
    return Rejection(HTTPStatus.BAD_REQUEST, rule, f"{header} {what}", field=header)
