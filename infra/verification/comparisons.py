"""The comparisons of `audit verify`, each for itself, so that they can be made side by side."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from domain.errors import Halted, Transient
from infra.bootstrap import Installation
from infra.clickhouse.builds import build_of
from infra.clickhouse.parked_tickets import standing_of_all
from infra.clickhouse.positions import Build, read_reached
from infra.clickhouse.schema import EVENTS_TABLE
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.relay_mark import relay_bookmark
from infra.progress import Progress
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.log_reader import Head
from infra.transparency.set_back import check_not_set_back
from infra.transparency.signed_note import BadNote, VerifierKey
from infra.verification.clickhouse_rows import ClickHouseRows
from infra.verification.kafka_topic import KafkaTopic
from infra.verification.log_and_store import verify_log, verify_store
from infra.verification.read_models import MODELS, ReadModelCheck, ReadModelsCheck
from infra.verification.snapshot import ALL, Share, Snapshot
from infra.verification.verdict import Difference, Differs, Part

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Task:
    """What all comparisons of one run have in common."""

    head: Head
    key: VerifierKey
    since: int
    patience_seconds: float


@dataclass(slots=True)
class Findings:
    """What came of some comparisons."""

    compared: dict[Part, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    skipped: dict[Part, str] = field(default_factory=dict)

    def add(self, other: "Findings") -> None:
        """Take in what came of others."""
        for part, count in other.compared.items():
            self.compared[part] = self.compared.get(part, 0) + count
        known = {difference.part for difference in self.differences}
        self.differences += [each for each in other.differences if each.part not in known]
        self.skipped.update(other.skipped)

    def attempt(self, part: Part, compare: Callable[[], int]) -> None:
        """Make one comparison and note its end."""
        try:
            self.compared[part] = compare()
        except Differs as error:
            self.differences.append(error.difference)
        except Transient as error:
            self.skipped[part] = str(error)


class Comparisons:
    """Makes comparisons over one installation."""

    def __init__(self, parts: Installation, task: Task, progress: Progress) -> None:
        self._parts, self._task, self._progress = parts, task, progress
        log = parts.transparency_log
        size = task.head.checkpoint.size
        self._snapshot = Snapshot(log, task.head.checkpoint, log.positions_of(size)).since(task.since)

    @property
    def events(self) -> int:
        """How many events each part is compared with."""
        return len(self._snapshot.leaves)

    @property
    def starts_late(self) -> bool:
        """Whether the first entries are left out."""
        return self._snapshot.first > 0

    def make(self, wanted: Sequence[Part], share: Share = ALL) -> Findings:
        """Make these comparisons, read models for a share of the entries; raises what is no finding."""
        findings = Findings()
        simple: Mapping[Part, Callable[[], int]] = {
            Part.LOG: self._log,
            Part.STORE: lambda: verify_store(self._snapshot, self._parts.store, self._progress),
            Part.KAFKA: self._kafka,
            Part.CLICKHOUSE: self._clickhouse,
        }
        for part in wanted:
            if part in simple:
                findings.attempt(part, simple[part])
        self._read_models([part for part in wanted if part in MODELS], share, findings)
        return findings

    def _log(self) -> int:
        snapshot, task = self._snapshot, self._task
        place = str(snapshot.log.folder.checkpoint)
        try:
            Checkpoint.opened(task.head.note, task.key)
            check_not_set_back(snapshot.log, snapshot.checkpoint, snapshot.last_position, self._parts.store)
        except (BadNote, Halted) as error:
            raise Differs(Difference(Part.LOG, str(error), place)) from error
        try:
            return verify_log(snapshot, self._progress)
        except Halted as error:  # a tile is missing or cut off
            raise Differs(Difference(Part.LOG, str(error), str(snapshot.log.folder.folder))) from error

    def _kafka(self) -> int:
        log = self._parts.event_log
        relayed = self._parts.store.bookmark(relay_bookmark(log))
        return KafkaTopic(self._snapshot, relayed).verify(log, self._progress)

    def _read_models(self, wanted: Sequence[Part], share: Share, findings: Findings) -> None:
        checks: list[ReadModelCheck] = []
        for part in wanted:
            try:
                checks.append(self._check(part))
            except Transient as error:
                findings.skipped[part] = str(error)
        if not checks:
            return
        models = ReadModelsCheck(checks, self._snapshot, self._parts.store)
        models.verify(share, self._progress)
        findings.differences += models.differences.values()
        findings.compared.update({check.part: check.compared for check in checks})

    def _check(self, part: Part) -> ReadModelCheck:
        parts, model = self._parts, MODELS[part]
        identity = parts.event_log.identity(TICKETS_TOPIC)
        ledger = model.ledger(identity)

        def reached() -> Mapping[int, int]:
            with parts.reads.reading() as connection:
                return ledger.positions(connection)

        self._await_caught_up(part, reached)
        return ReadModelCheck(model, self._snapshot, parts.store, parts.reads, identity)

    def _clickhouse(self) -> int:
        with closing(self._parts.clickhouse()) as client:
            ends = self._parts.event_log.end_offsets(TICKETS_TOPIC)
            build = Build(EVENTS_TABLE, build_of(client))

            def reached() -> Mapping[int, int]:
                return {each: at.next_offset for each, at in read_reached(client, build, list(ends)).items()}

            self._await_caught_up(Part.CLICKHOUSE, reached)
            parked = frozenset(standing_of_all(client, build.number))
            return ClickHouseRows(self._snapshot, client, parked).verify(self._progress)

    def _await_caught_up(self, part: Part, reached: Callable[[], Mapping[int, int]]) -> None:
        """Wait until a follower has applied what the stream has now; raises Transient when it does not."""
        ends = self._parts.event_log.end_offsets(TICKETS_TOPIC)
        until = time.monotonic() + self._task.patience_seconds
        while True:
            at = reached()
            behind = sum(max(0, end - at.get(partition, 0)) for partition, end in ends.items())
            if not behind:
                return
            if time.monotonic() > until:
                raise Transient(f"it is {behind} events behind; let {part} catch up and verify again")
            time.sleep(_LOOK_SECONDS)
