"""Ask ClickHouse and take the answer as a stream of lines, with the server's refusals in our own terms."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from domain.errors import Invalid, Refused
from infra.clickhouse.errors import ClickHouseUnavailable

_CHUNK_BYTES = 1 << 16
_RULE = re.compile(r"DB::Exception: (?P<why>.*?) \[rule (?P<rule>[a-z-]+)\]", re.DOTALL)
_SAID = re.compile(r"Code: \d+\. DB::Exception: (?P<why>.*?)\.?\s*\((?P<name>[A-Z_0-9]+)\)", re.DOTALL)
_LATE = b"__exception__\r\n"


class QuestionRefused(Refused):
    """The server does not run this statement, or could not finish it; `rule` is the one it broke, if any."""


@dataclass(frozen=True, slots=True)
class Lines:
    """An answer on its way: its format, and its lines without their ends. Take them, or close them."""

    output_format: str
    lines: Iterator[bytes]


def ask(client: Client, sql: str, parameters: Mapping[str, str], default_format: str) -> Lines:
    """Ask one statement; `default_format` holds where it names none itself.

    Raises QuestionRefused (also while the lines are taken), Invalid for a parameter that the statement does
    not have, ClickHouseUnavailable.
    """
    for name in parameters:
        if not re.search(rf"\{{\s*{re.escape(name)}\s*:", sql):
            raise Invalid(f"the statement has no parameter {{{name}:Type}}", field=name)
    try:
        answer = client.raw_stream(
            sql,
            parameters=dict(parameters) or None,
            transport_settings={"X-ClickHouse-Format": default_format},
        )
    except OperationalError as error:
        raise ClickHouseUnavailable(f"ClickHouse does not answer: {error}") from error
    except ClickHouseError as error:
        raise _refusal(str(error)) from error
    if not isinstance(answer, BaseHTTPResponse):
        raise TypeError(type(answer))
    return Lines(answer.headers.get("X-ClickHouse-Format", default_format), _lines(answer))


def _lines(answer: BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    with closing(answer):
        try:
            for piece in answer.stream(_CHUNK_BYTES, decode_content=True):
                rest += piece
                if _LATE in rest:
                    continue  # what follows says why there is no more
                whole, end, rest = rest.rpartition(b"\n")
                if end:
                    yield from whole.split(b"\n")
        except HTTPError as error:
            if _LATE not in rest:
                raise ClickHouseUnavailable("the answer was cut off by ClickHouse") from error
    if _LATE in rest:
        raise _refusal(rest.partition(_LATE)[2].decode(errors="replace"))
    if rest:
        yield rest


def _refusal(said: str) -> QuestionRefused:
    if broken := _RULE.search(said):
        return QuestionRefused(f"refused: {broken['why']} (rule {broken['rule']})", rule=broken["rule"])
    if found := _SAID.search(said):
        return QuestionRefused(f"{' '.join(found['why'].split())} ({found['name']})")
    return QuestionRefused(said)
