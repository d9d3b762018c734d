"""The twelve figures that a centre looks at first."""

from projections.indicators.indicator import Indicator
from projections.indicators.registry import REGISTRY

DASHBOARD: tuple[Indicator, ...] = tuple(
    REGISTRY[key]
    for key in (
        "cases-filed", "closing-rate", "on-time-rate", "response-rate", "solution-rate", "satisfaction-rate",
        "rework-rate", "return-rate", "reopening-rate", "resolution-time", "backlog", "overdue-backlog-rate",
    )
)  # fmt: skip
