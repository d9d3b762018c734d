"""Read an HTTP request of the ClickHouse protocol: who asks, what, with which settings, in which format."""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import lz4.frame
from backports.zstd import ZstdDecompressor, ZstdError

from infra.clickhouse.engine import Work

MAX_BODY_BYTES = 256 << 20
DEFAULT_FORMAT = "TabSeparated"

# Parameters of the transport, which are no settings of the engine.
_TRANSPORT = frozenset(
    {
        "query", "database", "default_format", "user", "password", "session_id", "session_timeout",
        "session_check", "query_id", "quota_key", "compress", "decompress", "wait_end_of_query",
        "buffer_size", "role", "client_protocol_version", "enable_http_compression",
        "send_progress_in_http_headers", "http_headers_progress_interval_ms", "http_wait_end_of_query",
        "async_insert", "wait_for_async_insert",
    }
)  # fmt: skip
_INSERT = re.compile(
    rb"\s*(INSERT\s+INTO\s.*?)\bFORMAT\s+(\w+)\s*(?:;|\r?\n|\s|$)", re.IGNORECASE | re.DOTALL
)
_INSERT_OF_QUERY = re.compile(rb"\b(SELECT|VALUES)\b", re.IGNORECASE)
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^;]*)?;?\s*$", re.IGNORECASE)


class BadRequest(Exception):
    """The request cannot be read; carries the code ClickHouse gives to it."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {message}. ({name})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password, wherever the client has put them."""

    user: str
    password: str


def read_login(headers: Mapping[str, str], query: Mapping[str, str]) -> Login:
    """Take the basic credentials, else ClickHouse's own headers, else the URL's parameters."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Login("", "")
        return Login(user, password)
    return Login(
        headers.get("x-clickhouse-user") or query.get("user", "default"),
        headers.get("x-clickhouse-key") or query.get("password", ""),
    )


def read_work(
    headers: Mapping[str, str], query: Mapping[str, str], body: bytes, *, database: str, read_only: bool
) -> Work | None:
    """Put the statement together; None when there is none. Raises BadRequest."""
    body = _decoded(headers.get("content-encoding", ""), body)
    text = query.get("query", "").encode()
    full = text + (b"\n" if text and body else b"") + body
    if not full.strip():
        return None
    data: bytes | None = None
    insert = _INSERT.match(full)
    if insert and not _INSERT_OF_QUERY.search(insert[1]):
        sql, output_format, data = insert[1].decode(), insert[2].decode(), full[insert.end() :]
    else:
        sql = _utf8(full)
        output_format = _output_format(sql, headers, query)
    return Work(
        sql=sql,
        output_format=output_format,
        database=query.get("database") or headers.get("x-clickhouse-database") or database,
        settings=_settings(query),
        parameters={name[6:]: value for name, value in query.items() if name.startswith("param_")},
        read_only=read_only,
        data=data,
    )


def _utf8(full: bytes) -> str:
    try:
        return full.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(62, "SYNTAX_ERROR", "the statement is not UTF-8") from error


def _output_format(sql: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    found = _FORMAT.search(sql)
    if found:
        return found[1]
    return query.get("default_format") or headers.get("x-clickhouse-format") or DEFAULT_FORMAT


def _settings(query: Mapping[str, str]) -> dict[str, str]:
    settings = {
        name: value
        for name, value in query.items()
        if name not in _TRANSPORT and not name.startswith("param_")
    }
    for name in settings:
        if not re.fullmatch(r"\w+", name, re.ASCII):
            raise BadRequest(115, "UNKNOWN_SETTING", f"Unknown setting {name!r}")
    return settings


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _decoded(encoding: str, body: bytes) -> bytes:
    """Undo the content encoding (one frame or several), never growing beyond MAX_BODY_BYTES."""
    if encoding in {"", "identity"}:
        return body
    parts: list[bytes] = []
    room = MAX_BODY_BYTES
    while body:
        decompressor = _decompressor(encoding)
        try:
            parts.append(decompressor.decompress(body, room))
        except (RuntimeError, zlib.error, ZstdError) as error:
            raise BadRequest(354, "CANNOT_DECOMPRESS", f"the body is not {encoding}") from error
        room -= len(parts[-1])
        if room <= 0 or not decompressor.eof:
            raise BadRequest(354, "CANNOT_DECOMPRESS", f"the {encoding} body is cut off or too large")
        body = decompressor.unused_data or b""
    return b"".join(parts)


def _decompressor(encoding: str) -> _Decompressor:
    if encoding == "gzip":
        return zlib.decompressobj(wbits=31)
    if encoding == "lz4":
        frames: _Decompressor = lz4.frame.LZ4FrameDecompressor()
        return frames
    if encoding == "zstd":
        return ZstdDecompressor()
    raise BadRequest(48, "NOT_IMPLEMENTED", f"Unknown content encoding {encoding!r}: use gzip, lz4 or zstd")
