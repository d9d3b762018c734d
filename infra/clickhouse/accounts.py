"""The endpoint's two accounts: the writer, and the analyst who may only read."""

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WRITER, ANALYST = "writer", "analyst"
_VARIABLE = {WRITER: "LIUDAN_CLICKHOUSE_PASSWORD", ANALYST: "LIUDAN_CLICKHOUSE_ANALYST_PASSWORD"}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who may come in, by name."""

    passwords: Mapping[str, str]

    def admits(self, user: str, password: str) -> bool:
        """Compare in constant time."""
        expected = self.passwords.get(user)
        return expected is not None and hmac.compare_digest(expected.encode(), password.encode())


def load_accounts(folder: Path) -> Accounts:
    """Read both passwords, making the files that are missing."""
    return Accounts({user: read_password(folder, user) for user in (WRITER, ANALYST)})


def read_password(folder: Path, user: str) -> str:
    """Give a user's password: from the environment, else from `USER.password`, made (0600) on first use."""
    given = os.environ.get(_VARIABLE[user])
    if given:
        return given
    file = folder / f"{user}.password"
    if not file.exists():
        _write_once(file, secrets.token_urlsafe(24))
    return file.read_text(encoding="ascii").strip()


def _write_once(file: Path, password: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}-{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(password + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, file)  # the first of several processes wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()
