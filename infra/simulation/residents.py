"""Residents who never existed, with names and numbers that look like anybody's."""

from dataclasses import dataclass

from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.simulation.chance import Chance
from infra.simulation.linxia import Place

_FAMILY = "马张王李赵祁韩杨陈刘丁周唐石何高罗孙白冯"
_GIVEN = (
    "建国", "秀英", "晓燕", "志强", "玉兰", "永福", "海明", "丽萍", "国庆", "春梅", "小龙", "文娟", "占林",
    "学军", "桂花", "俊杰", "雪莲", "成才", "淑芳", "浩然", "兰", "伟", "军", "霞", "平", "静",
)  # fmt: skip
_PREFIXES = ("130", "133", "136", "138", "139", "150", "153", "158", "177", "180", "187", "189", "199")


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody with a matter. Everything here is personal and ends up sealed."""

    name: str
    contact: str
    address: str

    @property
    def actor(self) -> Actor:
        """How they sign in: by their telephone."""
        return Actor(self.contact, Role.RESIDENT)


def some_resident(run: str, place: Place, pool: int, chance: Chance) -> Resident:
    """Choose one of the `pool` residents of a grid, so that some have more than one matter."""
    one = Chance(f"{run}/{place.grid}/{chance.whole(1, pool)}")
    if place.grid.kind == "U":
        home = f"{one.whole(1, 28)}号楼{one.whole(1, 4)}单元{one.whole(1, 17)}0{one.whole(1, 4)}室"
    else:
        home = f"{one.whole(1, 12)}社{one.whole(1, 160)}号"
    return Resident(
        name=one.pick(_FAMILY) + one.pick(_GIVEN),
        contact=f"{one.pick(_PREFIXES)}{one.whole(0, 99_999_999):08d}",
        address=place.name + home,
    )
