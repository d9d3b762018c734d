"""The policy: how long each class, each order, the rating and an emergency may take; versioned data.

Overrides by region and category replace single limits. Where several fit, the most specific wins: the
longest region prefix first, then the longest category; a limit that it does not state comes from the next
less specific one, and at last from the policy itself.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from domain.errors import Invalid
from domain.regions import Region
from domain.vocabulary import ClockKind, MatterClass, Unit
from domain.work_calendar import CalendarRules


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(_Frozen):
    """An amount of a unit, for example 5 working days."""

    amount: int = Field(ge=1, le=3660)
    unit: Unit

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.amount} {self.unit.replace('_', ' ')}{'' if self.amount == 1 else 's'}"


class EscalateTo(StrEnum):
    """Where a breach is taken to."""

    ONE_LEVEL_UP = "one_level_up"
    COUNTY = "county"


class Escalation(_Frozen):
    """One step: at so much of the limit, to that level."""

    percent: int = Field(ge=100, le=1000)
    to: EscalateTo


class Emergency(_Frozen):
    """Limits while an emergency is declared; they run from its declaration and never lengthen anything."""

    urgent: Limit
    """For the matter and for each order."""
    utilities: Limit
    """For a matter of the utilities, instead of `urgent`."""
    utility_categories: tuple[str, ...] = ()


def _stages_only(kind: object) -> object:
    if kind in (ClockKind.RESOLVE, ClockKind.RATING):
        raise ValueError(f"{kind} has a place of its own")
    return kind


Stage = Annotated[ClockKind, BeforeValidator(_stages_only)]
Percent = Annotated[int, Field(ge=1, le=99)]


class Terms(_Frozen):
    """The limits that hold for one region and category."""

    resolve: Mapping[MatterClass, Limit]
    extension: Mapping[MatterClass, Limit] = {}
    """By how much a matter may be extended in all; a class that is left out may not."""
    stage: Mapping[Stage, Limit]
    rating: Limit
    reopening: Limit
    warn: tuple[Percent, ...] = (50, 80)
    escalate: tuple[Escalation, ...] = ()
    emergency: Emergency

    @cached_property
    def thresholds(self) -> tuple[int, ...]:
        """Every percentage of a limit at which something is said, in order."""
        return tuple(sorted({*self.warn, 100, *(step.percent for step in self.escalate)}))

    def emergency_limit(self, category: str) -> Limit:
        """How long the matter may take while an emergency is declared."""
        profile = self.emergency
        is_utility = any(category_within(category, one) for one in profile.utility_categories)
        return profile.utilities if is_utility else profile.urgent


class Override(_Frozen):
    """Other limits for a region, a category, or both."""

    region: Region | None = None
    category: str | None = None
    resolve: Mapping[MatterClass, Limit] = {}
    extension: Mapping[MatterClass, Limit] = {}
    stage: Mapping[Stage, Limit] = {}
    rating: Limit | None = None
    reopening: Limit | None = None
    warn: tuple[Percent, ...] | None = None
    escalate: tuple[Escalation, ...] | None = None
    emergency: Emergency | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.region is None and self.category is None:
            raise ValueError("an override names a region, a category, or both")
        return self

    def fits(self, region: Region, category: str) -> bool:
        """Whether it holds for a place and a matter."""
        return (self.region is None or self.region.contains(region)) and (
            self.category is None or category_within(category, self.category)
        )

    @property
    def specificity(self) -> tuple[int, int]:
        """The longest region prefix first, then the longest category."""
        return len(self.region or ""), len(self.category or "")


class Policy(Terms):
    """One version of the policy with its calendars, as the policy file writes it."""

    version: str = Field(min_length=1, max_length=60, pattern=r"^\S+$")
    effective_from: AwareDatetime | None = None
    """From when it holds; None for a first version, which holds from the beginning."""
    override: tuple[Override, ...] = ()
    calendar: tuple[CalendarRules, ...] = (CalendarRules(version="cn-1"),)

    @field_validator("resolve")
    @classmethod
    def _every_class(cls, limits: Mapping[MatterClass, Limit]) -> Mapping[MatterClass, Limit]:
        missing = [matter_class.value for matter_class in MatterClass if matter_class not in limits]
        if missing:
            raise ValueError(f"no limit for {', '.join(missing)}")
        return limits

    @field_validator("calendar")
    @classmethod
    def _one_for_each(cls, calendars: tuple[CalendarRules, ...]) -> tuple[CalendarRules, ...]:
        regions = [calendar.region for calendar in calendars]
        if None not in regions:
            raise ValueError("one calendar has no region: it holds wherever no other does")
        if len(set(regions)) < len(regions):
            raise ValueError("two calendars are for the same region")
        if len({calendar.version for calendar in calendars}) < len(calendars):
            raise ValueError("two calendars have the same version")
        return calendars

    def terms(self, region: Region, category: str) -> Terms:
        """Give the limits that hold for a place and a matter."""
        limits = {name: getattr(self, name) for name in Terms.model_fields}
        for override in sorted(self.override, key=lambda one: one.specificity):
            if override.fits(region, category):
                _replace(limits, override)
        return Terms.model_construct(**limits)

    def calendar_rules(self, region: Region) -> CalendarRules:
        """Give the calendar that holds in a region: the one for the longest prefix of it."""
        fitting = [one for one in self.calendar if one.region is None or one.region.contains(region)]
        return max(fitting, key=lambda one: len(one.region or ""))


def _replace(limits: dict[str, object], override: Override) -> None:
    for name in Terms.model_fields:
        stated = getattr(override, name)
        base = limits[name]
        if isinstance(base, Mapping):
            limits[name] = {**base, **stated}
        elif stated is not None:
            limits[name] = stated


def category_within(category: str, wider: str) -> bool:
    """Whether a category is another one or lies under it (`heating.supply` under `heating`)."""
    return category == wider or category.startswith(wider + ".")


class BadPolicy(Invalid):
    """A policy file that cannot be used; `faults` has one sentence for every place at fault."""

    default_rule = "bad-policy"

    def __init__(self, source: str, faults: tuple[str, ...], *, field: str | None = None) -> None:
        super().__init__(f"{source}: " + "; ".join(faults), field=field)
        self.source = source
        self.faults = faults


def parse_policy(data: Mapping[str, object], source: str = "policy") -> Policy:
    """Check the content of a policy file; raises BadPolicy that names every place at fault."""
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        found = [
            (_place(fault["loc"]), fault["msg"].removeprefix("Value error, ")) for fault in error.errors()
        ]
        faults = tuple(": ".join(filter(None, fault)) for fault in found)
        raise BadPolicy(source, faults, field=found[0][0] or None) from error


def _place(location: Iterable[int | str]) -> str:
    """Write a place as the file's author would look for it: `override[1].resolve.general.amount`."""
    place = ""
    for part in location:
        place += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if place else part
    return place.removesuffix(".[key]")
