"""A signal ends the supervisor, also when it arrives in the middle of an event loop's own work."""

import asyncio
import os
import signal

import pytest

from consumers.supervisor.signals import Stopped, stopping_on_signals
from domain.errors import LiudanError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_a_callback_of_an_event_loop_is_not_lost(number: signal.Signals) -> None:
    async def work() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        await asyncio.sleep(5)

    with stopping_on_signals(), pytest.raises(Stopped):
        asyncio.run(work())


def test_a_signal_in_a_task_is_not_lost() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(5)

    with stopping_on_signals(), pytest.raises(Stopped):
        asyncio.run(work())


def test_a_second_signal_does_not_interrupt_stopping() -> None:
    stopped = False
    with stopping_on_signals():
        try:
            signal.raise_signal(signal.SIGTERM)
        except Stopped:
            signal.raise_signal(signal.SIGTERM)
            stopped = True
    assert stopped


def test_a_signal_that_nobody_expects_is_one_sentence_and_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(LiudanError, match="stopped before"), stopping_on_signals():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
