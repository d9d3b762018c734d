"""The one settings class: environment variables `LIUDAN_…`, and nothing else to read."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.errors import Invalid

EMBEDDED = "embedded"
KEK_FILE = Path("keys") / "vault.kek"
_SERVER = re.compile(r"\s*([\w.\-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?\s*")


class LogKind(StrEnum):
    """Where the stream of events lives."""

    KAFKA = "kafka"
    EMBEDDED = "embedded"


KEK_FILE = Path("keys") / "vault.kek"


class Settings(BaseSettings):
    """Where everything is. Unset means embedded, in the data folder."""

    model_config = SettingsConfigDict(
        env_prefix="LIUDAN_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    home: Path = Path("var")
    """The data folder of this installation."""
    event_store: str = ""
    """SQLAlchemy URL; default a SQLite file in the data folder."""
    read_store: str = ""
    """SQLAlchemy URL; default a SQLite file in the data folder."""
    kafka: str = ""
    """Bootstrap servers; `embedded` for the event store's own log; default a broker of our own."""
    clickhouse: str = ""
    """URL of a ClickHouse server; default the embedded engine."""
    clickhouse_cluster: str = ""
    """The cluster of a replicated ClickHouse server, as it calls it; default a server of its own."""
    policy: Path | None = None
    """A policy file, or a folder with a file for every version; default the shipped policy."""
    retention: Path | None = None
    """A retention file: how long personal data are kept after closing; default the shipped one."""
    vault_kek: SecretStr = SecretStr("")
    """The keys that wrap people's keys: each 32 bytes in Base64, with commas between, the newest last."""
    vault_kek_file: Path | None = None
    """Or a file with one a line; default a file in the data folder, which is made when it is missing."""
    log_origin: str = ""
    """The transparency log's name, best its address without `https://`; default one that is made up once."""
    log_key: Path | None = None
    """The file with the key that signs the transparency log; default one in the data folder, made once."""
    witnesses: Path | None = None
    """A C2SP tlog-policy file with the witnesses that sign the transparency log's checkpoints, too."""
    member: str = ""
    """This process's name among those that share its work, each its own; a restarted one then gets its
    partitions back at once instead of after Kafka's session timeout."""
    dev_identity: bool = False
    """Take the actor from `X-Liudan-…` headers. Never off the loopback interface."""
    log_level: str = "info"

    @classmethod
    def load(cls, home: Path | None = None) -> Self:
        """Read the environment; `home` (a command line's `--home`) goes before it. Raises Invalid."""
        try:
            settings = cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = f"LIUDAN_{str(first['loc'][0]).upper()}"
            raise Invalid(f"{name}: {first['msg'].removeprefix('Value error, ')}", field=name) from error
        update = {"home": (home or settings.home).absolute()}
        return settings.model_copy(update=update)

    @field_validator("kafka")
    @classmethod
    def _names_brokers(cls, servers: str) -> str:
        if servers in ("", EMBEDDED) or all(map(_SERVER.fullmatch, servers.split(","))):
            return servers
        raise ValueError(f"“{servers}” is not a list of brokers like 127.0.0.1:9092, nor “{EMBEDDED}”")

    @property
    def event_store_url(self) -> str:
        """Where the events are."""
        return self.event_store or f"sqlite:///{self.home / 'events.db'}"

    @property
    def read_store_url(self) -> str:
        """Where the SQL read models are."""
        return self.read_store or f"sqlite:///{self.home / 'read.db'}"

    @property
    def vault_keks(self) -> Path:
        """The file of key-encryption keys."""
        return self.vault_kek_file or self.home / KEK_FILE
