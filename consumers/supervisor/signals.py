"""Ctrl-C, or a signal that asks the supervisor to end, wherever it is at that moment."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import LiudanError

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """The supervisor was asked to end.

    It is a KeyboardInterrupt, because an event loop lets nothing else out of its callbacks: any other
    exception would be logged there, and the signal lost.
    """


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise Stopped inside at the first signal; one is enough, and stopping is not interrupted by more.

    What is not caught inside comes out as a LiudanError.
    """

    def stop(*_: object) -> None:
        for each in _NUMBERS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in _NUMBERS}
    try:
        yield
    except Stopped as error:
        raise LiudanError("stopped before everything was up") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
