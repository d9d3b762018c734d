"""Read an HTTP request of the ClickHouse protocol: who asks, what, with which settings, in which format."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from infra.clickhouse.compression import accepted_encoding, decoded, unframed
from infra.clickhouse.http_errors import ServerError

MAX_BODY_BYTES = 256 << 20
DEFAULT_FORMAT = "TabSeparated"
_BUFFER_BYTES, _MOST_BUFFER_BYTES = 1 << 20, 64 << 20
_SESSION_SECONDS, _MOST_SESSION_SECONDS = 60, 3600

# Parameters of the transport, which are no settings of the engine.
_TRANSPORT = frozenset(
    {
        "query", "database", "default_format", "user", "password", "session_id", "session_timeout",
        "session_check", "query_id", "quota_key", "compress", "decompress", "wait_end_of_query",
        "buffer_size", "role", "client_protocol_version", "enable_http_compression",
        "send_progress_in_http_headers", "http_headers_progress_interval_ms", "http_wait_end_of_query",
        "async_insert", "wait_for_async_insert", "cancel_http_readonly_queries_on_client_close",
        "log_comment",
    }
)  # fmt: skip
_INSERT = re.compile(
    rb"\s*(INSERT\s+INTO\s.*?)\bFORMAT\s+(\w+)\s*(?:;|\r?\n|\s|$)", re.IGNORECASE | re.DOTALL
)
_INSERT_OF_QUERY = re.compile(rb"\b(SELECT|VALUES)\b", re.IGNORECASE)
# Newer clients expect a head before every Native block.
_BLOCK_INFO_SINCE = 51903


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password, wherever the client has put them."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Transport:
    """How the answer is to travel, and in which session the statement runs."""

    query_id: str
    session_id: str
    session_seconds: int
    session_check: bool
    encoding: str
    """The content coding of the answer; empty for none."""
    native_frames: bool
    """Whether the answer goes in ClickHouse's own frames (`compress=1`)."""
    block_heads: bool
    """Whether the client speaks a protocol in which Native blocks have heads."""
    whole: bool
    """Wait for the end before the first byte (`wait_end_of_query=1`)."""
    held_bytes: int
    """How much of an answer is held back, so that an error can still have a status of its own."""
    progress_seconds: float | None
    """How often the progress is to be said in headers; None for never."""

    @classmethod
    def plain(cls) -> "Transport":
        """Give the way of a request that says nothing about it."""
        return read_transport({}, {})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: one statement, or rows for an INSERT."""

    sql: str
    output_format: str
    """The default format of an answer; the format of `data`."""
    database: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    data: bytes | None


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


def read_transport(headers: Mapping[str, str], query: Mapping[str, str]) -> Transport:
    """Read how the answer is to travel. Raises ServerError."""
    wants_coding = _is_on(query, "enable_http_compression")
    has_progress = _is_on(query, "send_progress_in_http_headers")
    return Transport(
        query_id=query.get("query_id") or str(uuid4()),
        session_id=query.get("session_id", ""),
        session_seconds=_session_seconds(query.get("session_timeout", "")),
        session_check=_is_on(query, "session_check"),
        encoding=accepted_encoding(headers.get("accept-encoding", "")) if wants_coding else "",
        native_frames=_is_on(query, "compress"),
        block_heads=_number(query, "client_protocol_version", 0) > _BLOCK_INFO_SINCE,
        whole=_is_on(query, "wait_end_of_query") or _is_on(query, "http_wait_end_of_query"),
        held_bytes=min(_number(query, "buffer_size", _BUFFER_BYTES), _MOST_BUFFER_BYTES),
        progress_seconds=_number(query, "http_headers_progress_interval_ms", 100) / 1000
        if has_progress
        else None,
    )


def read_asked(headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Asked | None:
    """Put the statement together; None when there is none. Raises ServerError."""
    body = decoded(headers.get("content-encoding", ""), body, MAX_BODY_BYTES)
    if _is_on(query, "decompress"):
        body = unframed(body, MAX_BODY_BYTES)
    text = query.get("query", "").encode()
    full = text + (b"\n" if text and body else b"") + body
    if not full.strip():
        return None
    data: bytes | None = None
    insert = _INSERT.match(full)
    if insert and not _INSERT_OF_QUERY.search(insert[1]):
        sql, output_format, data = _utf8(insert[1]), insert[2].decode(), full[insert.end() :]
    else:
        sql = _utf8(full)
        output_format = query.get("default_format") or headers.get("x-clickhouse-format") or DEFAULT_FORMAT
    if not re.fullmatch(r"\w+", output_format, re.ASCII):
        raise ServerError(73, "UNKNOWN_FORMAT", f"Unknown format {output_format!r}")
    return Asked(
        sql=sql,
        output_format=output_format,
        database=query.get("database") or headers.get("x-clickhouse-database") or "",
        settings=_settings(query),
        parameters={name[6:]: value for name, value in query.items() if name.startswith("param_")},
        data=data,
    )


def _is_on(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "0").lower() in {"1", "true"}


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name) or str(default)
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII):
        raise ServerError(27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", f"{name} is not a number: {value!r}")
    return int(value)


def _session_seconds(value: str) -> int:
    if not value:
        return _SESSION_SECONDS
    seconds = int(value) if re.fullmatch(r"\d{1,9}", value, re.ASCII) else 0
    if not 0 < seconds <= _MOST_SESSION_SECONDS:
        raise ServerError(
            374, "INVALID_SESSION_TIMEOUT",
            f"Invalid session timeout {value!r}: it is 1 to {_MOST_SESSION_SECONDS} seconds",
        )  # fmt: skip
    return seconds


def _utf8(full: bytes) -> str:
    try:
        return full.decode()
    except UnicodeDecodeError as error:
        raise ServerError(62, "SYNTAX_ERROR", "the statement is not UTF-8") from error


def _settings(query: Mapping[str, str]) -> dict[str, str]:
    settings = {
        name: value
        for name, value in query.items()
        if name not in _TRANSPORT and not name.startswith("param_")
    }
    for name in settings:
        if not re.fullmatch(r"\w+", name, re.ASCII):
            raise ServerError(115, "UNKNOWN_SETTING", f"Unknown setting {name!r}")
    return settings
