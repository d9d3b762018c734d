"""Reading one batch ahead changes neither what comes nor what goes wrong."""

import threading
from collections.abc import Iterator

import pytest

from consumers.bulk_landing import read_ahead


def test_everything_comes_in_order() -> None:
    assert list(read_ahead(iter(range(1, 50)))) == list(range(1, 50))
    assert list(read_ahead(iter(()))) == []


def test_the_next_is_worked_out_while_the_last_is_used() -> None:
    second_begun = threading.Event()

    def batches() -> Iterator[str]:
        yield "first"
        second_begun.set()
        yield "second"

    for batch in read_ahead(batches()):
        assert second_begun.wait(10), batch


def test_an_error_comes_after_what_came_before_it() -> None:
    def batches() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    ahead = read_ahead(batches())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="broken"):
        next(ahead)
