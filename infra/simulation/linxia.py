"""The stage: the eight counties of Linxia prefecture, with simulated townships, villages and grids.

County codes are the real ones (GB/T 2260). What lies below a county is made up in the real scheme
(sub-districts from 001, towns from 100, townships from 200; communities from 001, villages from 200) and
must not be taken for a place that exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.regions import Grid, Region
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.simulation.chance import Chance

PREFECTURE = Region("6229")
COUNTIES: Mapping[str, str] = {
    "622901": "临夏市",
    "622921": "临夏县",
    "622922": "康乐县",
    "622923": "永靖县",
    "622924": "广河县",
    "622925": "和政县",
    "622926": "东乡族自治县",
    "622927": "积石山保安族东乡族撒拉族自治县",
}
_BUSY = {
    "622901": 0.3, "622921": 0.15, "622922": 0.11, "622923": 0.1, "622924": 0.1, "622925": 0.09,
    "622926": 0.09, "622927": 0.06,
}  # fmt: skip
_CITY = "622901"
_CITY_TOWNSHIPS = {
    "001": "城东街道", "002": "城西街道", "003": "河滨街道",
    "004": "新城街道", "100": "北塬镇", "101": "南川镇",
}  # fmt: skip
_COUNTY_TOWNSHIPS = {
    "100": "城关镇", "101": "新集镇", "102": "双河镇", "200": "大坪乡", "201": "柳林乡", "202": "红崖乡",
}  # fmt: skip
_COMMUNITIES = {"001": "东苑社区", "002": "和平社区", "003": "新华社区"}
_VILLAGES = {"200": "前川村", "201": "后坪村", "202": "石家湾村", "203": "杨柳村"}
_GRIDS = 6


@dataclass(frozen=True, slots=True)
class Place:
    """A village or community with its grid, and everybody who is in charge of it."""

    county: Region
    township: Region
    village: Region
    grid: Grid
    name: str

    @property
    def grid_worker(self) -> Actor:
        """网格员."""
        return Actor(f"grid:{self.grid}", Role.GRID_WORKER, self.village)

    @property
    def village_officer(self) -> Actor:
        """村（社区）."""
        return Actor(f"village:{self.village}", Role.VILLAGE, self.village)

    @property
    def township_officer(self) -> Actor:
        """乡镇（街道）综治中心."""
        return Actor(f"township:{self.township}", Role.TOWNSHIP, self.township)

    @property
    def county_officer(self) -> Actor:
        """县市综治中心."""
        return Actor(f"county:{self.county}", Role.COUNTY, self.county)

    def department(self, name: str) -> str:
        """Give the unit code of one of the county's departments."""
        return f"dept:{self.county}:{name}"


PREFECTURE_OFFICER = Actor("prefecture:6229", Role.PREFECTURE, PREFECTURE)
SYSTEM = Actor("system", Role.SYSTEM)


def department_officer(unit: str, desk: int) -> Actor:
    """Somebody at a department."""
    return Actor(f"{unit}:{desk}", Role.DEPARTMENT, unit)


def some_place(chance: Chance) -> Place:
    """Choose where a matter arises; counties by how busy they are."""
    county = chance.weighted(_BUSY)
    townships = _CITY_TOWNSHIPS if county == _CITY else _COUNTY_TOWNSHIPS
    township = chance.pick(sorted(townships))
    urban = townships[township].endswith(("街道", "城关镇"))
    villages = _COMMUNITIES if urban else _VILLAGES
    village = chance.pick(sorted(villages))
    code = f"{county}{township}{village}"
    return Place(
        county=Region(county),
        township=Region(county + township),
        village=Region(code),
        grid=Grid(f"{code}-{'U' if urban else 'R'}{chance.whole(1, _GRIDS):03d}"),
        name=f"{COUNTIES[county]}{townships[township]}{villages[village]}",
    )
