"""From the bytes of a request to a command: bounded, strict, and naming every field that is at fault."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TypeVar

import orjson
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from api.problems import FieldFault, Rejection, field_faults
from domain.commands import Command

MAX_BYTES = 256 * 1024

_CONTROL_ESCAPE = re.compile(rb"\\(?:u00(?:[01]|7[fF])|[bf])")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_Command = TypeVar("_Command", bound=Command)


async def read_command(receive: Receive, headers: Mapping[bytes, bytes], command: type[_Command]) -> _Command:
    """Read the body as a command; raises Rejection (413, 415, 422). No body is an empty object."""
    body = await _read(receive, headers)
    if body:
        _check_media_type(headers)
    try:
        wish = command.model_validate_json(body or b"{}", strict=True)
    except ValidationError as error:
        raise _unreadable(error) from None
    if _CONTROL_ESCAPE.search(body):
        _check_characters(body)
    return wish


async def _read(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > MAX_BYTES:
        raise _too_large()
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > MAX_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return body


def _check_media_type(headers: Mapping[bytes, bytes]) -> None:
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise _unsupported("the body is JSON: send Content-Type: application/json", "Content-Type")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise _unsupported("compressed bodies are not accepted", "Content-Encoding")


def _check_characters(body: bytes) -> None:
    """Refuse NUL and other control characters, which databases and terminals cannot be trusted with."""
    faults: list[FieldFault] = [
        {"field": field, "message": "has control characters; only line breaks and tabs are allowed"}
        for field, text in _strings(orjson.loads(body), "body")
        if _FORBIDDEN.search(text)
    ]
    if faults:
        raise _invalid(faults)


def _strings(value: object, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, field)


def _unreadable(error: ValidationError) -> Rejection:
    faults = field_faults(error)
    if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
        return Rejection(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-json", faults[0]["message"], field="body")
    return _invalid(faults)


def _invalid(faults: list[FieldFault]) -> Rejection:
    detail = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults[:3])
    return Rejection(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, field=faults[0]["field"], errors=faults
    )


def _too_large() -> Rejection:
    return Rejection(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body-too-large",
        f"a body has at most {MAX_BYTES} bytes",
        headers={"Connection": "close"},
    )


def _unsupported(detail: str, field: str) -> Rejection:
    return Rejection(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail, field=field)
