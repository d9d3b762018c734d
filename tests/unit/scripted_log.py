"""An event log in memory that misbehaves on purpose, and a sink with transactions that can fail."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from domain.errors import Halted, Poison, Transient
from infra.event_log.port import Headers, LogRecord, LogUnavailable, StartOffsets
from infra.event_log.sink import Letter, MovedOn, Step

Trouble = Callable[[], str]


class Crash(BaseException):
    """Stands for kill -9: nobody handles it."""


class Done:
    """Records that are written already."""

    def done(self) -> bool:
        return True

    def wait(self, timeout_seconds: float) -> bool:
        return True


class ScriptedLog:
    """Keeps topics in memory. `trouble` says before every poll what goes wrong, "" for nothing."""

    def __init__(self, records: Sequence[LogRecord] = (), trouble: Trouble = lambda: "") -> None:
        self.records = list(records)
        self.published: list[LogRecord] = []
        self.on_idle: Callable[[], None] = lambda: None
        self.trouble = trouble

    def reader(self, group: str, topic: str, start_offsets: StartOffsets) -> "ScriptedReader":
        return ScriptedReader(self, start_offsets)

    def publish(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> None:
        for key, value, position in records:
            at = len(self.published)
            self.published.append(LogRecord(0, at, key, value, position, tuple(headers)))

    def publish_async(
        self, topic: str, records: Iterable[tuple[str, bytes, int | None]], headers: Headers = ()
    ) -> Done:
        self.publish(topic, records, headers)
        return Done()

    def abandon(self) -> None:
        pass

    def history(
        self,
        topic: str,
        starts: Mapping[int, int] | None = None,
        *,
        partitions: Collection[int] | None = None,
    ) -> Iterator[LogRecord]:
        return iter(self.published[(starts or {}).get(0, 0) :])

    def first_offsets(self, topic: str) -> Mapping[int, int]:
        raise NotImplementedError

    def end_offsets(self, topic: str) -> Mapping[int, int]:
        return {0: len(self.published)}

    def identity(self, topic: str) -> str:
        return topic

    def close(self) -> None:
        pass


class ScriptedReader:
    """Polls may fail, give nothing, repeat what they gave, or lose and regain partitions."""

    def __init__(self, log: ScriptedLog, start_offsets: StartOffsets) -> None:
        self._log = log
        self._start_offsets = start_offsets
        self._partitions = sorted({record.partition for record in log.records})
        self._next: dict[int, int] | None = None

    def poll(self, max_records: int, timeout_seconds: float) -> Sequence[LogRecord]:
        trouble = self._log.trouble()
        if trouble == "crash":
            raise Crash
        if trouble == "unavailable":
            raise LogUnavailable("scripted")
        if trouble == "rebalance":
            self._next = None
        if self._next is None:
            starts = self._start_offsets(self._partitions)
            self._next = {partition: starts.get(partition, 0) for partition in self._partitions}
        if trouble == "nothing":
            return ()
        if trouble == "repeat":
            self._next = {partition: max(0, at - 2) for partition, at in self._next.items()}
        return self._give(max_records)

    def _give(self, max_records: int) -> Sequence[LogRecord]:
        assert self._next is not None
        given = [each for each in self._log.records if each.offset >= self._next[each.partition]][
            :max_records
        ]
        for record in given:
            self._next[record.partition] = record.offset + 1
        if not given:
            self._log.on_idle()
        return given

    def rewind(self) -> None:
        self._next = None

    def applied(self, next_offsets: Mapping[int, int]) -> None:
        pass

    def lag(self) -> Mapping[int, int]:
        at = self._next or {}
        left = [each for each in self._log.records if each.offset >= at.get(each.partition, 0)]
        return {partition: sum(each.partition == partition for each in left) for partition in at}

    def close(self) -> None:
        pass


class ScriptedSink:
    """Rows and positions in one transaction that may fail before or after it has committed."""

    def __init__(self, poison: Collection[str] = (), trouble: Trouble = lambda: "") -> None:
        self.rows: list[tuple[str, int]] = []
        self.positions: dict[int, int] = {}
        self.held: dict[str, str] = {}
        self.poison = set(poison)
        self.trouble = trouble

    def start_offsets(self, partitions: Sequence[int]) -> Mapping[int, int]:
        if self.trouble() == "before":
            raise Transient("scripted")
        return {each: self.positions[each] for each in partitions if each in self.positions}

    def apply(
        self, records: Sequence[LogRecord], steps: Mapping[int, Step], aside: Collection[str] = ()
    ) -> None:
        trouble = self.trouble()
        if trouble == "before":
            raise Transient("scripted")
        if any(self.positions.get(each, 0) != step.start for each, step in steps.items()):
            raise MovedOn("position")
        if any(key not in self.held for key in aside):
            raise MovedOn("released")
        self._write(records)
        self.positions.update({each: step.next for each, step in steps.items()})
        if trouble == "crash":
            raise Crash
        if trouble == "after":
            raise Transient("scripted")

    def parked(self) -> Collection[str]:
        return set(self.held)

    def park(self, record: LogRecord, reason: str) -> None:
        trouble = self.trouble()
        if trouble == "before":
            raise Transient("scripted")
        self.held.setdefault(record.key, reason)
        if trouble == "crash":
            raise Crash
        if trouble == "after":
            raise Transient("scripted")

    def release(self, key: str, letters: Callable[[], Sequence[Letter]]) -> None:
        self._write([letter.record for letter in letters() if not letter.discarded])
        self.held.pop(key, None)

    def _write(self, records: Sequence[LogRecord]) -> None:
        rows = []
        for record in records:
            if record.value.decode() in self.poison:
                raise Poison(f"scripted: {record.value.decode()}")
            if record.value == b"gap":
                raise Halted("scripted gap")
            rows.append((record.key, record.offset))
        self.rows += rows
