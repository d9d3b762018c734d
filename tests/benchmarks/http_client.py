"""A keep-alive HTTP/1.1 client for load: bytes out, status and two headers in, next to nothing between."""

import asyncio
from typing import NamedTuple, Protocol, cast

import httptools


class Reply(NamedTuple):
    """What came back."""

    status: int
    location: str | None
    etag: str | None


class _Parser(Protocol):
    def feed_data(self, data: bytes) -> None: ...
    def get_status_code(self) -> int: ...


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._parser = self._new_parser()
        self._headers: dict[bytes, bytes] = {}

    @classmethod
    async def to(cls, port: int) -> "Connection":
        """Connect to a port of this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def request(self, message: bytes) -> Reply:
        """Send a whole request and give its reply; raises ConnectionError."""
        if self._transport is None:
            raise ConnectionError("the server has closed the connection")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._waiting

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("the server has closed the connection"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_message_complete(self) -> None:
        reply = Reply(self._parser.get_status_code(), self._text(b"location"), self._text(b"etag"))
        self._headers.clear()
        self._parser = self._new_parser()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)

    def _text(self, name: bytes) -> str | None:
        value = self._headers.get(name)
        return None if value is None else value.decode()

    def _new_parser(self) -> _Parser:
        return cast("_Parser", httptools.HttpResponseParser(self))


def post(path: str, headers: bytes, body: bytes) -> bytes:
    """Write a POST request with a JSON body."""
    return (
        b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"%sContent-Length: %d\r\n\r\n%s" % (path.encode(), headers, len(body), body)
    )
