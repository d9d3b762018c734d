"""Events that could not be applied: kept raw, listed, and settled by a replay or a decision to discard.

The topic `liudan.dead-letters.v1` is itself append-only. A letter is the raw record with headers that say
where it comes from and why; a later record with the header `liudan-settled` closes it. The same letter may
be written twice after a crash, and is one letter: it is known by its consumer, topic, partition and offset.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import structlog

from domain.errors import NotFound
from infra.event_log.port import DEAD_LETTERS_TOPIC, POSITION_HEADER, EventLog, LogRecord, LogUnavailable
from infra.event_log.sink import Letter, ReleasingSink

Settled = Literal["replayed", "discarded"]

PUBLISH_SECONDS = 30.0

_CONSUMER = "liudan-consumer"
_TOPIC = "liudan-topic"
_PARTITION = "liudan-partition"
_OFFSET = "liudan-offset"
_REASON = "liudan-reason"
_SETTLED = "liudan-settled"
_BY = "liudan-settled-by"
_OWN = frozenset({_CONSUMER, _TOPIC, _PARTITION, _OFFSET, _REASON, _SETTLED, _BY})

log = structlog.get_logger()


class LetterId(NamedTuple):
    """What makes two dead letters the same one."""

    consumer: str
    topic: str
    partition: int
    offset: int


class DeadLetter(NamedTuple):
    """One record that a consumer has set aside."""

    id: LetterId
    key: str
    """The ticket number."""
    reason: str
    record: LogRecord
    """The raw record as the consumer saw it."""


class DeadLetters:
    """The dead letters of all consumers."""

    def __init__(self, event_log: EventLog) -> None:
        self._log = event_log

    def write(self, consumer: str, topic: str, records: Iterable[tuple[LogRecord, str]]) -> None:
        """Keep records with the reason, durably, when this returns. Raises LogUnavailable."""
        pending = [
            self._log.publish_async(
                DEAD_LETTERS_TOPIC,
                [(record.key, record.value, record.position)],
                _headers(LetterId(consumer, topic, record.partition, record.offset), reason, record),
            )
            for record, reason in records
        ]
        for one in pending:
            if not one.wait(PUBLISH_SECONDS):
                self._log.abandon()
                raise LogUnavailable("the dead letters could not be written: the broker does not answer")

    def open(self, consumer: str | None = None, key: str | None = None) -> list[DeadLetter]:
        """Give the letters that are not settled, in the order in which they were written."""
        letters: dict[LetterId, DeadLetter] = {}
        for record in self._log.history(DEAD_LETTERS_TOPIC):
            if (letter := _letter(record)) is None:
                log.warning("not a dead letter", partition=record.partition, offset=record.offset)
            elif _is_settlement(record):
                letters.pop(letter.id, None)
            else:
                letters.setdefault(letter.id, letter)
        return [
            letter
            for letter in letters.values()
            if consumer in (None, letter.id.consumer) and key in (None, letter.key)
        ]

    def replay(self, consumer: str, key: str, sink: ReleasingSink, by: str) -> int:
        """Apply a ticket's letters in order, let the ticket go on and settle them; give how many.

        Raises Poison when one still cannot be applied: nothing has changed then.
        """
        return self._release(consumer, key, sink, "replayed", by)

    def discard(self, consumer: str, key: str, sink: ReleasingSink, by: str) -> int:
        """Settle a ticket's first letter without applying it, and apply those behind it; give how many.

        The projection then misses that one event for good; who decided so stays on record in the topic.
        """
        return self._release(consumer, key, sink, "discarded", by)

    def _release(self, consumer: str, key: str, sink: ReleasingSink, settled: Settled, by: str) -> int:
        found: list[DeadLetter] = []

        def letters() -> Sequence[Letter]:
            found[:] = sorted(self.open(consumer, key), key=lambda letter: letter.id.offset)
            if not found:
                raise NotFound(f"there are no dead letters of {key} for {consumer}", field="ticket")
            return [
                Letter(letter.record, discarded=settled == "discarded" and letter is found[0])
                for letter in _without_repeats(found)
            ]

        sink.release(key, letters)
        self._settle(found, settled, by)
        log.info("dead letters settled", ticket=key, consumer=consumer, letters=len(found), how=settled)
        return len(found)

    def _settle(self, letters: Sequence[DeadLetter], first: Settled, by: str) -> None:
        for letter in letters:
            settled = first if letter.record.value == letters[0].record.value else "replayed"
            headers = _headers(letter.id, letter.reason, letter.record)
            headers += [(_SETTLED, settled.encode()), (_BY, by.encode())]
            self._log.publish(DEAD_LETTERS_TOPIC, [(letter.key, b"", None)], headers)


def _without_repeats(letters: Sequence[DeadLetter]) -> Iterable[DeadLetter]:
    """Give the first letter of every event: after a crash the relay repeats some, at other offsets."""
    first: dict[bytes, DeadLetter] = {}
    for letter in letters:
        first.setdefault(letter.record.value, letter)
    return first.values()


def _headers(letter: LetterId, reason: str, record: LogRecord) -> list[tuple[str, bytes]]:
    kept = [(name, value) for name, value in record.headers if name != POSITION_HEADER and name not in _OWN]
    return [
        (_CONSUMER, letter.consumer.encode()),
        (_TOPIC, letter.topic.encode()),
        (_PARTITION, str(letter.partition).encode()),
        (_OFFSET, str(letter.offset).encode()),
        (_REASON, reason.encode()),
        *kept,
    ]


def _letter(record: LogRecord) -> DeadLetter | None:
    """Understand a record of the topic; None for one that somebody else has put there."""
    own = {name: value for name, value in record.headers if name in _OWN}
    try:
        partition, offset = int(own[_PARTITION]), int(own[_OFFSET])
        letter = LetterId(own[_CONSUMER].decode(), own[_TOPIC].decode(), partition, offset)
        reason = own[_REASON].decode()
    except (KeyError, ValueError):
        return None
    raw = tuple((name, value) for name, value in record.headers if name not in _OWN)
    original = LogRecord(partition, offset, record.key, record.value, record.position, raw)
    return DeadLetter(letter, record.key, reason, original)


def _is_settlement(record: LogRecord) -> bool:
    return any(name == _SETTLED for name, _ in record.headers)
