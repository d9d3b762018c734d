"""What can go wrong with the read store's database, in sentences that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import exc

from domain.errors import Poison, Transient

SETTING = "LIUDAN_READ_STORE"

_SQLITE_ADVICE = (
    ("database or disk is full", "the disk is full; free some space"),
    ("locked", "another process has held the file for too long; see which one"),
    ("unable to open", "the file cannot be opened; create its folder, or give the right to write there"),
    ("readonly", "the file is read-only; give the right to write there"),
    ("not a database", "the file is not a SQLite database; name another one"),
    ("malformed", "the file is damaged; move it away and let the projections be built anew"),
)
# A connection that is refused has no SQLSTATE yet, only the server's words.
_REFUSED_ADVICE = (
    ("password authentication failed", "the password is wrong"),
    ("no password supplied", "a password is needed; put it into the URL or ~/.pgpass"),
    ("too many clients", "it has no connection left; raise max_connections or run fewer processes"),
    ("does not exist", "create it, or name another one"),
    ("", "start the server, or name another one"),
)
_POSTGRES_ADVICE = {
    "53100": "its disk is full; free some space there",
    "53300": "it has no connection left; raise max_connections or run fewer processes",
    "42501": "this user lacks a right; grant it",
    "25006": "it is read-only (a standby?); name the primary",
}
_UNFIT_CLASSES = frozenset({"22"})  # "data exception": what was to be stored does not fit


class ReadStoreUnavailable(Transient):
    """The database is away, locked for too long, or its disk is full; says which, and what to do."""


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn the driver's errors into ours; `name` is the database as people know it, without a password.

    Raises ReadStoreUnavailable, or Poison for a value that the database cannot hold.
    """
    try:
        yield
    except (exc.DataError, OverflowError) as error:
        raise Poison(f"a value cannot be stored: {_first_line(error)}") from error
    except (exc.InterfaceError, exc.ProgrammingError) as error:
        if _is_unfit(error):
            raise Poison(f"a value cannot be stored: {_first_line(error)}") from error
        raise _unavailable(name, error) from error
    except exc.SQLAlchemyError as error:
        raise _unavailable(name, error) from error


def _is_unfit(error: exc.DBAPIError) -> bool:
    """Whether the driver refused a value, as opposed to the database refusing the statement."""
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state)[:2] in _UNFIT_CLASSES
    return "binding parameter" in str(error.orig) or "cannot adapt" in str(error.orig)


def _unavailable(name: str, error: exc.SQLAlchemyError) -> ReadStoreUnavailable:
    return ReadStoreUnavailable(f"the read store {name} cannot be used: {_advice(error)} ({SETTING})")


def _advice(error: exc.SQLAlchemyError) -> str:
    original = getattr(error, "orig", None) or error
    if (state := getattr(original, "sqlstate", None)) in _POSTGRES_ADVICE:
        return _POSTGRES_ADVICE[state]
    text = str(original)
    for part, advice in _SQLITE_ADVICE:
        if part in text:
            return advice
    if "connection" not in text:
        return _first_line(original)
    advice = next(advice for part, advice in _REFUSED_ADVICE if part in text)
    return f"{_first_line(original)}; {advice}"


def _first_line(error: BaseException) -> str:
    return next(iter(str(getattr(error, "orig", None) or error).splitlines()), type(error).__name__)


def display_name(url: sa.URL) -> str:
    """The database as it may be shown: no password, no options."""
    return url.set(query={}).render_as_string(hide_password=True)
