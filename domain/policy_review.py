"""Reading a policy before it is put into force: what is odd about it, and how it differs from another."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from domain import chinese_days
from domain.categories import CATALOGUE
from domain.policy import Limit, Policy, category_within
from domain.vocabulary import STAGE_CLOCK, MatterClass, Unit
from domain.work_calendar import CalendarRules, Holidays

_ROUGH_HOURS = {
    Unit.URGENT_WORKING_HOUR: 1.0,
    Unit.WORKING_HOUR: 24 / 7,
    Unit.WORKING_DAY: 24 * 7 / 5,
    Unit.CALENDAR_DAY: 24.0,
}
"""About how many hours of plain time a unit takes; only good for finding what looks wrong."""


class Severity(StrEnum):
    """How bad a finding is."""

    PROBLEM = "problem"
    """It cannot be what was meant."""
    WARNING = "warning"
    """It can be meant, but somebody should look."""


class Finding(NamedTuple):
    """Something that a reviewer should know, and where in the file it stands."""

    severity: Severity
    place: str
    message: str


class Difference(NamedTuple):
    """One thing that another version says differently; None where a version does not say it."""

    place: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        if self.old is None:
            return f"{self.place}: added, {self.new}"
        return (
            f"{self.place}: removed, was {self.old}"
            if self.new is None
            else (f"{self.place}: {self.old} → {self.new}")
        )


def check(policy: Policy) -> list[Finding]:
    """Find what is wrong or doubtful in a policy that can be read at all."""
    return [
        *_heavier_is_longer(policy),
        *_extensions(policy),
        *_stages(policy),
        *_thresholds(policy),
        *_overrides(policy),
        *(finding for calendar in policy.calendar for finding in _calendar(calendar)),
    ]


def _rough(limit: Limit) -> float:
    return limit.amount * _ROUGH_HOURS[limit.unit]


def _warning(place: str, message: str) -> Finding:
    return Finding(Severity.WARNING, place, message)


def _heavier_is_longer(policy: Policy) -> Iterator[Finding]:
    for lighter, heavier in pairwise(MatterClass):
        if _rough(policy.resolve[heavier]) < _rough(policy.resolve[lighter]):
            yield _warning(f"resolve.{heavier}", f"shorter than resolve.{lighter}, which is a lighter class")


def _extensions(policy: Policy) -> Iterator[Finding]:
    for matter_class, extension in policy.extension.items():
        if _rough(extension) > _rough(policy.resolve[matter_class]):
            yield _warning(f"extension.{matter_class}", "longer than the limit that it extends")


def _stages(policy: Policy) -> Iterator[Finding]:
    for kind in STAGE_CLOCK.values():
        if kind not in policy.stage:
            yield _warning(f"stage.{kind}", "no limit: this order can wait for ever")


def _thresholds(policy: Policy) -> Iterator[Finding]:
    if list(policy.warn) != sorted(set(policy.warn)):
        yield Finding(Severity.PROBLEM, "warn", "the percentages are not in order, or one stands twice")
    percents = [step.percent for step in policy.escalate]
    if percents != sorted(set(percents)):
        yield Finding(Severity.PROBLEM, "escalate", "the percentages are not in order, or one stands twice")
    if not percents:
        yield _warning("escalate", "no steps: a breach is never taken to anybody")


def _overrides(policy: Policy) -> Iterator[Finding]:
    seen: set[tuple[str | None, str | None]] = set()
    for number, override in enumerate(policy.override, 1):
        place, key = f"override[{number}]", (override.region, override.category)
        if key in seen:
            yield Finding(Severity.PROBLEM, place, "another override has the same region and category")
        seen.add(key)
        wanted = override.category
        if wanted is not None and not any(category_within(code, wanted) for code in CATALOGUE):
            yield _warning(f"{place}.category", f"{wanted!r} is not in the catalogue")
        if not override.model_fields_set - {"region", "category"}:
            yield _warning(place, "changes nothing")


def _calendar(calendar: CalendarRules) -> Iterator[Finding]:
    place = f"calendar[{calendar.version}]"
    if calendar.holidays is Holidays.CHINA:
        last = chinese_days.LAST_YEAR
        yield _warning(place, f"public holidays are known until {last}; what reaches further is provisional")
    for closure in calendar.closures:
        if calendar.region is not None and not calendar.region.contains(closure.region):
            message = f"the closure of {closure.region} is outside this calendar's region"
            yield Finding(Severity.PROBLEM, place, message)


def diff(old: Policy, new: Policy) -> list[Difference]:
    """List what differs between two versions, in the order of the places."""
    before, after = dict(_lines(old)), dict(_lines(new))
    return [
        Difference(place, before.get(place), after.get(place))
        for place in sorted(before.keys() | after.keys())
        if before.get(place) != after.get(place)
    ]


def _lines(policy: Policy) -> Iterator[tuple[str, str]]:
    content = policy.model_dump(mode="json", exclude_none=True)
    overrides, calendars = content.pop("override"), content.pop("calendar")
    yield from _flatten("", content)
    for override in overrides:
        where = " ".join(filter(None, (override.pop("region", None), override.pop("category", None))))
        yield from _flatten(f"override[{where}]", override)
    for calendar in calendars:
        yield from _flatten(f"calendar[{calendar.pop('region', 'default')}]", calendar)


def _flatten(place: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if value.keys() == {"amount", "unit"}:
            yield place, str(Limit.model_validate(value))
            return
        for key, inner in value.items():
            yield from _flatten(f"{place}.{key}" if place else str(key), inner)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for number, inner in enumerate(value, 1):
            yield from _flatten(f"{place}[{number}]", inner)
    else:
        yield place, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
