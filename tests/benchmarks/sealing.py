"""What sealing adds to an event."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from uuid import UUID

import uvloop

from domain.numbers import TicketNumber
from domain.personal import Personal
from infra.in_flight import IN_FLIGHT, each
from infra.sealing import Sealing
from infra.vault import Vault
from tests.benchmarks.histories import number_of
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides
from tests.benchmarks.orders import EVENTS_A_JOURNEY
from tests.benchmarks.profiled import profiled

_WHO = Personal(
    name="马小明",
    contact="13909301234",
    address="红园街道新华社区3号楼2单元501室",
    words="门口的路面有个大坑",
)
_NOTE = Personal(words="已经到现场看过，坑深约二十厘米，已设围挡，明天上午十点前填平。")
_NOTES = 3


class SealingCost:
    """Microseconds of processor time that sealing adds to an event, over whole tickets.

    A ticket has nine events. One says who its resident is and three carry words: encode, seal with the
    resident's own key, Base64. Each resident is new, so that a key is made, wrapped by the KEK and durable in
    the vault first. 256 tickets are in flight. `sealed_wall` is the same by the clock and for a sealed event
    alone, with the waiting for the disk; `again_wall` is one whose key is at hand.
    """

    name = "sealing"
    unit = "µs/event"
    against = "–"
    limit = Limit(Direction.AT_MOST, 25)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Open a vault."""
        with closing(Vault(place.folder / "vault.db")) as vault:
            serials = count()
            people = place.pick(20_000, 4_000)
            _seal_all(vault, serials, 256)
            yield Sides(lambda: profiled(place.profile, lambda: _seal_all(vault, serials, people)))


def _seal_all(vault: Vault, serials: Iterator[int], people: int) -> Figure:
    sealing = Sealing(vault)
    wanted = [
        (vault.person_id(f"resident:{serial}"), number_of(serial))
        for _, serial in zip(range(people), serials, strict=False)
    ]

    async def seal(one: tuple[UUID, TicketNumber]) -> None:
        person, number = one
        await sealing.seal(_WHO, person, number)
        for _ in range(_NOTES):
            await sealing.seal(_NOTE, person, number)

    began, busy = time.perf_counter(), time.process_time()
    uvloop.run(each(wanted, seal, IN_FLIGHT))
    sealed = (time.perf_counter() - began) / (people * (1 + _NOTES))
    added = (time.process_time() - busy) / (people * EVENTS_A_JOURNEY)
    again = _again(sealing, wanted[-1:] * people)
    return Figure(added * 1e6, (("sealed_wall", sealed * 1e6), ("again_wall", again * 1e6)))


def _again(sealing: Sealing, wanted: Sequence[tuple[UUID, TicketNumber]]) -> float:
    async def seal_each() -> None:
        for person, number in wanted:
            await sealing.seal(_NOTE, person, number)

    began = time.perf_counter()
    uvloop.run(seal_each())
    return (time.perf_counter() - began) / len(wanted)
