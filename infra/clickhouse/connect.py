"""A client of any ClickHouse: a server, or the embedded endpoint."""

from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from domain.errors import Invalid
from infra.clickhouse.errors import ClickHouseUnavailable

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_AUTHENTICATION_FAILED = 516


def connect(url: str, user: str | None = None, password: str | None = None) -> Client:
    """Open a client of `http[s]://[user:password@]host[:port]`.

    Rows are written through `insert_once`, never through this client's own inserts. Nothing is compressed
    on loopback. Raises ClickHouseUnavailable while nobody answers, Invalid for a URL or a
    password that is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(f"{url!r} is not a URL like http://127.0.0.1:8123", field="LIUDAN_CLICKHOUSE")
    secure = parts.scheme == "https"
    try:
        return clickhouse_connect.get_client(
            host=parts.hostname,
            port=parts.port or (8443 if secure else 8123),
            interface=parts.scheme,
            username=user or unquote(parts.username or "default"),
            password=password if password is not None else unquote(parts.password or ""),
            compress=parts.hostname not in _LOOPBACK,
            autogenerate_session_id=False,
            query_limit=0,
            dedicated_pool=True,  # so that `close` closes the sockets
        )
    except OperationalError as error:  # a kind of DatabaseError, but no answer of the server
        raise ClickHouseUnavailable(
            f"ClickHouse at {_place(url)} does not answer: start it (`liudan clickhouse`) or correct "
            "LIUDAN_CLICKHOUSE"
        ) from error
    except ClickHouseError as error:
        if getattr(error, "code", None) == _AUTHENTICATION_FAILED:
            raise Invalid(
                f"ClickHouse at {_place(url)} refuses this user or password", field="LIUDAN_CLICKHOUSE"
            ) from error
        raise ClickHouseUnavailable(f"ClickHouse at {_place(url)} cannot be used: {error}") from error


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
