"""What went wrong, as RFC 9457 problems: the one table from error kinds to HTTP status codes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, TypedDict

import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import (
    CommandReused,
    Conflict,
    Forbidden,
    Invalid,
    LiudanError,
    NotFound,
    Refused,
    Transient,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
MOST_FIELD_ERRORS = 50

STATUS_OF: Final[Mapping[type[LiudanError], int]] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    CommandReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Refused: HTTPStatus.CONFLICT,
    Transient: HTTPStatus.SERVICE_UNAVAILABLE,
    LiudanError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The nearest class of the error decides. A Conflict of a request with If-Match is a 412 instead."""

log = structlog.get_logger(__name__)


class FieldError(BaseModel):
    """One field of the request that is at fault."""

    field: str = Field(examples=["region"])
    message: str = Field(examples=["'62290' is not a region code: 2, 4, 6, 9 or 12 digits"])


class Problem(BaseModel):
    """问题说明 RFC 9457: which rule was broken, and where."""

    type: str = Field(description="Stable for each rule", examples=["urn:liudan:problem:wrong-state"])
    title: str = Field(examples=["Wrong state"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["verify is possible from placed; the ticket is closed"])
    instance: str = Field(
        description="The path that was asked for", examples=["/v1/tickets/622901-261123-2HPQK/verify"]
    )
    rule: str = Field(description="The rule that was broken, by name", examples=["wrong-state"])
    field: str | None = Field(default=None, description="The part of the input that is at fault")
    errors: list[FieldError] | None = Field(default=None, description="Every field that is at fault")
    version: int | None = Field(default=None, description="On a conflict: the version the ticket is at now")
    ticket: dict[str, object] | None = Field(
        default=None, description="On a conflict: the ticket as it is now"
    )


class FieldFault(TypedDict):
    """A `FieldError` on its way out."""

    field: str
    message: str


class Rejection(Exception):
    """A request that HTTP itself lets us refuse, before any command or query is made of it."""

    def __init__(
        self,
        status: int,
        rule: str,
        detail: str,
        *,
        field: str | None = None,
        errors: Sequence[FieldFault] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.rule, self.detail = status, rule, detail
        self.field, self.errors, self.headers = field, errors, headers


def status_of(error: LiudanError) -> int:
    """Look an error up in the table."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def problem(
    path: str,
    status: int,
    rule: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """Build a problem response; members that are None are left out."""
    body: dict[str, object] = {
        "type": f"urn:liudan:problem:{rule}",
        "title": rule.replace("-", " ").capitalize(),
        "status": int(status),
        "detail": detail,
        "instance": path,
        "rule": rule,
    }
    body.update((name, member) for name, member in members.items() if member is not None)
    return Response(orjson.dumps(body), int(status), dict(headers or {}), MEDIA_TYPE)


def field_faults(error: ValidationError | RequestValidationError) -> list[FieldFault]:
    """Name the fields at fault, without repeating what was in them."""
    return [
        {"field": _field_name(fault["loc"]), "message": str(fault["msg"]).removeprefix("Value error, ")}
        for fault in error.errors()[:MOST_FIELD_ERRORS]
    ]


def _field_name(location: Sequence[object]) -> str:
    parts = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(parts) or "body"


async def refused(request: Request, error: Exception) -> Response:
    """Answer for the errors of the product itself."""
    assert isinstance(error, Refused | Transient)  # noqa: S101 - Starlette's signature is wider
    if isinstance(error, Transient):
        log.warning("api.unavailable", error=str(error), path=_route_of(request))
        retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return problem(request.url.path, status_of(error), "unavailable", str(error), headers=retry)
    at_fault = isinstance(error, Invalid) and error.field is not None
    return problem(
        request.url.path, status_of(error), error.rule, str(error),
        field=error.field,
        errors=[{"field": error.field, "message": str(error)}] if at_fault else None,
        version=error.version if isinstance(error, Conflict) else None,
    )  # fmt: skip


async def rejected(request: Request, error: Exception) -> Response:
    """Answer for requests that are refused for reasons of HTTP."""
    assert isinstance(error, Rejection)  # noqa: S101 - Starlette's signature is wider
    return problem(
        request.url.path, error.status, error.rule, error.detail,
        headers=error.headers, field=error.field, errors=error.errors,
    )  # fmt: skip


async def bad_parameters(request: Request, error: Exception) -> Response:
    """Answer for query parameters that FastAPI could not read."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - Starlette's signature is wider
    faults = field_faults(error)
    return invalid_fields(request.url.path, faults)


def invalid_fields(path: str, faults: list[FieldFault]) -> Response:
    """Say which fields are at fault."""
    detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults[:3])
    return problem(
        path, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, field=faults[0]["field"], errors=faults
    )


async def framework_refusal(request: Request, error: Exception) -> Response:
    """Answer for what the framework refuses by itself: no such route, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette's signature is wider
    rule = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    rule = "no-such-page" if error.status_code == HTTPStatus.NOT_FOUND else rule
    return problem(request.url.path, error.status_code, rule, str(error.detail), headers=error.headers)


def _route_of(request: Request) -> str:
    """Give the route's template, which names no ticket and no person."""
    return str(getattr(request.scope.get("route"), "path", "unmatched"))


class LastResort:
    """Turns what nobody expected into a 500 problem, and logs where it came from but not what it said.

    The message of an exception may quote its input; its type and place in the code do not.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; answer only when nothing was answered yet."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as error:
            if scope["type"] != "http":
                raise
            log.error("api.unexpected_error", error=type(error).__qualname__, at=_place(error))
            if started:
                raise
            answer = problem(
                scope["path"], HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error",
                "something unexpected went wrong here; it was logged",
            )  # fmt: skip
            await answer(scope, receive, send)


def _place(error: BaseException) -> list[str]:
    places, trace = [], error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-8:]
