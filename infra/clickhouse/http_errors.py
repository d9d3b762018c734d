"""Errors as a ClickHouse server gives them: a code, a name, and the HTTP status that goes with the code."""

import re

from infra.clickhouse.analyst_guard import StatementRefused

# Which status a code has: src/Server/HTTP/exceptionCodeToHTTPStatus.cpp of ClickHouse; all others are 500.
_CODES_OF = {
    400: (6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441,
          675, 676),
    401: (194,),
    403: (192, 193, 497, 512, 516),
    404: (46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511),
    408: (159,),
    411: (381,),
    413: (229,),
    415: (779,),
    501: (48,),
    503: (76, 209, 439),
}  # fmt: skip
_STATUS = {code: status for status, codes in _CODES_OF.items() for code in codes}
_CODE = re.compile(r"Code: (\d+)")
# What the engine adds to an error of its parser, because it was asked to parse in a statement of ours.
_ASIDE = re.compile(r": In scope SELECT parseQueryToJSON\(.*(?=\. \([A-Z_]+\))", re.DOTALL)
_UNKNOWN_EXCEPTION = 1002


class ServerError(Exception):
    """The request cannot be served; carries the code and the name that ClickHouse has for it."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {message}. ({name})")


def message_of(error: Exception) -> str:
    """Write an error as the server does: `Code: N. DB::Exception: … (NAME)`."""
    if isinstance(error, StatementRefused):
        return f"Code: 497. DB::Exception: {error}. (ACCESS_DENIED)"
    text = str(error)
    return _ASIDE.sub("", text[max(text.find("Code: "), 0) :])


def code_of(message: str) -> int:
    """Read the code out of such a message."""
    found = _CODE.match(message)
    return int(found[1]) if found else _UNKNOWN_EXCEPTION


def status_of(code: int) -> int:
    """Give the HTTP status of a code."""
    return _STATUS.get(code, 500)
