"""Rows and positions of the SQL read models: whatever is repeated, split, killed or parked, they agree."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.errors import Halted, Poison
from domain.ticket_event import TicketEvent
from domain.vocabulary import Role
from infra.event_log.port import LogRecord
from infra.event_log.sink import Letter, MovedOn, Step
from infra.read_store.open import ReadStore
from tests.contract.read_store_client import stream
from tests.contract.read_store_fixtures import (
    all_clocks,
    all_tickets,
    forget_everything,
    open_reads,
    project,
    read_url,
    reads,
)
from tests.journeys import VILLAGE, Journey, walked
from tests.random_journeys import random_journey
from tests.read_models import clock_rows, pair, records, sinks, ticket_row

__all__ = ["open_reads", "read_url", "reads"]
ROOT = Path(__file__).parents[2]
SAME_STORE = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check_rows(reads: ReadStore, histories: list[list[TicketEvent]]) -> None:
    """Rows are those of a fold from the beginning."""
    histories = sorted(histories, key=lambda events: events[0].number)
    assert all_tickets(reads) == [ticket_row(events) for events in histories]
    assert all_clocks(reads) == [row for events in histories for row in clock_rows(events)]


def interleaved(data: st.DataObject, histories: list[list[TicketEvent]]) -> list[TicketEvent]:
    """All events in some order that keeps each ticket's own."""
    turns = [index for index, events in enumerate(histories) for _ in events]
    order = data.draw(st.permutations(turns))
    left = [iter(events) for events in histories]
    return [next(left[index]) for index in order]


@SAME_STORE
@given(data=st.data())
def test_any_split_repeated_and_late_gives_the_rows_of_a_replay(
    reads: ReadStore, data: st.DataObject
) -> None:
    forget_everything(reads)
    histories = [random_journey(data, serial).events for serial in (1, 2, 3)]
    log = records(interleaved(data, histories))
    for sink in sinks(reads):
        done = 0
        while done < len(log):
            again = data.draw(st.integers(0, done))
            end = data.draw(st.integers(done + 1, len(log)))
            sink.apply(log[again:end], {0: Step(done, end)})
            done = end
        assert sink.start_offsets([0, 1]) == {0: len(log), 1: 0}
    check_rows(reads, histories)


def test_a_merge_and_its_undoing(reads: ReadStore) -> None:
    child, parent = Journey(serial=1), Journey(serial=2)
    for journey in (child, parent):
        journey.give(c.Place(region=VILLAGE), Role.RESIDENT)
        journey.give(c.Verify(), Role.GRID_WORKER)
    project(reads, child.events + parent.events)
    assert parent.ticket is not None
    for command in (c.Merge(into=parent.ticket.number), c.Unmerge(reason="another lamp")):
        pair(child, parent, command, timedelta(hours=1))
        project(reads, [child.events[-1], parent.events[-1]])
        check_rows(reads, [child.events, parent.events])


def test_a_gap_halts_and_names_ticket_expected_and_found(reads: ReadStore) -> None:
    journey = walked(8)
    log = records(journey.events)
    number = str(journey.events[0].number)
    for sink in sinks(reads):
        sink.apply(log[:3], {0: Step(0, 3)})
        with pytest.raises(Halted, match=rf"{number}.*\b4\b.*\b5\b"):
            sink.apply(log[4:], {0: Step(3, len(log))})
        assert sink.start_offsets([0]) == {0: 3}
        sink.apply(log[3:], {0: Step(3, len(log))})
    check_rows(reads, [journey.events])


def test_a_history_that_does_not_begin_at_its_beginning_halts(reads: ReadStore) -> None:
    for sink in sinks(reads):
        with pytest.raises(Halted):
            sink.apply(records(walked(3).events)[1:], {0: Step(0, 3)})


def test_a_poisoned_event_leaves_nothing_behind(reads: ReadStore) -> None:
    good = records(walked(2).events)
    bad = good[1]._replace(value=b"{}")
    for sink in sinks(reads):
        with pytest.raises(Poison):
            sink.apply([good[0], bad], {0: Step(0, 2)})
        assert sink.start_offsets([0]) == {0: 0}
    assert all_tickets(reads) == []


def test_a_value_that_the_database_cannot_hold_is_poison(reads: ReadStore) -> None:
    record = records(walked(1).events)[0]
    for old, new in (
        (b'"returns":0', b'"returns":99999999999999999999'),
        (b'"channel":"web"', b'"channel":{}'),
    ):
        assert old in record.value
        bad = record._replace(value=record.value.replace(old, new))
        with pytest.raises(Poison):
            sinks(reads)[0].apply([bad], {0: Step(0, 1)})
    sinks(reads)[0].apply([record], {0: Step(0, 1)})


def test_a_zombie_that_is_behind_writes_nothing(open_reads: Callable[[], ReadStore]) -> None:
    log = records(walked(4).events)
    for zombie, successor in zip(sinks(open_reads()), sinks(open_reads()), strict=True):
        zombie.apply(log[:1], {0: Step(0, 1)})
        successor.apply(log[1:], {0: Step(1, 4)})
        with pytest.raises(MovedOn):
            zombie.apply(log[1:2], {0: Step(1, 2)})
        assert zombie.start_offsets([0]) == {0: 4}
        with pytest.raises(MovedOn):
            zombie.apply(log[:1], {0: Step(0, 1)})


def test_another_log_begins_at_its_own_beginning_and_repeats_nothing(reads: ReadStore) -> None:
    journey = walked(8)
    log = records(journey.events)
    for sink in sinks(reads, log="kafka"):
        sink.apply(log[:5], {0: Step(0, 5)})
    for sink in sinks(reads, log="event store"):
        assert sink.start_offsets([0]) == {0: 0}
        sink.apply(log, {0: Step(0, len(log))})
    check_rows(reads, [journey.events])


# Dead letters ---------------------------------------------------------------------------------------


def parked_after(reads: ReadStore, applied: int) -> tuple[list[LogRecord], list[LogRecord]]:
    """Apply the first events, and park the ticket at the next one; gives the log and the letters."""
    log = records(walked(8).events)
    for sink in sinks(reads):
        sink.apply(log[:applied], {0: Step(0, applied)})
        for _ in range(2):
            sink.park(log[applied], "why not")
        sink.apply([], {0: Step(applied, len(log))}, {log[0].key})
        assert set(sink.parked()) == {log[0].key}
    return log, log[applied:]


def test_replayed_letters_bring_the_ticket_up_to_date(reads: ReadStore) -> None:
    log, letters = parked_after(reads, 3)
    for sink in sinks(reads):
        for _ in range(2):  # the second time after a crash before the letters were settled
            sink.release(log[0].key, lambda: [Letter(record) for record in letters])
        assert not sink.parked()
        assert sink.start_offsets([0]) == {0: len(log)}
    check_rows(reads, [walked(8).events])


def test_a_letter_that_is_still_poisoned_leaves_the_ticket_parked(reads: ReadStore) -> None:
    log, letters = parked_after(reads, 3)
    broken = [letters[0], letters[1]._replace(value=b"?")]
    for sink in sinks(reads):
        with pytest.raises(Poison):
            sink.release(log[0].key, lambda: [Letter(record) for record in broken])
        assert set(sink.parked()) == {log[0].key}
    assert [row.version for row in all_tickets(reads)] == [3]


def test_after_a_discarded_event_the_next_one_may_follow_once(reads: ReadStore) -> None:
    log = records(walked(8).events)
    for sink in sinks(reads):
        sink.apply(log[:3], {0: Step(0, 3)})
        sink.park(log[3], "unreadable")
        sink.apply([], {0: Step(3, 4)}, {log[0].key})
        for _ in range(2):
            sink.release(log[0].key, lambda: [Letter(log[3]._replace(value=b"?"), discarded=True)])
        sink.apply(log[4:6], {0: Step(4, 6)})
        with pytest.raises(Halted):
            sink.apply(log[7:], {0: Step(6, len(log))})
    assert [row.version for row in all_tickets(reads)] == [6]


def test_a_discarded_event_with_others_behind_it(reads: ReadStore) -> None:
    log, letters = parked_after(reads, 3)
    for sink in sinks(reads):
        letter = Letter(letters[0]._replace(value=b"?"), discarded=True)
        sink.release(log[0].key, lambda: [letter, *(Letter(record) for record in letters[1:])])  # noqa: B023 - called at once
    assert [row.version for row in all_tickets(reads)] == [len(log)]


def test_what_is_put_aside_must_still_be_parked(reads: ReadStore) -> None:
    log = records(walked(4).events)
    for sink in sinks(reads):
        with pytest.raises(MovedOn):
            sink.apply([], {0: Step(0, 1)}, {log[0].key})
        assert sink.start_offsets([0]) == {0: 0}


# A process that is killed ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1])
def test_killed_at_any_moment_rows_and_positions_agree(
    read_url: str, open_reads: Callable[[], ReadStore], seed: int
) -> None:
    log = stream()
    pause = random.Random(seed)
    stores = open_reads()
    killed = 0
    while min(sink.start_offsets([0])[0] for sink in sinks(stores)) < len(log):
        killed += _run_and_kill(read_url, pause.randint(5, 60), pause.uniform(0, 0.01))
        states, clocks = sinks(stores)
        applied = states.start_offsets([0])[0]
        newest = {record.key: index for index, record in enumerate(log[:applied])}
        versions = {row.number: row.version for row in all_tickets(stores)}
        assert versions.keys() == newest.keys()
        assert sum(versions.values()) == applied
        assert (
            sum(row.version for row in all_clocks(stores) if row.current and row.clock == "resolve")
            == (clocks.start_offsets([0])[0])
        )
    assert killed
    once = all_tickets(stores), all_clocks(stores)
    forget_everything(stores)
    for sink in sinks(stores):
        sink.apply(log, {0: Step(0, len(log))})
    assert (all_tickets(stores), all_clocks(stores)) == once


def _run_and_kill(url: str, batches: int, after_seconds: float) -> bool:
    """Run the client until it is in its n-th batch; tells whether it was killed rather than done."""
    command = [sys.executable, "-m", "tests.contract.read_store_client", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        begun = [line for _, line in zip(range(batches), process.stdout, strict=False)]
        if len(begun) == batches:
            time.sleep(after_seconds)
        process.kill()
    return process.returncode == -signal.SIGKILL
