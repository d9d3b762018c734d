"""Retention: how long after the end of a matter its person's data are kept, by category and region."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.months import CHINA
from domain.policy import BadPolicy
from domain.regions import Region, covers

_MONTHS_A_YEAR = 12


class Override(BaseModel):
    """Another period for a region, a category, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    region: Region | None = None
    category: str | None = Field(default=None, min_length=1, max_length=80)
    months: int = Field(ge=0, le=1200)

    def fits(self, category: str, place: str) -> bool:
        """Whether it is about a matter of this category in this place."""
        return (self.region is None or covers(self.region, place)) and (
            self.category is None or category == self.category or category.startswith(f"{self.category}.")
        )

    @property
    def specificity(self) -> tuple[int, int]:
        """The longest region counts first, then the longest category."""
        return len(self.region or ""), len(self.category or "")


class RetentionPolicy(BaseModel):
    """A version of the retention rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: str = Field(min_length=1, max_length=80)
    months: int = Field(ge=0, le=1200)
    override: tuple[Override, ...] = ()

    def months_for(self, category: str, place: str) -> int:
        """Give the calendar months for a matter; the most specific override wins."""
        fitting = [override for override in self.override if override.fits(category, place)]
        return max(fitting, key=lambda one: one.specificity).months if fitting else self.months

    def due_at(self, ended_at: datetime, category: str, place: str) -> datetime:
        """Give the moment from which the data of a matter are not kept any more."""
        return add_months(ended_at, self.months_for(category, place))

    @property
    def shortest(self) -> int:
        """The shortest period of all, in months."""
        return min([self.months, *(override.months for override in self.override)])


def parse_retention(data: Mapping[str, object], source: str) -> RetentionPolicy:
    """Check the content of a retention file; raises BadPolicy that names every place at fault."""
    try:
        return RetentionPolicy.model_validate(data)
    except ValidationError as error:
        faults = tuple(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise BadPolicy(source, faults) from error


def add_months(moment: datetime, months: int) -> datetime:
    """Go on by calendar months in China; the 31st becomes the last day of a shorter month."""
    local = moment.astimezone(CHINA)
    years, month = divmod(local.month - 1 + months, _MONTHS_A_YEAR)
    first = local.replace(year=local.year + years, month=month + 1, day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(local.day, last.day)).astimezone(moment.tzinfo)
