"""The poll loop never skips and never repeats, whatever the log and the sink do."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.backoff import Backoff
from consumers.dead_letters import DeadLetters
from consumers.poll_loop import BEHIND, LoopSettings, PollLoop
from consumers.progress import Condition
from domain.errors import Halted, NotFound, Poison
from infra.event_log.port import TICKETS_TOPIC, LogRecord
from infra.event_log.sink import Step
from tests.unit.scripted_log import Crash, ScriptedLog, ScriptedSink

POISONED = "622901-261123-00003"


def records_of(layout: list[tuple[int, int]], holes: bool = False) -> list[LogRecord]:
    """Make a log from (partition, ticket) pairs; a ticket's records all lie in one partition."""
    ends: Counter[int] = Counter()
    made = []
    for partition, ticket in layout:
        offset = ends[partition]
        made.append(LogRecord(partition, offset, f"{partition}-{ticket}", f"{partition}/{offset}".encode()))
        ends[partition] = offset + (3 if holes else 1)
    return made


def run_to_the_end(log: ScriptedLog, sink: ScriptedSink, settings: LoopSettings | None = None) -> PollLoop:
    """Run until everything was read; a process that crashes is started again."""
    while True:
        backoff = Backoff(first_seconds=0, draw=lambda: 0)
        loop = PollLoop(log, TICKETS_TOPIC, "test", sink, settings=settings, backoff=backoff)
        log.on_idle = loop.stop.set
        try:
            loop.run()
        except Crash:
            continue
        return loop


LAYOUT = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=40)
LOG_TROUBLE = st.lists(
    st.sampled_from(["", "unavailable", "rebalance", "nothing", "repeat", "crash"]), max_size=30
)
SINK_TROUBLE = st.lists(st.sampled_from(["", "before", "after", "crash"]), max_size=30)


def script(steps: list[str]) -> Callable[[], str]:
    """Go through the steps once; then nothing goes wrong any more."""
    left = iter(steps)
    return lambda: next(left, "")


@given(LAYOUT, LOG_TROUBLE, SINK_TROUBLE, st.integers(1, 7), st.booleans())
def test_every_record_once_and_in_order(
    layout: list[tuple[int, int]], log_trouble: list[str], sink_trouble: list[str], size: int, holes: bool
) -> None:
    log = ScriptedLog(records_of(layout, holes), script(log_trouble))
    sink = ScriptedSink(trouble=script(sink_trouble))
    run_to_the_end(log, sink, LoopSettings(max_records=size))
    for partition in range(3):
        expected = [(each.key, each.offset) for each in log.records if each.partition == partition]
        assert [row for row in sink.rows if row[0].startswith(f"{partition}-")] == expected


@given(LAYOUT, st.data(), LOG_TROUBLE, SINK_TROUBLE, st.integers(1, 7))
def test_poison_holds_back_its_own_ticket_only(
    layout: list[tuple[int, int]],
    data: st.DataObject,
    log_trouble: list[str],
    sink_trouble: list[str],
    size: int,
) -> None:
    records = records_of(layout)
    poison = data.draw(
        st.sets(st.sampled_from([each.value.decode() for each in records] or [""]), max_size=4)
    )
    sink = ScriptedSink(poison, script(sink_trouble))
    log = ScriptedLog(records, script(log_trouble))
    run_to_the_end(log, sink, LoopSettings(max_records=size, max_poison_in_a_row=100))

    held: set[str] = set()
    good: list[tuple[str, int]] = []
    letters: list[tuple[str, int]] = []
    for each in records:
        held |= {each.key} if each.value.decode() in poison else set()
        (letters if each.key in held else good).append((each.key, each.offset))
    assert sorted(sink.rows) == sorted(good)
    assert set(sink.held) == held
    found = DeadLetters(log).open()
    assert sorted((letter.key, letter.id.offset) for letter in found) == sorted(letters)


@given(LAYOUT, st.data(), SINK_TROUBLE)
def test_a_replay_after_the_repair_gives_every_record_once(
    layout: list[tuple[int, int]], data: st.DataObject, sink_trouble: list[str]
) -> None:
    records = records_of(layout)
    poison = data.draw(
        st.sets(st.sampled_from([each.value.decode() for each in records] or [""]), max_size=4)
    )
    sink = ScriptedSink(poison, script(sink_trouble))
    log = ScriptedLog(records)
    run_to_the_end(log, sink, LoopSettings(max_records=5, max_poison_in_a_row=100))
    sink.poison.clear()
    letters = DeadLetters(log)
    for key in list(sink.held):
        letters.replay("test", key, sink, by="operator")
    assert sorted(sink.rows) == sorted((each.key, each.offset) for each in records)
    for key in {each.key for each in records}:
        offsets = [offset for found, offset in sink.rows if found == key]
        assert offsets == sorted(offsets)
    assert letters.open() == []


def test_a_poisoned_record_goes_raw_with_its_headers_and_the_reason_to_the_dead_letters() -> None:
    bad = LogRecord(2, 5, POISONED, b"bad", 77, [("liudan-position", b"77"), ("extra", b"1")])
    behind = LogRecord(2, 6, POISONED, b"fine", 78)
    log = ScriptedLog([bad, behind])
    sink = ScriptedSink({"bad"})
    run_to_the_end(log, sink)
    first, second = DeadLetters(log).open()
    assert (first.record.value, first.record.position, first.key) == (b"bad", 77, POISONED)
    assert ("extra", b"1") in first.record.headers
    assert (first.id.topic, first.id.partition, first.id.offset) == (TICKETS_TOPIC, 2, 5)
    assert first.reason == "scripted: bad"
    assert second.reason == BEHIND


def test_parked_tickets_stay_parked_after_a_restart() -> None:
    log = ScriptedLog([LogRecord(0, 0, POISONED, b"bad")])
    sink = ScriptedSink({"bad"})
    run_to_the_end(log, sink)
    log.records += [LogRecord(0, 1, POISONED, b"later"), LogRecord(0, 2, "other", b"fine")]
    run_to_the_end(log, sink)
    assert sink.rows == [("other", 2)]
    assert [letter.id.offset for letter in DeadLetters(log).open()] == [0, 1]


def test_too_many_poisoned_in_a_row_halt() -> None:
    records = [LogRecord(0, offset, f"t{offset}", b"bad") for offset in range(20)]
    sink = ScriptedSink({"bad"})
    log = ScriptedLog(records)
    loop = PollLoop(log, TICKETS_TOPIC, "test", sink, settings=LoopSettings(max_poison_in_a_row=3))
    with pytest.raises(Halted, match="4 events in a row"):
        loop.run()
    assert len(sink.held) == 3
    assert sink.positions == {0: 3}
    assert loop.progress.standing().condition is Condition.HALTED


def test_a_good_record_between_them_ends_the_row() -> None:
    values = [b"bad", b"bad", b"fine"] * 4
    records = [LogRecord(0, offset, f"t{offset}", value) for offset, value in enumerate(values)]
    sink = ScriptedSink({"bad"})
    run_to_the_end(ScriptedLog(records), sink, LoopSettings(max_poison_in_a_row=2))
    assert len(sink.rows) == 4


def test_a_gap_halts_and_commits_nothing_beyond_it() -> None:
    sink = ScriptedSink()
    log = ScriptedLog([LogRecord(0, 0, "a", b"fine"), LogRecord(0, 1, "a", b"gap")])
    loop = PollLoop(log, TICKETS_TOPIC, "test", sink, settings=LoopSettings(max_records=1))
    with pytest.raises(Halted, match="scripted gap"):
        loop.run()
    assert sink.positions == {0: 1}
    standing = loop.progress.standing()
    assert standing.condition is Condition.HALTED
    assert standing.problem == "scripted gap"


def test_a_zombie_writes_nothing_once_another_process_has_moved_on() -> None:
    records = [LogRecord(0, offset, "a", b"%d" % offset) for offset in range(6)]
    log, sink = ScriptedLog(records), ScriptedSink()
    sink.apply(records[:2], {0: Step(0, 2)})

    class Overtaken(ScriptedSink):
        """Another process applies two records just before this one's first batch."""

        overtaken = False

        def apply(self, *arguments: object, **more: object) -> None:
            if not self.overtaken:
                self.overtaken = True
                super().apply(records[:2], {0: Step(0, 2)})
            super().apply(*arguments, **more)  # type: ignore[arg-type]  # passed on as they came

    sink = Overtaken()
    run_to_the_end(log, sink)
    assert sink.rows == [("a", offset) for offset in range(6)]


def test_lag_and_positions_are_reported() -> None:
    seen: list[int] = []
    log = ScriptedLog([LogRecord(0, offset, "a", b"x") for offset in range(5)])
    loop = PollLoop(
        log,
        TICKETS_TOPIC,
        "test",
        ScriptedSink(),
        settings=LoopSettings(max_records=2, report_seconds=0),
        on_lag=lambda lag: seen.append(lag[0]),
    )
    log.on_idle = loop.stop.set
    loop.run()
    assert seen[:3] == [3, 1, 0]
    standing = loop.progress.standing()
    assert (standing.applied, standing.positions, standing.total_lag) == (5, {0: 5}, 0)
    assert standing.condition is Condition.STOPPED


def test_lingers_for_a_fuller_batch_but_not_longer_than_it_may() -> None:
    now = [0.0]
    batches: list[int] = []

    class Counting(ScriptedSink):
        def apply(self, records, steps, aside=()):  # type: ignore[no-untyped-def]  # as in the sink
            batches.append(len(records))
            super().apply(records, steps, aside)

    log = ScriptedLog([LogRecord(0, offset, "a", b"x") for offset in range(3)])

    def tick() -> None:
        now[0] += 0.4

    log.on_idle = tick
    stop = threading.Event()
    loop = PollLoop(
        log,
        TICKETS_TOPIC,
        "test",
        Counting(),
        settings=LoopSettings(max_records=10, linger_seconds=1.0, report_seconds=1e9),
        stop=stop,
        clock=lambda: now[0],
    )
    idle = [0]

    def idle_then_stop() -> None:
        tick()
        idle[0] += 1
        if idle[0] == 2:
            log.records.append(LogRecord(0, 3, "a", b"x"))
        if idle[0] == 5:
            stop.set()

    log.on_idle = idle_then_stop
    loop.run()
    assert batches == [4]


def test_stopping_loses_nothing_that_was_collected() -> None:
    log = ScriptedLog([LogRecord(0, offset, "a", b"x") for offset in range(3)])
    sink = ScriptedSink()
    run_to_the_end(log, sink, LoopSettings(linger_seconds=1000))
    assert sink.rows == []
    run_to_the_end(log, sink)
    assert [offset for _, offset in sink.rows] == [0, 1, 2]


def test_discarding_lets_the_ticket_go_on_without_that_event() -> None:
    log = ScriptedLog([LogRecord(0, 0, POISONED, b"bad"), LogRecord(0, 1, POISONED, b"fine")])
    sink = ScriptedSink({"bad"})
    run_to_the_end(log, sink)
    letters = DeadLetters(log)
    assert letters.discard("test", POISONED, sink, by="operator") == 2
    assert sink.rows == [(POISONED, 1)]
    assert sink.held == {}
    assert letters.open() == []


def test_discarding_an_event_discards_its_repeats() -> None:
    """A relay that crashed has sent the poisoned event again: two letters, but one event."""
    values = [b"bad", b"fine", b"bad", b"fine", b"last"]
    log = ScriptedLog([LogRecord(0, offset, POISONED, value) for offset, value in enumerate(values)])
    sink = ScriptedSink({"bad"})
    run_to_the_end(log, sink)
    letters = DeadLetters(log)
    assert letters.discard("test", POISONED, sink, by="operator") == len(values)
    assert sink.rows == [(POISONED, 1), (POISONED, 4)]
    assert letters.open() == []


def test_a_replay_that_fails_again_changes_nothing() -> None:
    log = ScriptedLog([LogRecord(0, 0, POISONED, b"bad"), LogRecord(0, 1, POISONED, b"fine")])
    sink = ScriptedSink({"bad"})
    run_to_the_end(log, sink)
    letters = DeadLetters(log)
    with pytest.raises(Poison):
        letters.replay("test", POISONED, sink, by="operator")
    assert set(sink.held) == {POISONED}
    assert len(letters.open()) == 2


def test_replaying_a_ticket_without_letters_says_so() -> None:
    with pytest.raises(NotFound, match="no dead letters of t1"):
        DeadLetters(ScriptedLog()).replay("test", "t1", ScriptedSink(), by="operator")


def test_backoff_doubles_up_to_its_limit_and_starts_over() -> None:
    backoff = Backoff(first_seconds=1, longest_seconds=5, draw=lambda: 1.0)
    assert [backoff.next_seconds() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next_seconds() == 1
