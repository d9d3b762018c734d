"""The ClickHouse HTTP protocol as an ASGI application: who asks, what, and how errors go back."""

import asyncio
import secrets

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from infra.clickhouse.accounts import ANALYST, Accounts
from infra.clickhouse.allowed_functions import FUNCTIONS_QUERY, AllowedFunctions
from infra.clickhouse.analyst_guard import AnalystGuard, StatementRefused
from infra.clickhouse.answer import Answer, BrokenOff
from infra.clickhouse.engine import Engine
from infra.clickhouse.http_errors import ServerError, code_of, message_of
from infra.clickhouse.insert_order import InsertOrder
from infra.clickhouse.planner import Planner
from infra.clickhouse.request import MAX_BODY_BYTES, Transport, read_asked, read_login, read_transport
from infra.clickhouse.statement import Reader
from infra.clickhouse.statements import Question, Statements

_BODY_TIMEOUT_SECONDS = 30.0
_OK_PATHS = frozenset({"/ping", "/replicas_status"})
_METHODS = frozenset({"GET", "HEAD", "POST"})
_log = structlog.get_logger(__name__)


class ClickHouseHttp:
    """The application: one engine, two accounts."""

    def __init__(self, engine: Engine, accounts: Accounts) -> None:
        self._accounts = accounts
        self._serving: set[asyncio.Task[object]] = set()
        functions = AllowedFunctions.read(
            engine.ask(FUNCTIONS_QUERY, output_format="JSONCompactEachRow").decode()
        )
        self._inserts = InsertOrder()
        planner = Planner(Reader(engine.parse), AnalystGuard(functions))
        self._statements = Statements(engine, planner, self._inserts)
        self._time_zone = engine.ask("SELECT timezone()").decode().strip()

    async def end(self) -> None:
        """End the requests that are still being served, and wait until they have ended."""
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    def close(self) -> None:
        """Wait for the inserts that are being written."""
        self._statements.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        path = request.url.path
        if path in _OK_PATHS or (path == "/" and request.method == "HEAD"):
            await PlainTextResponse("Ok.\n")(scope, receive, send)
        elif path != "/" or request.method not in _METHODS:
            await PlainTextResponse("There is no handle " + path + "\n", 404)(scope, receive, send)
        else:
            await self._serve(request, send)

    async def _serve(self, request: Request, send: Send) -> None:
        tag = secrets.token_hex(8)
        headers = {
            "X-ClickHouse-Exception-Tag": tag,
            "X-ClickHouse-Timezone": self._time_zone,
            "X-ClickHouse-Server-Display-Name": "liudan",
        }
        try:
            transport = read_transport(request.headers, request.query_params)
        except ServerError as error:
            await Answer(send, Transport.plain(), headers, tag).refuse(message_of(error))
            return
        headers["X-ClickHouse-Query-Id"] = transport.query_id
        answer = Answer(send, transport, headers, tag)
        try:
            await self._answered(request, transport, answer)
        except ClientDisconnect:
            _log.info("client is gone", query_id=transport.query_id)
        except (ServerError, StatementRefused, RuntimeError) as error:
            message = message_of(error)
            _log.info("statement failed", code=code_of(message), query_id=transport.query_id)
            await answer.refuse(message)
        except BrokenOff as error:
            _log.info("answer broken off", query_id=transport.query_id, why=str(error.__cause__))
            raise

    async def _answered(self, request: Request, transport: Transport, answer: Answer) -> None:
        login = read_login(request.headers, request.query_params)
        if not self._accounts.admits(login.user, login.password):
            raise ServerError(516, "AUTHENTICATION_FAILED", f"{login.user}: Authentication failed")
        with self._inserts.entered() as entry:
            if login.user == ANALYST:
                self._inserts.leave(entry)  # writes nothing, whatever is still to come
            asked = read_asked(request.headers, request.query_params, await _body(request))
            if asked is None:
                await answer.complete(b"Ok.\n", {})
                return
            question = Question(login.user, asked, transport, request.method == "GET", request.receive)
            await self._statements.carry_out(question, entry, answer)


async def _body(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise ServerError(
                        307, "TOO_MANY_BYTES", f"the body is larger than {MAX_BODY_BYTES} bytes"
                    )
                chunks.append(chunk)
    except TimeoutError as error:
        raise ServerError(209, "SOCKET_TIMEOUT", "the body did not arrive in time") from error
    return b"".join(chunks)
