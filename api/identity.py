"""Who is asking. Until sign-in exists: three headers, and only on a developer's own machine.

The headers are believed as they come, so they are off unless `LIUDAN_DEV_IDENTITY=1`, and with them on
the server is not exposed beyond the loopback addresses.
"""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from api.problems import Rejection
from domain.ticket_event import Actor
from domain.vocabulary import Role

ACTOR, ROLE, UNIT = "X-Liudan-Actor", "X-Liudan-Role", "X-Liudan-Unit"
SETTING = "LIUDAN_DEV_IDENTITY"
MAX_LENGTH = 200

_CHALLENGE = {"WWW-Authenticate": "Liudan-Dev"}
_WITHOUT_UNIT = frozenset({Role.RESIDENT, Role.SYSTEM, Role.DATA_PROTECTION})

Headers = Mapping[bytes, bytes]


class Identify(Protocol):
    """Finds out who is asking; raises Rejection (401) when nobody believable is."""

    def of(self, headers: Headers) -> Actor:
        """Read the actor from the request's headers, names in lower case."""
        ...

    async def __call__(self, request: Request) -> Actor:
        """As `of`, as a dependency of an endpoint."""
        ...


class HeaderIdentity:
    """Believes the development headers, if that is switched on at all."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled

    def of(self, headers: Headers) -> Actor:
        """Read the actor; raises Rejection (401)."""
        if not self._enabled:
            raise _unknown(
                f"nobody can sign in yet; for development set {SETTING}=1 and send {ACTOR}, {ROLE}, {UNIT}"
            )
        try:
            return _actor(
                headers[b"x-liudan-actor"], headers[b"x-liudan-role"], headers.get(b"x-liudan-unit")
            )
        except KeyError as missing:
            raise _unknown(f"say who you are with {ACTOR} and {ROLE}", ACTOR, "no-identity") from missing

    async def __call__(self, request: Request) -> Actor:
        """Read the actor of a request; raises Rejection (401)."""
        return self.of(dict(request.scope["headers"]))


@lru_cache(maxsize=4096)
def _actor(actor: bytes, role: bytes, unit: bytes | None) -> Actor:
    known = _role(_text(role, ROLE))
    name = _text(actor, ACTOR)
    if known is Role.RESIDENT:
        return Actor(name, known)
    if unit is None and known not in _WITHOUT_UNIT:
        raise _unknown(f"an officer of role {known} acts for a unit: send {UNIT}", UNIT, "bad-identity")
    return Actor(name, known, _text(unit, UNIT) if unit is not None else None)


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        roles = ", ".join(Role)
        raise _unknown(f"{ROLE} is one of: {roles}", ROLE, "bad-identity") from None


def _text(raw: bytes, header: str) -> str:
    """Read a header value: UTF-8, which may be percent-encoded."""
    try:
        text = unquote_to_bytes(raw).decode().strip()
    except UnicodeDecodeError:
        raise _unknown(f"{header} is not UTF-8", header, "bad-identity") from None
    if not text or len(text) > MAX_LENGTH or not text.isprintable():
        raise _unknown(f"{header} has 1 to {MAX_LENGTH} printable characters", header, "bad-identity")
    return text


def _unknown(detail: str, field: str | None = None, rule: str = "sign-in-required") -> Rejection:
    return Rejection(HTTPStatus.UNAUTHORIZED, rule, detail, field=field, headers=_CHALLENGE)
