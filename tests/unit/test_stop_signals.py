"""A signal ends the supervisor's work at its next step, wherever it arrives, and breaks nothing."""

import asyncio
import gc
import os
import signal
import threading
import time

import pytest

from consumers.supervisor.signals import Stopped, stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_a_callback_of_an_event_loop_is_not_lost(number: signal.Signals) -> None:
    async def work() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        await asyncio.sleep(5)

    with stop_on_signals() as stop, pytest.raises(Stopped):
        stop.run(work())


def test_a_signal_in_a_task_is_not_lost() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(5)

    with stop_on_signals() as stop, pytest.raises(Stopped):
        stop.run(work())


def test_a_signal_that_arrives_while_the_loop_sleeps_wakes_it() -> None:
    with stop_on_signals() as stop:
        _signal_soon()
        with pytest.raises(Stopped):
            stop.run(asyncio.sleep(60))


def test_a_signal_in_a_destructor_is_not_lost() -> None:
    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    with stop_on_signals() as stop:
        Dying()
        gc.collect()
        with pytest.raises(Stopped):
            stop.sleep(60)


def test_a_signal_inside_a_lock_leaves_it_free() -> None:
    lock = threading.Lock()
    with stop_on_signals() as stop:
        with lock:
            signal.raise_signal(signal.SIGTERM)
        assert lock.acquire(blocking=False)
        with pytest.raises(Stopped):
            stop.check()


def test_a_sleep_ends_when_the_signal_comes_and_not_before() -> None:
    with stop_on_signals() as stop:
        stop.sleep(0.01)
        stop.check()
        _signal_soon()
        began = time.monotonic()
        with pytest.raises(Stopped):
            stop.sleep(None)
        assert time.monotonic() - began >= 0.1


def test_what_was_asked_before_the_work_began_keeps_it_from_beginning() -> None:
    begun = []

    async def work() -> None:
        begun.append(True)

    with stop_on_signals() as stop:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped):
            stop.run(work())
    assert not begun


def test_a_second_signal_does_not_interrupt_stopping() -> None:
    with stop_on_signals() as stop:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped):
            stop.check()
        signal.raise_signal(signal.SIGTERM)  # raises nothing by itself
        with pytest.raises(Stopped):
            stop.sleep(60)


def _signal_soon() -> None:
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()


def test_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_of_the_work_itself_comes_out_as_it_is() -> None:
    async def work() -> None:
        raise ValueError("its own")

    with stop_on_signals() as stop, pytest.raises(ValueError, match="its own"):
        stop.run(work())
