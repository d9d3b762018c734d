"""The key that signs a log's checkpoints: made on the first run, in a file that only its owner may read."""

import secrets
from contextlib import suppress
from pathlib import Path

from domain.errors import Invalid
from infra.transparency.durable_files import create_durably
from infra.transparency.signed_note import Signer

SETTING, ORIGIN_SETTING = "LIUDAN_LOG_KEY", "LIUDAN_LOG_ORIGIN"
_SEED_BYTES = 32
_OTHERS = 0o077


def open_log_key(path: Path, origin: str = "") -> Signer:
    """Read the key, or make it. Raises Invalid when others may read it, or when it is another log's.

    The origin is the log's name for ever, best its address without `https://`; left empty, a name is made up
    that no other installation has.
    """
    if not path.exists():
        signer = Signer(origin or f"liudan.internal/{secrets.token_hex(8)}", secrets.token_bytes(_SEED_BYTES))
        with suppress(FileExistsError):  # another process was faster: its key it is
            create_durably(path, f"{signer.secret()}\n".encode())
    if path.stat().st_mode & _OTHERS:
        raise Invalid(f"{path}, which signs the log, is open to others: chmod 600 it", field=SETTING)
    signer = Signer.parse(path.read_text())
    if origin not in ("", signer.verifier.name):
        raise Invalid(
            f"{path} is the key of the log {signer.verifier.name}, not of {origin}: a log keeps its name",
            field=ORIGIN_SETTING,
        )
    return signer
