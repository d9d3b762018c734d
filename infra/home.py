"""The data folder: what lies where, who is running on it, and under which addresses."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import Invalid
from infra.settings import LogKind

_KNOWN_UNTIL = "known-until.json"


@dataclass(frozen=True, slots=True)
class Running:
    """Addresses of the parts that `liudan up` has started on a data folder."""

    kafka: str
    clickhouse: str
    api: str


class Home:
    """One installation's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self) -> None:
        """Make the folder; raises Invalid when that cannot be."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Invalid(
                f"the data folder {self.folder} cannot be made: {error.strerror}; name another with --home",
                field="LIUDAN_HOME",
            ) from error
        if not os.access(self.folder, os.W_OK):
            raise Invalid(f"the data folder {self.folder} is not writable", field="LIUDAN_HOME")

    @property
    def vault(self) -> Path:
        """The keys of people, apart from the events."""
        return self.folder / "vault.db"

    @property
    def access_record(self) -> Path:
        """Who has read what is sealed."""
        return self.folder / "access.db"

    @property
    def retention(self) -> Path:
        """What the retention rules know of every ticket."""
        return self.folder / "retention.db"

    @property
    def clickhouse(self) -> Path:
        """The embedded engine's folder."""
        return self.folder / "clickhouse"

    @property
    def transparency(self) -> Path:
        """The transparency log: for anybody to read."""
        return self.folder / "transparency"

    @property
    def transparency_key(self) -> Path:
        """The key that signs it: for its writer only."""
        return self.folder / "transparency.key"

    @property
    def logs(self) -> Path:
        """What the parts print."""
        return self.folder / "logs"

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """Be the only supervisor of this folder; raises Invalid when another is."""
        with (self.folder / "up.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Invalid(
                    f"liudan is already running on {self.folder}; stop it first, or name another --home"
                ) from None
            yield

    @property
    def is_up(self) -> bool:
        """Whether a supervisor is running on this folder."""
        try:
            with (self.folder / "up.lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def announce(self, running: Running) -> None:
        """Write down the addresses, for every other command."""
        self._write("running.json", asdict(running))

    def running(self) -> Running | None:
        """Give the addresses while a supervisor is running."""
        known = self._read("running.json") if self.is_up else None
        return Running(**known) if known else None

    @property
    def log_kind(self) -> LogKind | None:
        """The log this folder was started with; it stays: one log's offsets mean nothing in the other."""
        known = self._read("liudan.json")
        if known is None:
            return None
        try:
            return LogKind(known["log"])
        except (KeyError, ValueError):
            raise self._damaged("liudan.json", "it names no log") from None

    def settle_log_kind(self, kind: LogKind) -> None:
        """Decide it once; raises Invalid when the folder was started with the other one."""
        known = self.log_kind
        if known is None:
            self._write("liudan.json", {"log": kind.value})
        elif known is not kind:
            raise Invalid(
                f"{self.folder} was started with the {known} log; go on with --log {known}, "
                "or name another --home",
                field="log",
            )

    def remembered_moment(self, name: str, now: datetime) -> datetime:
        """Give the moment that was remembered under a name; the first call remembers `now`."""
        known = self._read("moments.json") or {}
        if name not in known:
            known[name] = now.isoformat()
            self._write("moments.json", known)
        return datetime.fromisoformat(known[name])

    def known_until(self) -> dict[str, datetime]:
        """Give for every origin the moment up to which its imported cases are known."""
        known = self._read(_KNOWN_UNTIL) or {}
        return {origin: datetime.fromisoformat(moment) for origin, moment in known.items()}

    def remember_known_until(self, origin: str, moment: datetime, *, exactly: bool = False) -> datetime:
        """Move an origin's moment forward, or `exactly` there; gives the one that is remembered now."""
        with (self.folder / "known-until.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.known_until()
            if exactly or origin not in known or known[origin] < moment:
                known[origin] = moment
                self._write(_KNOWN_UNTIL, {name: when.isoformat() for name, when in known.items()})
            return known[origin]

    def _read(self, name: str) -> dict[str, str] | None:
        try:
            content = json.loads((self.folder / name).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise self._damaged(name, str(error)) from error
        if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
            raise self._damaged(name, "it is not an object of texts")
        return content

    def _damaged(self, name: str, why: str) -> Invalid:
        return Invalid(
            f"{self.folder / name} is damaged ({why}); restore it from a backup, or name another --home",
            field="LIUDAN_HOME",
        )

    def _write(self, name: str, content: dict[str, str]) -> None:
        draft = self.folder / f".{name}.{os.getpid()}"
        draft.write_text(json.dumps(content))
        draft.replace(self.folder / name)
