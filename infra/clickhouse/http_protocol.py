"""The ClickHouse HTTP protocol, answered by the embedded engine."""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar
from uuid import uuid4

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from infra.clickhouse.accounts import ANALYST, Accounts
from infra.clickhouse.analyst_guard import DATABASE, AnalystGuard, StatementRefused
from infra.clickhouse.engine import Engine, Work
from infra.clickhouse.insert_order import Entry, InsertOrder
from infra.clickhouse.request import MAX_BODY_BYTES, BadRequest, read_login, read_work

_BODY_TIMEOUT_SECONDS = 30.0
_PARALLEL_STATEMENTS = 16

# Formats whose blocks can simply follow one another; the others need the whole answer at once.
_STREAMABLE = frozenset({"Native", "TabSeparated", "TSV", "CSV", "RowBinary", "JSONEachRow"})
_SELECTS = re.compile(r"\s*(SELECT|WITH|FROM|\()", re.IGNORECASE)
_ANSWERS = re.compile(r"\s*(SELECT|WITH|FROM|\(|SHOW|DESC|EXPLAIN|EXISTS)", re.IGNORECASE)
_WRITES = re.compile(r"\s*INSERT\b", re.IGNORECASE)
# Newer clients expect this before every Native block: no overflow rows, no bucket.
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_BLOCK_INFO_SINCE = 51903

_STATUS = {27: 400, 36: 400, 46: 400, 47: 400, 48: 400, 60: 404, 62: 400, 81: 404, 115: 400, 164: 403,
           354: 400, 497: 403, 516: 403}  # fmt: skip
_CODE = re.compile(r"Code: (\d+)")

# What an analyst may set, and what holds for an analyst who sets nothing.
_ANALYST_SETTINGS = re.compile(
    r"max_(result_rows|result_bytes|block_size|execution_time|threads)|limit|offset|readonly"
    r"|result_overflow_mode|date_time_output_format|output_format_(json|csv|tsv|native|arrow|parquet)_\w+"
)
_ANALYST_LIMITS = {"max_execution_time": "60", "max_memory_usage": str(4 << 30)}

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class ClickHouseHttp:
    """The application: one engine, two accounts, no state between requests."""

    def __init__(self, engine: Engine, accounts: Accounts) -> None:
        self._engine = engine
        self._accounts = accounts
        functions = engine.ask("SELECT name FROM system.table_functions").split()
        self._guard = AnalystGuard(engine.parse, frozenset(functions))
        self._inserts = InsertOrder()
        self._threads = ThreadPoolExecutor(_PARALLEL_STATEMENTS, "statement")
        self._time_zone = engine.ask("SELECT timezone()").strip()

    def application(self) -> Starlette:
        """Give the ASGI application."""
        return Starlette(
            routes=[
                Route("/ping", _ok),
                Route("/replicas_status", _ok),
                Route("/", self._handle, methods=["GET", "POST"]),
            ]
        )

    def close(self) -> None:
        """Wait for the statements that are running."""
        self._threads.shutdown()

    async def _handle(self, request: Request) -> Response:
        login = read_login(request.headers, request.query_params)
        headers = self._headers(request)
        if not self._accounts.admits(login.user, login.password):
            message = (
                f"Code: 516. DB::Exception: {login.user}: Authentication failed. (AUTHENTICATION_FAILED)"
            )
            return _failed(message, headers)
        with self._inserts.entered() as entry:
            try:
                return await self._answer(request, login.user, entry, headers)
            except ClientDisconnect:
                return Response(status_code=499)
            except (BadRequest, StatementRefused, RuntimeError) as error:
                return _failed(_message(error), headers)

    async def _answer(self, request: Request, user: str, entry: Entry, headers: dict[str, str]) -> Response:
        body = await _body(request)
        work = read_work(
            request.headers,
            request.query_params,
            body,
            database=DATABASE,
            read_only=user == ANALYST or request.method == "GET",
        )
        if work is None:
            return PlainTextResponse("Ok.\n")
        if user == ANALYST:
            work = await self._in_thread(partial(self._checked, work))
        if work.data is not None:
            return await self._insert(work, headers)
        if not _WRITES.match(work.sql):
            self._inserts.leave(entry)
            await self._inserts.earlier_settled(entry)
        return await self._run(request, work, headers)

    def _checked(self, work: Work) -> Work:
        for name in work.settings:
            if not _ANALYST_SETTINGS.fullmatch(name):
                raise BadRequest(164, "READONLY", f"Cannot modify {name!r} setting in readonly mode")
        if work.database != DATABASE:
            raise StatementRefused("the analyst sees only the database liudan")
        self._guard.check(work.sql)
        return replace(work, data=None, settings=_ANALYST_LIMITS | dict(work.settings))

    async def _insert(self, work: Work, headers: dict[str, str]) -> Response:
        # Not cancelled with the request: rows that the engine has begun to write stay in order.
        written = await asyncio.shield(self._in_thread(partial(self._engine.insert, work)))
        summary = {"X-ClickHouse-Summary": json.dumps({"written_rows": str(written)})}
        return Response(status_code=200, headers=headers | summary)

    async def _run(self, request: Request, work: Work, headers: dict[str, str]) -> Response:
        if _ANSWERS.match(work.sql):
            headers = headers | {"X-ClickHouse-Format": work.output_format}
        newer = int(request.query_params.get("client_protocol_version") or 0) > _BLOCK_INFO_SINCE
        prefix = _BLOCK_INFO if newer and work.output_format == "Native" else b""
        if work.output_format not in _STREAMABLE or not _SELECTS.match(work.sql):
            answer = await self._in_thread(partial(self._engine.run, work))
            whole = prefix + answer if answer else b""
            return Response(whole, headers=headers, media_type="application/octet-stream")
        blocks = self._engine.stream(work)
        # The first block comes before the status goes out, so that most errors have a status of their own.
        first = await self._in_thread(partial(next, blocks, None))
        parts = self._parts(first, blocks, prefix, headers["X-ClickHouse-Exception-Tag"])
        return StreamingResponse(parts, headers=headers, media_type="application/octet-stream")

    async def _parts(
        self, block: bytes | None, blocks: Generator[bytes, None, None], prefix: bytes, tag: str
    ) -> AsyncIterator[bytes]:
        try:
            while block is not None:
                if block:
                    yield prefix + block
                block = await self._in_thread(partial(next, blocks, None))
        except RuntimeError as error:
            yield _late_exception(_message(error), tag)
        finally:
            await asyncio.shield(self._in_thread(blocks.close))

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _headers(self, request: Request) -> dict[str, str]:
        return {
            "X-ClickHouse-Query-Id": request.query_params.get("query_id") or str(uuid4()),
            "X-ClickHouse-Exception-Tag": secrets.token_hex(8),
            "X-ClickHouse-Timezone": self._time_zone,
            "X-ClickHouse-Server-Display-Name": "liudan",
        }


async def _ok(_: Request) -> Response:
    return PlainTextResponse("Ok.\n")


async def _body(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise BadRequest(307, "TOO_MANY_BYTES", f"the body is larger than {MAX_BODY_BYTES} bytes")
                chunks.append(chunk)
    except TimeoutError as error:
        raise BadRequest(209, "SOCKET_TIMEOUT", "the body did not arrive in time") from error
    return b"".join(chunks)


def _message(error: Exception) -> str:
    if isinstance(error, StatementRefused):
        return f"Code: 497. DB::Exception: {error}. (ACCESS_DENIED)"
    text = str(error)
    return text[max(text.find("Code: "), 0) :]


def _failed(message: str, headers: dict[str, str]) -> Response:
    found = _CODE.match(message)
    code = int(found[1]) if found else 1002
    _log.info("statement failed", code=code, query_id=headers["X-ClickHouse-Query-Id"])
    return PlainTextResponse(
        message + "\n", _STATUS.get(code, 500), headers | {"X-ClickHouse-Exception-Code": str(code)}
    )


def _late_exception(message: str, tag: str) -> bytes:
    """Frame an error that comes after the first block, as ClickHouse does since 25.11."""
    text = message.encode()
    marker = b"\r\n__exception__\r\n"
    return marker + b"%s\r\n%s\n%d %s" % (tag.encode(), text, len(text) + 1, tag.encode()) + marker
