"""THE registry of indicators. Figures, views and the reports' appendix of definitions are derived from it."""

from collections.abc import Mapping

from domain.errors import NotFound
from projections.indicators.backlog import BACKLOG
from projections.indicators.cases import CASES, SURVEYS
from projections.indicators.detours import DETOURS, SOLVED_AT
from projections.indicators.durations import DURATIONS
from projections.indicators.indicator import Indicator

REGISTRY: Mapping[str, Indicator] = {
    indicator.key: indicator for indicator in (*CASES, *SURVEYS, *DETOURS, *SOLVED_AT, *DURATIONS, *BACKLOG)
}
"""By key, in the order in which they are listed."""


def indicator_of(key: str) -> Indicator:
    """Look an indicator up; raises NotFound."""
    try:
        return REGISTRY[key]
    except KeyError:
        raise NotFound(
            f"there is no indicator {key!r}; they are at GET /v1/analytics/kpis",
            rule="unknown-indicator",
            field="name",
        ) from None
