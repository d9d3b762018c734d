"""The registry is whole: every indicator says what it is, in both languages, over columns that exist."""

import pytest

from domain.errors import NotFound
from infra.clickhouse.indicators.view_sql import views_sql
from infra.clickhouse.migration_files import views
from projections.indicators.expressions import columns_in
from projections.indicators.indicator import Indicator, Unit, Words
from projections.indicators.matter import Matter
from projections.indicators.registry import REGISTRY, indicator_of

WANTED = {
    "cases-filed", "closing-rate", "on-time-rate", "response-rate", "solution-rate", "satisfaction-rate",
    "rework-rate", "return-rate", "transfer-rate", "extension-rate", "suspension-rate", "reopening-rate",
    "backlog", "backlog-age", "repeat-concern-rate", "first-handler-load", "emergency-response-time",
    "solved-at-grid", "solved-at-village", "solved-at-township", "solved-at-department", "time-at-grid",
}  # fmt: skip


@pytest.mark.parametrize("indicator", REGISTRY.values(), ids=lambda one: one.key)
def test_it_says_what_it_is(indicator: Indicator) -> None:
    words = [getattr(indicator, name) for name in indicator.__slots__]
    said = [one for one in words if isinstance(one, Words)] + [one.name for one in indicator.exclusions]
    assert all(one.zh.strip() and one.en.strip() for one in said)
    assert indicator.source
    assert (indicator.duration is not None) == (indicator.unit is Unit.SECONDS)
    for expression in indicator.parts:
        assert set(columns_in(expression)) <= set(Matter._fields)
    keys = [one.key for one in indicator.exclusions]
    assert len(set(keys)) == len(keys)


def test_nothing_is_missing() -> None:
    assert set(REGISTRY) >= WANTED
    with pytest.raises(NotFound):
        indicator_of("happiness")


def test_the_views_are_what_the_registry_says() -> None:
    kept = next(file.text for file in views() if file.name == "kpis")
    assert kept == views_sql(), "python -m infra.clickhouse.indicators.view_sql > views/300_kpis.sql"
