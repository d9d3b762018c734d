"""All versions of the policy and of the calendars: the ones in force at a moment, and any by its name.

What an event states was computed by the versions that it names; whoever recomputes it asks for those.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime

from domain.errors import Invalid, Refused
from domain.policy import Policy, Terms
from domain.regions import Region
from domain.work_calendar import CalendarRules, WorkCalendar
from domain.working_time import WorkingTime

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Rulebook:
    """Every known version. Immutable; what was worked out once is kept."""

    def __init__(self, policies: Iterable[Policy], past: Iterable[Policy] = ()) -> None:
        """Take versions of the policy in any order; raises Invalid where two contradict each other.

        Those of the `past` are never in force any more, but running clocks may still name them.
        """
        earlier = tuple(past)
        self.policies = tuple(sorted(policies, key=lambda one: one.effective_from or _BEGINNING))
        self._since = [policy.effective_from or _BEGINNING for policy in self.policies]
        self._rules = [Rules(policy, self) for policy in self.policies]
        named = [*self._rules, *(Rules(policy, self) for policy in earlier)]
        self._named = {rules.version: rules for rules in named}
        self._calendars = _calendars_of((*earlier, *self.policies))
        self._times: dict[tuple[str, Region], WorkingTime] = {}
        self._shared: dict[tuple[object, ...], WorkingTime] = {}
        if not self.policies or len(set(self._since)) < len(self._since):
            raise Invalid("a rulebook needs policies, each with its own effective_from", rule="bad-policy")
        if len(self._named) < len(named):
            versions = [rules.version for rules in named]
            twice = next(version for version in versions if versions.count(version) > 1)
            raise Invalid(
                f"two different policies have the same version {twice}", rule="bad-policy", field="version"
            )

    def in_force(self, at: datetime) -> "Rules":
        """Give the rules in force at a moment; before all versions, the first."""
        return self._rules[max(0, bisect_right(self._since, at) - 1)]

    def rules(self, version: str | None) -> "Rules | None":
        """Give the rules of a version; None when it is not known here (an import names its origin)."""
        return self._named.get(version) if version is not None else None

    def working_time(self, version: str, region: Region) -> WorkingTime:
        """Give the arithmetic of a published calendar version (`cn-1/2026`); raises Refused if unknown."""
        known = self._times.get((version, region))
        if known is None:
            known = self._times[version, region] = self._build(version, region)
        return known

    def _build(self, version: str, region: Region) -> WorkingTime:
        name, _, year = version.partition("/")
        rules = self._calendars.get(name)
        if rules is None or (year and not year.isdigit()):
            raise Refused(f"calendar {version} is not in the rulebook", rule="unknown-calendar")
        calendar = WorkCalendar(rules, region, known_until=int(year) if year else None)
        if year and calendar.version != version:
            raise Refused(f"the holidays of calendar {version} are not known here", rule="unknown-calendar")
        return self._shared.setdefault((calendar.version, calendar.closures), WorkingTime(calendar))


class Rules:
    """What is in force: one version of the policy, and the way to every calendar."""

    def __init__(self, policy: Policy, book: Rulebook) -> None:
        self.policy = policy
        self.version = policy.version
        self.book = book
        self._terms: dict[tuple[Region, str], Terms] = {}
        self._times: dict[Region, WorkingTime] = {}

    def terms(self, region: Region, category: str) -> Terms:
        """Give the limits for a place and a matter."""
        known = self._terms.get((region, category))
        if known is None:
            known = self._terms[region, category] = self.policy.terms(region, category)
        return known

    def working_time(self, region: Region) -> WorkingTime:
        """Give the arithmetic of the calendar that is in force in a region."""
        known = self._times.get(region)
        if known is None:
            version = self.policy.calendar_rules(region).version
            known = self._times[region] = self.book.working_time(version, region)
        return known


def _calendars_of(policies: Iterable[Policy]) -> dict[str, CalendarRules]:
    found: dict[str, CalendarRules] = {}
    for policy in policies:
        for rules in policy.calendar:
            if found.setdefault(rules.version, rules) != rules:
                raise Invalid(
                    f"policy {policy.version} changes calendar {rules.version}; give it a new version",
                    rule="bad-policy",
                    field="calendar",
                )
    return found
