"""`audit verify`: compares everything that was derived from the events with the transparency log."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing

from domain.errors import Halted, Transient
from infra.bootstrap import Installation
from infra.clickhouse.parked_tickets import standing_of_all
from infra.clickhouse.positions import read_reached
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.relay_mark import relay_bookmark
from infra.progress import Progress, Unwatched
from infra.settings import LogKind
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.set_back import check_not_set_back
from infra.transparency.signed_note import BadNote, VerifierKey
from infra.verification.clickhouse_rows import ClickHouseRows
from infra.verification.kafka_topic import KafkaTopic
from infra.verification.log_and_store import verify_log, verify_store
from infra.verification.read_models import MODELS, ReadModelCheck
from infra.verification.snapshot import Snapshot
from infra.verification.verdict import Difference, Differs, Part, Verdict

PATIENCE_SECONDS = 30.0
"""How long a read model may take to catch up with the log before it counts as not comparable."""
_LOOK_SECONDS = 0.2
EVERYTHING = tuple(Part)


def verify(
    parts: Installation,
    *,
    only: Collection[Part] = EVERYTHING,
    since: int = 0,
    key: VerifierKey | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
    progress: Progress | None = None,
) -> Verdict:
    """Compare the parts of an installation with its log, from after a position of the event store on.

    Memory stays the same however many events there are. `key` is the log's, by default the installation's
    own. Raises Transient when there is no log yet, or the event store is away.
    """
    return _Verification(parts, key, since, patience_seconds, progress or Unwatched()).run(only)


class _Verification:
    def __init__(
        self, parts: Installation, key: VerifierKey | None, since: int, patience: float, progress: Progress
    ) -> None:
        self._parts, self._patience, self._progress = parts, patience, progress
        self._key = key
        log = parts.transparency_log
        self._head = log.head()
        self._snapshot = Snapshot(
            log, self._head.checkpoint, log.positions_of(self._head.checkpoint.size)
        ).since(since)
        self._compared: dict[Part, int] = {}
        self._differences: list[Difference] = []
        self._skipped: dict[Part, str] = {}

    def run(self, only: Collection[Part]) -> Verdict:
        passes: Mapping[Part, Callable[[], int]] = {
            Part.LOG: self._log,
            Part.STORE: lambda: verify_store(self._snapshot, self._parts.store, self._progress),
            Part.KAFKA: self._kafka,
            Part.TICKET_STATE: lambda: self._read_model(Part.TICKET_STATE),
            Part.SLA_CLOCKS: lambda: self._read_model(Part.SLA_CLOCKS),
            Part.CLICKHOUSE: self._clickhouse,
        }
        wanted = [part for part in passes if part in only and self._is_there(part)]
        self._progress.begin(len(self._snapshot.leaves) * len(wanted), "events")
        for part in wanted:
            self._compare(part, passes[part])
        return Verdict(
            self._snapshot.size,
            self._snapshot.checkpoint.root,
            self._compared,
            tuple(self._differences),
            self._skipped,
        )

    def _is_there(self, part: Part) -> bool:
        """The embedded log is the event store itself."""
        return part is not Part.KAFKA or self._parts.log_kind is LogKind.KAFKA

    def _compare(self, part: Part, compare: Callable[[], int]) -> None:
        if part in MODELS and any(each.part in (Part.LOG, Part.STORE) for each in self._differences):
            self._skipped[part] = "the events that it is to be compared with are not those of the log"
            return
        try:
            self._compared[part] = compare()
        except Differs as error:
            self._differences.append(error.difference)
        except Transient as error:
            self._skipped[part] = str(error)

    def _log(self) -> int:
        snapshot, parts = self._snapshot, self._parts
        place = str(snapshot.log.folder.checkpoint)
        try:
            Checkpoint.opened(self._head.note, self._key or parts.log_signer.verifier)
            check_not_set_back(snapshot.log, snapshot.checkpoint, snapshot.last_position, parts.store)
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

    def _read_model(self, part: Part) -> int:
        parts, model = self._parts, MODELS[part]
        identity = parts.event_log.identity(TICKETS_TOPIC)
        ledger = model.ledger(identity)

        def reached() -> Mapping[int, int]:
            with parts.reads.reading() as connection:
                return ledger.positions(connection)

        self._await_caught_up(part, reached)
        check = ReadModelCheck(model, self._snapshot, parts.store, parts.reads, identity)
        return check.verify(self._progress)

    def _clickhouse(self) -> int:
        with closing(self._parts.clickhouse()) as client:
            ends = self._parts.event_log.end_offsets(TICKETS_TOPIC)
            self._await_caught_up(
                Part.CLICKHOUSE,
                lambda: {each: at.next_offset for each, at in read_reached(client, list(ends)).items()},
            )
            parked = frozenset(standing_of_all(client))
            return ClickHouseRows(self._snapshot, client, parked).verify(self._progress)

    def _await_caught_up(self, part: Part, reached: Callable[[], Mapping[int, int]]) -> None:
        """Wait until a follower has applied what the log has now; raises Transient when it does not."""
        ends = self._parts.event_log.end_offsets(TICKETS_TOPIC)
        until = time.monotonic() + self._patience
        while True:
            at = reached()
            behind = sum(max(0, end - at.get(partition, 0)) for partition, end in ends.items())
            if not behind:
                return
            if time.monotonic() > until:
                raise Transient(f"{part} is {behind} events behind; let it catch up and verify again")
            time.sleep(_LOOK_SECONDS)
