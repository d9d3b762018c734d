"""Figures as the log stood at its offsets, and of runs of periods, equal the fold of what was there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from domain.periods import Period
from domain.ticket_event import TicketEvent
from infra.clickhouse.indicators.queries import ClickHouseIndicators
from projections.indicators.figures import figures
from projections.indicators.matter import Matter
from projections.indicators.matter_fold import matters_of
from projections.indicators.question import Breakdown, Question
from projections.indicators.registry import REGISTRY
from tests.random_towns import town_histories
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint
from tests.services.landed import land, land_tickets

__all__ = ["endpoint", "shared_endpoint"]
pytestmark = pytest.mark.clickhouse
BEGIN = datetime(2026, 8, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
Histories = Sequence[Sequence[TicketEvent]]


def folded(tickets: Histories) -> list[Matter]:
    return list(chain.from_iterable(map(matters_of, tickets)))


def test_a_run_of_periods(endpoint: Endpoint) -> None:
    tickets = list(town_histories(11, BEGIN, 250, 60))
    land_tickets(endpoint, tickets)
    asked = ClickHouseIndicators(endpoint.client)
    by = (Breakdown("month"), Breakdown("class"))
    one = Question(Period.parse("2026-09"), NOW, by=by, since=Period.parse("2026-08"))
    months = set()
    for indicator in (indicator for indicator in REGISTRY.values() if not indicator.snapshot):
        found = asked.figures([indicator], one)[indicator.key]
        assert found == figures(indicator, folded(tickets), one), indicator.key
        months |= {month for month, _ in found}
    assert months == {"2026-08", "2026-09"}
    asked.close()


def test_as_the_log_stood_also_of_what_is_not_in_the_table_yet(endpoint: Endpoint) -> None:
    tickets = list(town_histories(11, BEGIN, 200, 60))
    later = list(town_histories(12, BEGIN - timedelta(days=200), 50, 60))
    landed, known = sum(map(len, tickets)), sum(map(len, tickets[:120]))
    land_tickets(endpoint, tickets)
    everything = land(endpoint, chain.from_iterable(later), landed)
    asked = ClickHouseIndicators(endpoint.client)
    for offset, histories in ((known, tickets[:120]), (landed, tickets), (everything, [*tickets, *later])):
        one = Question(Period.parse("2026"), NOW, by=(Breakdown("class"),), offsets={0: offset})
        for indicator in REGISTRY.values():
            found = asked.figures([indicator], one)[indicator.key]
            assert found == figures(indicator, folded(histories), one), (indicator.key, offset)
    asked.close()
