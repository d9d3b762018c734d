"""Who tells which story: the plan of a run, the same for the same seed, count, end and days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from domain.numbers import ALPHABET, TicketNumber
from domain.rulebook import Rulebook
from infra.simulation.chance import Chance
from infra.simulation.hours import CHINA, placing_times
from infra.simulation.linxia import Place, some_place
from infra.simulation.matters import some_matter
from infra.simulation.rates import Rates
from infra.simulation.residents import some_resident
from infra.simulation.scene import Scene, Script
from infra.simulation.stories import one_matter, same_matter_twice

_LETTERS = 6
_SERIALS = len(ALPHABET) ** _LETTERS
_STRIDE = 367_621_030  # the golden section of _SERIALS, no multiple of 29: every serial comes once
_TICKETS_A_RESIDENT = 150


@dataclass(frozen=True, slots=True)
class Run:
    """One simulation; two runs that differ in anything have nothing in common."""

    seed: int
    count: int
    until: datetime
    days: int
    rates: Rates
    rulebook: Rulebook

    @property
    def name(self) -> str:
        """What everything in the run is derived from."""
        return f"{self.seed}/{self.count}/{self.until.timestamp():.6f}/{self.days}"

    def number(self, place: Place, placed_at: datetime, index: int) -> TicketNumber:
        """Give a ticket its number; no two of a run are alike, and none is like a real new ticket's."""
        serial = int.from_bytes(sha256(self.name.encode()).digest()) + index * _STRIDE
        day = placed_at.astimezone(CHINA).date()
        return TicketNumber.compose(place.county, day, serial, length=_LETTERS)


@dataclass(frozen=True, slots=True)
class Story:
    """A script with the number of tickets that are in it."""

    name: str
    tickets: int
    script: Script


def stories(run: Run) -> Iterator[Story]:
    """Tell the stories of a run in the order in which they begin."""
    times = placing_times(Chance(f"{run.name}/times"), run.count, run.until, run.days)
    choice = Chance(f"{run.name}/stories")
    emergency = run.count // 3
    index = 0
    while index < run.count:
        again = index + 1 < run.count and emergency not in (index, index + 1)
        first = _scene(run, index, times[index])
        if again and choice.happens(run.rates.same_matter_again):
            second = _scene(run, index + 1, times[index + 1], like=first)
            yield Story(f"{run.name}/{index}", 2, same_matter_twice(first, second))
            index += 2
            continue
        first.emergency = index == emergency
        yield Story(f"{run.name}/{index}", 1, one_matter(first))
        index += 1


def _scene(run: Run, index: int, placed_at: datetime, like: Scene | None = None) -> Scene:
    """Set the stage of one ticket; `like` another means that a neighbour has the same matter."""
    chance = Chance(f"{run.name}/{index}")
    place = like.place if like else some_place(chance)
    return Scene(
        number=run.number(place, placed_at, index),
        place=place,
        matter=like.matter if like else some_matter(chance),
        resident=some_resident(run.name, place, 1 + run.count // _TICKETS_A_RESIDENT, chance),
        now=placed_at,
        chance=chance,
        rates=run.rates,
        rulebook=run.rulebook,
        placed_by_resident=chance.happens(run.rates.by_resident),
        cross_county=not like and chance.happens(run.rates.cross_county),
    )
