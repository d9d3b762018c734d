"""Send one HTTP answer of the ClickHouse protocol: status, headers, body, and errors that come late."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.types import Send

from infra.clickhouse.compression import Compressor, NativeFrames, compressor
from infra.clickhouse.http_errors import code_of, message_of, status_of
from infra.clickhouse.request import Transport

_SUMMARY = (
    "read_rows", "read_bytes", "written_rows", "written_bytes", "total_rows_to_read", "result_rows",
    "result_bytes", "elapsed_ns",
)  # fmt: skip
_MEDIA_TYPES = {
    "JSON": "application/json; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "CSVWithNamesAndTypes": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "XML": "application/xml; charset=UTF-8",
    "Markdown": "text/markdown; charset=UTF-8",
}
_INLINE_BYTES = 64 << 10


class BrokenOff(Exception):
    """The answer was broken off after it had begun: the connection must be closed without its last chunk."""


class Answer:
    """One answer on its way. Everything is sent through `send`, once each: the head, pieces, the end."""

    def __init__(self, send: Send, transport: Transport, headers: Mapping[str, str], tag: str) -> None:
        self._send = send
        self._headers = dict(headers)
        self._tag = tag
        self._encoding = transport.encoding
        self._packer: Compressor = (
            NativeFrames() if transport.native_frames else compressor(transport.encoding)
        )
        self.begun = False
        self.progress: Sequence[Mapping[str, int]] = ()
        """What has been said of the progress until the head is sent."""

    async def complete(self, body: bytes, counts: Mapping[str, int], output_format: str = "") -> None:
        """Send a whole answer."""
        if not body:
            await self._head(200, self._described(counts, output_format), 0)
            await self._send({"type": "http.response.body", "body": b""})
            return
        packed = await self._packed(body) + self._packer.flush()
        await self._head(200, self._coded(self._described(counts, output_format)), len(packed))
        await self._send({"type": "http.response.body", "body": packed})

    async def stream(
        self, pieces: AsyncIterator[bytes], counts: Mapping[str, int], output_format: str
    ) -> None:
        """Send an answer piece by piece. An error on the way is written behind them, and BrokenOff raised."""
        await self._head(200, self._coded(self._described(counts, output_format)), None)
        try:
            async for piece in pieces:
                await self._piece(piece)
        except RuntimeError as error:
            await self._piece(late_exception(message_of(error), self._tag))
            await self._piece(b"", last=True)
            raise BrokenOff from error
        await self._send({"type": "http.response.body", "body": self._packer.flush()})

    async def refuse(self, message: str) -> None:
        """Send an error instead of an answer."""
        code = code_of(message)
        body = message.encode() + b"\n"
        headers = self._headers | {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Exception-Code": str(code),
        }
        await self._head(status_of(code), headers, len(body))
        await self._send({"type": "http.response.body", "body": body})

    async def _head(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        self.begun = True
        said = [(b"x-clickhouse-progress", _counts(counts)) for counts in self.progress]
        given = said + [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        if length is not None:
            given.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": given})

    async def _piece(self, piece: bytes, *, last: bool = False) -> None:
        packed = await self._packed(piece) + (self._packer.flush() if last else b"")
        if packed:
            await self._send({"type": "http.response.body", "body": packed, "more_body": True})

    async def _packed(self, piece: bytes) -> bytes:
        if len(piece) < _INLINE_BYTES:
            return self._packer.compress(piece)
        return await run_in_threadpool(partial(self._packer.compress, piece))

    def _described(self, counts: Mapping[str, int], output_format: str) -> dict[str, str]:
        headers = self._headers | {"X-ClickHouse-Summary": _counts(counts).decode()}
        headers["Content-Type"] = _media_type(output_format)
        if output_format:
            headers["X-ClickHouse-Format"] = output_format
        return headers

    def _coded(self, headers: dict[str, str]) -> dict[str, str]:
        return headers | {"Content-Encoding": self._encoding} if self._encoding else headers


def _counts(counts: Mapping[str, int]) -> bytes:
    """Write counts as the server does: numbers as texts."""
    said = {name: str(counts.get(name, 0)) for name in _SUMMARY}
    return json.dumps(said, separators=(",", ":")).encode()


def late_exception(message: str, tag: str) -> bytes:
    """Frame an error that comes after the first piece, as ClickHouse does since 25.11."""
    text = message.encode()
    marker = b"\r\n__exception__\r\n"
    return marker + b"%s\r\n%s\n%d %s" % (tag.encode(), text, len(text) + 1, tag.encode()) + marker


def _media_type(output_format: str) -> str:
    if output_format in _MEDIA_TYPES:
        return _MEDIA_TYPES[output_format]
    if "EachRow" in output_format or output_format in {"JSONLines", "NDJSON"}:
        return "application/x-ndjson; charset=UTF-8"
    if output_format.startswith("JSON"):
        return "application/json; charset=UTF-8"
    if output_format.startswith(("TSV", "TabSeparated")):
        return "text/tab-separated-values; charset=UTF-8"
    if output_format.startswith(("Pretty", "Vertical", "Values")):
        return "text/plain; charset=UTF-8"
    return "application/octet-stream"
