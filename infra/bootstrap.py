"""The only place that wires: from settings to the parts that a process needs, opened when first asked for.

with Installation(settings) as parts:
    answer = asyncio.run(parts.tickets.handle(request))
"""

from contextlib import ExitStack, closing
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from clickhouse_connect.driver.client import Client

from domain.cloudevent import decode
from domain.rulebook import Rulebook
from infra.clickhouse.accounts import ANALYST, WRITER, read_password
from infra.clickhouse.connect import connect
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.report_queries import ClickHouseReportQueries
from infra.clickhouse.rollup import RollupRow, regional_rollup
from infra.event_log.embedded import EmbeddedEventLog
from infra.event_log.kafka import KafkaEventLog
from infra.event_log.port import EventLog, LogUnavailable
from infra.event_store.open import open_event_store
from infra.event_store.port import EventStore
from infra.home import Home
from infra.keys.key_ring import KeyRing
from infra.policy_file import read_rulebook
from infra.privacy.access_record import AccessRecord
from infra.privacy.retention import Retention, read_retention
from infra.privacy.retention_ledger import RetentionLedger
from infra.read_store.open import ReadStore, open_read_store
from infra.settings import EMBEDDED, LogKind, Settings
from infra.tickets import Tickets
from infra.transparency.log_folder import LogFolder
from infra.transparency.log_key import open_log_key
from infra.transparency.log_reader import LogReader
from infra.transparency.signed_note import Signer
from infra.transparency.trust_policy import TrustPolicy
from infra.vault import Vault


class Installation:
    """One installation's parts. Whatever was opened is closed at the end, in reverse order."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = Home(settings.home)
        self._closing = ExitStack()

    @classmethod
    def at(cls, home: Path | None) -> Self:
        """Load the settings for a data folder and make the folder."""
        parts = cls(Settings.load(home))
        parts.home.create()
        return parts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @cached_property
    def store(self) -> EventStore:
        """The event store."""
        store = open_event_store(self.settings.event_store_url)
        self._closing.callback(store.close)
        return store

    @cached_property
    def key_ring(self) -> KeyRing:
        """The keys that wrap the keys of people; raises Invalid for a setting that is not a key."""
        return KeyRing.of(self.settings.vault_keks, self.settings.vault_kek.get_secret_value())

    @cached_property
    def vault(self) -> Vault:
        """The keys of people."""
        vault = Vault(self.home.vault, self.key_ring)
        self._closing.callback(vault.close)
        return vault

    @cached_property
    def access_record(self) -> AccessRecord:
        """Who has read what is sealed."""
        record = AccessRecord(self.home.access_record)
        self._closing.callback(record.close)
        return record

    @cached_property
    def tickets(self) -> Tickets:
        """The command side."""
        return Tickets(self.store, self.vault, rulebook=self.rulebook)

    @cached_property
    def retention(self) -> Retention:
        """The retention rules; raises BadPolicy for a file that is at fault."""
        ledger = RetentionLedger(self.home.retention)
        self._closing.callback(ledger.close)
        return Retention(self.tickets, ledger, read_retention(self.settings.retention))

    @cached_property
    def rulebook(self) -> Rulebook:
        """Every version of the policy; raises Invalid for a file that is at fault."""
        return read_rulebook(self.settings.policy)

    @cached_property
    def event_log(self) -> EventLog:
        """The stream: Kafka, or the event store's own log."""
        log: EventLog
        if self.log_kind is LogKind.KAFKA:
            log = KafkaEventLog(self.kafka_bootstrap, member=self.settings.member or None)
        else:
            log = EmbeddedEventLog(self.store, self.home.folder)
        self._closing.callback(log.close)
        return log

    @cached_property
    def log_signer(self) -> Signer:
        """The transparency log's key, made on the first run; raises Invalid."""
        return open_log_key(self.settings.log_key or self.home.transparency_key, self.settings.log_origin)

    @cached_property
    def trust_policy(self) -> TrustPolicy:
        """The witnesses that are asked to sign the log; raises Invalid for a file that is at fault."""
        path = self.settings.witnesses
        return TrustPolicy.read(path) if path else TrustPolicy()

    @cached_property
    def transparency_log(self) -> LogReader:
        """The transparency log, to read and to prove from."""
        return LogReader(LogFolder(self.home.transparency))

    @property
    def log_kind(self) -> LogKind:
        """Which log this installation runs on."""
        if self.settings.kafka == EMBEDDED:
            return LogKind.EMBEDDED
        if self.settings.kafka:
            return LogKind.KAFKA
        return self.home.log_kind or LogKind.EMBEDDED

    @property
    def kafka_bootstrap(self) -> str:
        """Addresses of the brokers; raises LogUnavailable when ours is not running."""
        running = self.home.running()
        bootstrap = self.settings.kafka or (running.kafka if running else "")
        if not bootstrap:
            raise LogUnavailable(
                f"no broker is running on {self.home.folder}: start it with `liudan up` or name one in "
                "LIUDAN_KAFKA"
            )
        return bootstrap

    @cached_property
    def reads(self) -> ReadStore:
        """The SQL read models."""
        reads = open_read_store(self.settings.read_store_url)
        self._closing.callback(reads.close)
        return reads

    def clickhouse(self) -> Client:
        """A new ClickHouse client, as the writer, for the caller to close; raises ClickHouseUnavailable."""
        return self._clickhouse_as(WRITER)

    def clickhouse_as_analyst(self) -> Client:
        """The same as the analyst, who may only read; on a server it is the user `analyst` there."""
        return self._clickhouse_as(ANALYST)

    def _clickhouse_as(self, user: str) -> Client:
        url = self.settings.clickhouse
        if url and url != EMBEDDED:
            if user == WRITER:
                return connect(url)
            return connect(url, user, read_password(self.home.clickhouse, user))
        running = self.home.running()
        if running is None or not running.clickhouse:
            raise ClickHouseUnavailable(
                f"no ClickHouse is running on {self.home.folder}: start it with `liudan up` or name one "
                "in LIUDAN_CLICKHOUSE"
            )
        return connect(running.clickhouse, user, read_password(self.home.clickhouse, user))

    @cached_property
    def indicators(self) -> ClickHouseReportQueries:
        """The indicators in ClickHouse, and what reports ask; it connects when it is first asked."""
        indicators = ClickHouseReportQueries(self.clickhouse)
        self._closing.callback(indicators.close)
        return indicators

    def oldest_missing(self, position: int) -> datetime | None:
        """Say when the first event after a position was recorded; None when there is none."""
        following = self.store.read(position, 1)
        return decode(following[0].state).recorded_at if following else None

    def rollup(
        self, *, region_prefix: str, depth: int, as_of: datetime, month_from: date, month_to: date
    ) -> list[RollupRow]:
        """Ask for the regional roll-up over a connection of its own; raises ClickHouseUnavailable."""
        with closing(self.clickhouse()) as client:
            return regional_rollup(
                client,
                region_prefix=region_prefix,
                depth=depth,
                as_of=as_of,
                month_from=month_from,
                month_to=month_to,
            )
