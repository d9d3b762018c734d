"""Every indicator computed in ClickHouse equals the same one folded in Python, and is what lies behind it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from domain.cloudevent import decode
from domain.periods import Period
from domain.regions import Region
from domain.ticket_event import TicketEvent
from infra.bootstrap import Installation
from infra.clickhouse.indicators.queries import ClickHouseIndicators
from infra.clickhouse.indicators.view_sql import view_name
from infra.importing.formats import FORMATS
from infra.importing.run import import_file
from infra.settings import Settings
from infra.simulation.run import simulate
from projections.indicators.answers import Behind, Part
from projections.indicators.figures import figures, judge
from projections.indicators.indicator import Indicator
from projections.indicators.matter import Matter
from projections.indicators.matter_fold import matters_of
from projections.indicators.question import Breakdown, Question
from projections.indicators.registry import REGISTRY
from tests.random_towns import town_histories
from tests.services.clickhouse import Endpoint, analyst, endpoint, shared_endpoint
from tests.services.landed import land_tickets

__all__ = ["analyst", "endpoint", "shared_endpoint"]
pytestmark = pytest.mark.clickhouse
BEGIN = datetime(2026, 8, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
SPOKE = {"12345": datetime(2026, 9, 1, tzinfo=UTC)}
Histories = Sequence[Sequence[TicketEvent]]
COUNTY = Region("622901")
SAMPLE = Path(__file__).parents[2] / "infra/samples/nyc311-requests.csv"


def question(period: str, by: str = "", as_of: datetime = NOW, **more: object) -> Question:
    breakdowns = tuple(map(Breakdown.parse, filter(None, by.split(","))))
    return Question(Period.parse(period), as_of, by=breakdowns, **more)  # type: ignore[arg-type]


QUESTIONS = (
    question("2026"),
    question("2026-09", "region:4,class", region=COUNTY),
    question("2026-Q3", "month", known_until=SPOKE),
    question("2026", "week,level"),
    question("2026-W36", "day,channel,category"),
    question("2026-09-10"),
    question("2026", "holder,first-handler", region=Region("6229")),
    question("2026-10", "grid,origin", region=Region("622901001001"), known_until=SPOKE),
    question("2026-08", "region:5,urgency", narrowed={"class": "general", "channel": "phone"}),
    question("2026-08", as_of=datetime(2026, 8, 20, 3, tzinfo=UTC)),
    question("2026", "quarter", as_of=datetime(2026, 9, 3, 3, tzinfo=UTC), known_until=SPOKE),
    question("2031", "month"),
)


@pytest.fixture(scope="module")
def tickets() -> Histories:
    return list(town_histories(11, BEGIN, 400, 60))


@pytest.fixture
def asked(endpoint: Endpoint, tickets: Histories) -> ClickHouseIndicators:
    land_tickets(endpoint, tickets)
    return ClickHouseIndicators(endpoint.client)


def folded(tickets: Histories) -> list[Matter]:
    return list(chain.from_iterable(map(matters_of, tickets)))


def known_by(tickets: Histories, moment: datetime) -> Histories:
    histories = [[event for event in history if event.recorded_at <= moment] for history in tickets]
    gapless = [[e for n, e in enumerate(history, start=1) if e.sequence == n] for history in histories]
    return [history for history in gapless if history]


def test_all_indicators_equal_the_fold(asked: ClickHouseIndicators, tickets: Histories) -> None:
    matters = folded(tickets)
    values = set()
    for n, one in enumerate(QUESTIONS):
        for m, indicator in enumerate(REGISTRY.values()):
            if n > 1 and (n + m) % 3:
                continue  # each question is asked of every third
            found = asked.figures([indicator], one)[indicator.key]
            assert found == figures(indicator, matters, one), (indicator.key, one)
            values |= {(indicator.key, figure.value) for figure in found.values()}
    for key in REGISTRY:
        assert len([value for name, value in values if name == key]) > 3, f"{key} is never put to the test"


@pytest.mark.slow
def test_real_cases_and_a_simulated_day_equal_the_fold(endpoint: Endpoint, tmp_path: Path) -> None:
    with Installation(Settings(home=tmp_path)) as parts:
        asyncio.run(import_file(parts.tickets, SAMPLE, FORMATS["nyc311"]))
        asyncio.run(simulate(parts.tickets, seed=5, count=150, until=NOW, days=20))
        stored = parts.store.read(0, parts.store.last_position())
    by_number: dict[str, list[TicketEvent]] = {}
    for event in (decode(one.state) for one in stored):
        by_number.setdefault(event.number, []).append(event)
    land_tickets(endpoint, list(by_number.values()))
    asked, matters = ClickHouseIndicators(endpoint.client), folded(list(by_number.values()))
    filed = sorted(matter.filed_at.year for matter in matters)
    for year, by in ((filed[0], "region:3,month"), (NOW.year, "region:3,class"), (NOW.year, "week,holder")):
        one = question(str(year), by)
        for indicator in REGISTRY.values():
            found = asked.figures([indicator], one)[indicator.key]
            assert found == figures(indicator, matters, one), (indicator.key, one)


def test_many_at_once_equal_one_by_one(asked: ClickHouseIndicators, tickets: Histories) -> None:
    for one in (QUESTIONS[0], QUESTIONS[1], QUESTIONS[9]):
        found = asked.figures(list(REGISTRY.values()), one)
        for indicator in REGISTRY.values():
            assert found[indicator.key] == asked.figures([indicator], one)[indicator.key], indicator.key


def test_as_they_were_known_then(asked: ClickHouseIndicators, tickets: Histories) -> None:
    moment = datetime(2026, 9, 10, tzinfo=UTC)
    matters = folded(known_by(tickets, moment))
    for one in (
        question("2026-08", as_of=moment, recorded_by=moment),
        question("2026", "region:5", moment, region=COUNTY, recorded_by=moment),
    ):
        for indicator in REGISTRY.values():
            found = asked.figures([indicator], one)[indicator.key]
            assert found == figures(indicator, matters, one), indicator.key


def test_as_the_log_stood_at_a_position(asked: ClickHouseIndicators, tickets: Histories) -> None:
    events = list(chain.from_iterable(tickets))
    position = sum(map(len, tickets[:200]))
    assert events[position].sequence == 1
    for indicator in REGISTRY.values():
        one = question("2026", "class", position=position)
        found = asked.figures([indicator], one)[indicator.key]
        assert found == figures(indicator, folded(tickets[:200]), one), indicator.key


def listed(asked: ClickHouseIndicators, indicator: Indicator, one: Question, part: Part) -> list[Behind]:
    rows: list[Behind] = []
    cursor = None
    while True:
        page = asked.behind(indicator, one, part, limit=100, cursor=cursor)
        rows += page.items
        cursor = page.next_cursor
        if cursor is None:
            return rows


def test_the_tickets_behind_a_figure_are_as_many_as_it_says(
    asked: ClickHouseIndicators, tickets: Histories
) -> None:
    matters = folded(tickets)
    asks = (question("2026-09", region=COUNTY, narrowed={"channel": "phone"}), question("2026-09"))
    for n, indicator in enumerate(REGISTRY.values()):
        one = asks[n % 2]
        counted = asked.figures([indicator], one)[indicator.key][()].counted
        rows = {part: listed(asked, indicator, one, part) for part in Part}
        numerator = counted.included if indicator.unit == "count" else counted.hits
        assert len(rows[Part.NUMERATOR]) == numerator, indicator.key
        assert len(rows[Part.EXCLUDED]) == sum(counted.excluded.values())
        assert len(rows[Part.UNDECIDED]) == counted.undecided
        judged = sorted((j.matter.number, j.matter.cycle, j.at, j.reason, j.hit, j.seconds)
                        for j in judge(indicator, matters, one) if not j.reason)  # fmt: skip
        included = [(b.number, b.cycle, b.at, b.reason, b.hit, b.seconds) for b in rows[Part.DENOMINATOR]]
        assert included == judged, indicator.key


def test_a_period_that_has_not_begun_has_no_backlog(asked: ClickHouseIndicators) -> None:
    backlog = asked.figures([REGISTRY["backlog"]], question("2027"))["backlog"]
    assert backlog[()].numerator == 0
    now = asked.figures([REGISTRY["backlog"]], question("2026", as_of=NOW - timedelta(days=60)))["backlog"]
    assert now[()].numerator > 0


def test_the_views_for_analysts_give_the_same_figures(
    asked: ClickHouseIndicators, analyst: Client, tickets: Histories
) -> None:
    matters = folded(tickets)
    now = datetime.now(UTC)
    one = question("2026-09", "region:4", as_of=now)
    for indicator in REGISTRY.values():
        when = "true" if indicator.snapshot else "at >= '2026-09-01' AND at < '2026-10-01'"
        rows = analyst.query(
            f"SELECT substring(region, 1, 9) AS township, countIf(numerator), countIf(denominator), "
            f"countIf(excluded != ''), countIf(undecided) FROM {view_name(indicator.key)} "
            f"WHERE {when} GROUP BY township ORDER BY township"
        ).result_rows
        wanted = question("2026-11", "region:4", as_of=now) if indicator.snapshot else one
        expected = [
            (*key, figure.numerator, figure.counted.included, sum(figure.counted.excluded.values()),
             figure.counted.undecided)
            for key, figure in figures(indicator, matters, wanted).items()
        ]  # fmt: skip
        assert rows == expected, indicator.key
