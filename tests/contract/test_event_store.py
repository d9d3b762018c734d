"""What every event store promises, checked on each real database."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.event_store.port import CommandSeen, EventStore, StoreUnavailable, VersionTaken
from tests.contract.event_store_client import TOPIC, event, receipt
from tests.contract.event_store_fixtures import Client, client, open_store, store, store_url

__all__ = ["client", "open_store", "store", "store_url"]


def test_gives_back_the_bytes_and_the_order(store: EventStore) -> None:
    stream, other = uuid4(), uuid4()
    state = '{"地":"临夏"}\x00'.encode() + bytes(range(256))
    first = store.append([event(stream, 1, state), event(stream, 2, b"")])
    second = store.append([event(other, 1)])

    assert store.stream(stream) == [event(stream, 1, state), event(stream, 2, b"")]
    assert [(n.id, n.originator_id, n.originator_version, n.state) for n in store.read(0, 10)] == [
        (first[0], stream, 1, state),
        (first[1], stream, 2, b""),
        (second[0], other, 1, b"{}"),
    ]
    assert store.last_position() == second[0]
    assert sorted([*first, *second]) == [*first, *second]


def test_reads_parts_of_a_stream_and_of_the_whole(store: EventStore) -> None:
    stream = uuid4()
    positions = store.append([event(stream, version) for version in range(1, 8)])

    assert [e.originator_version for e in store.stream(stream, after=2, upto=5)] == [3, 4, 5]
    assert [e.originator_version for e in store.stream(stream, after=6)] == [7]
    assert [n.id for n in store.read(positions[1], 3)] == list(positions[2:5])
    assert store.read(positions[-1], 3) == []
    assert store.stream(uuid4()) == []


def test_gives_rows_and_several_histories_at_once(store: EventStore) -> None:
    one, other = sorted((uuid4(), uuid4()))
    store.append([event(other, 1, b"o1"), event(one, 1, b"a1"), event(other, 2, b"o2")])
    last = store.append([event(one, 2, b"a2")])[0]

    assert store.rows(last - 2, 10) == [
        (last - 1, other.bytes, 2, TOPIC, b"o2"), (last, one.bytes, 2, TOPIC, b"a2"),
    ]  # fmt: skip
    assert store.rows(0, 1)[0][1] == other.bytes
    assert store.histories([one, uuid4(), other]) == {
        one.bytes: [b"a1", b"a2"], other.bytes: [b"o1", b"o2"],
    }  # fmt: skip
    assert store.begun([one, uuid4()]) == {one.bytes}
    assert (store.histories([]), store.begun([])) == ({}, set())


def test_an_empty_store_is_empty(store: EventStore) -> None:
    assert (store.last_position(), store.read(0, 10), store.bookmark("relay")) == (0, [], 0)
    assert store.receipt(uuid4()) is None
    assert store.wait(0, 0.01) is False


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(st.binary(max_size=5000), min_size=1, max_size=600))
def test_any_bytes_survive(store: EventStore, states: list[bytes]) -> None:
    stream = uuid4()
    positions = store.append([event(stream, version, state) for version, state in enumerate(states, 1)])

    assert [e.state for e in store.stream(stream)] == states
    assert [n.state for n in store.read(positions[0] - 1, len(states))] == states


def test_several_streams_are_stored_together_or_not_at_all(store: EventStore) -> None:
    parent, child = uuid4(), uuid4()
    store.append([event(parent, 1), event(child, 1)])
    command = receipt(parent, 2)

    with pytest.raises(VersionTaken, match=str(child)):
        store.append([event(parent, 2), event(child, 1)], command)

    assert len(store.stream(parent)) == 1
    assert store.receipt(command.command_id) is None
    assert store.append([event(parent, 2), event(child, 2)], command)


def test_a_repeated_command_gets_its_receipt_from_any_instance(
    open_store: Callable[[], EventStore],
) -> None:
    stream, command = uuid4(), uuid4()
    one, other = open_store(), open_store()
    original = receipt(stream, 1, command)
    one.append([event(stream, 1)], original)

    for instance in (one, other):
        with pytest.raises(CommandSeen) as seen:
            instance.append([event(stream, 2)], receipt(uuid4(), 9, command))
        assert seen.value.receipt == original
        # The retry of a client that never got its answer asks for a version that it took itself.
        with pytest.raises(CommandSeen):
            instance.append([event(stream, 1)], original)
        assert instance.receipt(command) == original
    assert len(one.stream(stream)) == 1


def test_a_repeated_command_is_known_from_another_process(store: EventStore, client: Client) -> None:
    with client("write", 1, 1) as writer:
        stream, version, command = writer.communicate()[0].split()

    with pytest.raises(CommandSeen) as seen:
        store.append([event(uuid4(), 1)], receipt(uuid4(), 1, UUID(command)))
    assert seen.value.receipt == receipt(UUID(stream), int(version), UUID(command))


def test_a_command_without_events_is_remembered(store: EventStore) -> None:
    command = receipt(uuid4(), 3)
    assert list(store.append([], command)) == []
    assert store.receipt(command.command_id) == command


def test_a_conflict_fails_alone_among_concurrent_appends(store: EventStore) -> None:
    taken, seen = uuid4(), receipt(uuid4(), 1)
    store.append([event(taken, 1)], seen)

    async def all_at_once() -> list[object]:
        good = [store.append_async([event(uuid4(), 1)], receipt(uuid4(), 1)) for _ in range(100)]
        late = [store.append_async([event(taken, 1)], receipt(taken, 1)) for _ in range(5)]
        again = [store.append_async([event(uuid4(), 1)], seen) for _ in range(5)]
        same = [store.append_async([event(taken, 2)], receipt(taken, 2)) for _ in range(10)]
        return await asyncio.gather(*good, *late, *again, *same, return_exceptions=True)

    outcomes = asyncio.run(all_at_once())
    positions = [outcome[0] for outcome in outcomes[:100] if isinstance(outcome, range | list)]
    assert len(set(positions)) == 100
    assert all(isinstance(outcome, VersionTaken) for outcome in outcomes[100:105])
    assert all(isinstance(outcome, CommandSeen) for outcome in outcomes[105:110])
    assert sorted(isinstance(outcome, VersionTaken) for outcome in outcomes[110:]) == [False] + [True] * 9
    assert [e.originator_version for e in store.stream(taken)] == [1, 2]
    stored = {n.id: n for n in store.read(0, 1000)}
    assert len(stored) == 102
    assert set(positions) <= stored.keys()


def test_positions_belong_to_the_events_they_were_given_for(store: EventStore) -> None:
    taken = uuid4()
    store.append([event(taken, 1)])

    async def append(number: int) -> tuple[int, list[int]]:
        stream = uuid4() if number % 7 else taken
        events = [event(stream, version, b"%d" % number) for version in range(1, number % 3 + 2)]
        try:
            return number, list(await store.append_async(events))
        except VersionTaken:
            return number, []

    async def all_at_once() -> list[tuple[int, list[int]]]:
        return await asyncio.gather(*map(append, range(200)))

    answers = asyncio.run(all_at_once())
    states = {n.id: n.state for n in store.read(0, 1000)}
    for number, positions in answers:
        assert len(positions) == (number % 3 + 1 if number % 7 else 0)
        assert [states[position] for position in positions] == [b"%d" % number] * len(positions)


def test_a_value_the_database_cannot_hold_fails_alone(store: EventStore) -> None:
    async def all_at_once() -> list[object]:
        good = [store.append_async([event(uuid4(), 1)]) for _ in range(20)]
        bad = store.append_async([event(uuid4(), 2**70)])
        return await asyncio.gather(
            *good, bad, *[store.append_async([event(uuid4(), 1)])], return_exceptions=True
        )

    outcomes = asyncio.run(all_at_once())
    assert isinstance(outcomes[20], Exception)
    assert not any(isinstance(outcome, Exception) for outcome in outcomes[:20] + outcomes[21:])


def test_one_winner_per_version_among_threads_and_instances(open_store: Callable[[], EventStore]) -> None:
    stores, stream = [open_store(), open_store()], uuid4()

    def compete(worker: int) -> int:
        wins = 0
        mine = stores[worker % 2]
        while (version := len(mine.stream(stream)) + 1) <= 60:
            try:
                mine.append([event(stream, version, b"%d" % worker)], receipt(stream, version))
                wins += 1
            except VersionTaken:
                continue
        return wins

    with ThreadPoolExecutor(8) as pool:
        wins = sum(pool.map(compete, range(8)))
    assert wins == 60
    assert [e.originator_version for e in stores[0].stream(stream)] == list(range(1, 61))


def test_a_reader_that_follows_misses_nothing(store: EventStore, client: Client) -> None:
    """Two processes with four writers each; every position that was seen is final."""
    seen: list[tuple[int, UUID | str, int]] = []
    with client("write", 4, 150) as one, client("write", 4, 150) as other:
        deadline = time.monotonic() + 60
        while len(seen) < 1200 and time.monotonic() < deadline:
            after = seen[-1][0] if seen else 0
            if store.wait(after, 1.0):
                seen += [(n.id, n.originator_id, n.originator_version) for n in store.read(after, 97)]
        acknowledged = [line.split()[:2] for p in (one, other) for line in p.communicate()[0].splitlines()]

    assert [position for position, _, _ in seen] == sorted({position for position, _, _ in seen})
    assert seen == [(n.id, n.originator_id, n.originator_version) for n in store.read(0, 10_000)]
    assert sorted([str(stream), str(version)] for _, stream, version in seen) == sorted(acknowledged)
    assert len(seen) == 1200


def test_wait_is_woken_by_this_and_by_another_process(store: EventStore, client: Client) -> None:
    threading.Timer(0.3, store.append, [[event(uuid4(), 1)]]).start()
    started = time.monotonic()
    assert store.wait(0, 30)
    assert time.monotonic() - started < 10

    with client("write", 1, 1):
        assert store.wait(store.last_position(), 30)


def test_wait_gives_up_in_time(store: EventStore) -> None:
    position = store.append([event(uuid4(), 1)])[0]
    started = time.monotonic()
    assert store.wait(position, 0.3) is False
    assert 0.3 <= time.monotonic() - started < 5
    assert store.wait(position - 1, 0) is True


def test_a_bookmark_never_moves_back(open_store: Callable[[], EventStore]) -> None:
    one, other = open_store(), open_store()
    one.set_bookmark("relay", 7)
    other.set_bookmark("relay", 3)
    assert (one.bookmark("relay"), other.bookmark("relay"), one.bookmark("tail")) == (7, 7, 0)
    other.set_bookmark("relay", 8)
    assert one.bookmark("relay") == 8


def test_a_lock_has_one_holder(open_store: Callable[[], EventStore]) -> None:
    one, other = open_store(), open_store()
    with one.lock("relay") as mine, other.lock("relay") as theirs, one.lock("relay") as again:
        assert (mine, theirs, again) == (True, False, False)
        with other.lock("../其他") as another:
            assert another
    with other.lock("relay") as theirs:
        assert theirs


def test_a_lock_is_gone_with_its_process(store: EventStore, client: Client) -> None:
    with client("lock", "relay") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with store.lock("relay") as held:
            assert not held
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with store.lock("relay") as held:
            if held:
                return
        time.sleep(0.02)
    pytest.fail("the lock outlived its process")


def test_close_finishes_what_is_queued_and_refuses_the_rest(open_store: Callable[[], EventStore]) -> None:
    store, reader = open_store(), open_store()

    async def close_meanwhile() -> list[object]:
        appends = [asyncio.ensure_future(store.append_async([event(uuid4(), 1)])) for _ in range(300)]
        await asyncio.sleep(0)
        store.close()
        return await asyncio.gather(*appends, return_exceptions=True)

    assert not [o for o in asyncio.run(close_meanwhile()) if isinstance(o, Exception)]
    assert len(reader.read(0, 1000)) == 300
    with pytest.raises(StoreUnavailable, match="closed"):
        store.append([event(uuid4(), 1)])
    store.close()


def test_kill_9_loses_nothing_that_was_acknowledged(store: EventStore, client: Client) -> None:
    acknowledged: set[tuple[str, int, str]] = set()
    for kill in range(5):
        with client("write", 8, 0) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(40 + 60 * kill)]
            writer.kill()
            lines += writer.stdout.readlines()
        whole = [line.split() for line in lines if line.endswith("\n")]
        acknowledged |= {(stream, int(version), command) for stream, version, command in whole}

    stored = store.read(0, 1_000_000)
    pairs = [(str(n.originator_id), n.originator_version) for n in stored]
    assert len(pairs) == len(set(pairs))
    assert {(stream, version) for stream, version, _ in acknowledged} <= set(pairs)
    assert all(n.state == f"{n.originator_id} {n.originator_version} ".encode() * 50 for n in stored)
    for stream, version, command in acknowledged:
        assert store.receipt(UUID(command)) == receipt(UUID(stream), version, UUID(command))


def test_topic_is_kept(store: EventStore) -> None:
    store.append([event(uuid4(), 1)])
    assert store.read(0, 1)[0].topic == TOPIC
