"""Sessions of the ClickHouse protocol: a handle that stays, with its temporary tables and settings.

The analyst's sessions keep no handle: an analyst can make no table and set nothing, so that there is nothing
to keep; they only behave as sessions do.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from infra.clickhouse.engine import Handle
from infra.clickhouse.http_errors import ServerError

_MOST_SESSIONS = 256


@dataclass(slots=True)
class _Session:
    handle: Handle
    busy: bool = False
    expiry: asyncio.TimerHandle | None = None


class Sessions:
    """The open sessions, by user and id; used on the event loop only."""

    def __init__(self, close: Callable[[Handle], None]) -> None:
        self._close = close
        self._open: dict[tuple[str, str], _Session] = {}

    @asynccontextmanager
    async def taken(
        self, user: str, session_id: str, *, seconds: int, must_exist: bool, make: Callable[[], Handle]
    ) -> AsyncIterator[Handle]:
        """Have a session alone; it ends `seconds` after its last use. Raises ServerError."""
        key = (user, session_id)
        session = self._open.get(key)
        if session is None:
            session = self._made(key, must_exist, make)
        if session.busy:
            raise ServerError(
                373, "SESSION_IS_LOCKED", f"Session {session_id} is locked by a concurrent client"
            )
        if session.expiry is not None:
            session.expiry.cancel()
        session.busy = True
        try:
            yield session.handle
        finally:
            session.busy = False
            session.expiry = asyncio.get_running_loop().call_later(seconds, self._end, key)

    def close(self) -> None:
        """End all sessions."""
        for key in list(self._open):
            self._end(key)

    def _made(self, key: tuple[str, str], must_exist: bool, make: Callable[[], Handle]) -> _Session:
        if must_exist:
            raise ServerError(372, "SESSION_NOT_FOUND", f"Session {key[1]} not found")
        if len(self._open) >= _MOST_SESSIONS:
            raise ServerError(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many sessions are open")
        session = self._open[key] = _Session(make())
        return session

    def _end(self, key: tuple[str, str]) -> None:
        session = self._open.pop(key, None)
        if session is not None:
            if session.expiry is not None:
                session.expiry.cancel()
            self._close(session.handle)
