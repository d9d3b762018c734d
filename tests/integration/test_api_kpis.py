"""The indicators over HTTP and on the command line, from real tickets landed in a real ClickHouse."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

from consumers.kpi_command import kpi
from consumers.matters import refresh_alone
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.clickhouse.accounts import WRITER
from infra.settings import Settings
from infra.tickets import utc_now
from projections.indicators.registry import REGISTRY
from tests.integration.test_api_figures import land
from tests.journeys import ROADS
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint
from tests.services.door import Door

__all__ = ["endpoint", "shared_endpoint"]
pytestmark = pytest.mark.clickhouse
KPIS = "/v1/analytics/kpis"
NEIGHBOUR = Actor("officer:neighbour", Role.COUNTY, "622902")
DEPARTMENT = Actor("officer:roads", Role.DEPARTMENT, ROADS)


@pytest.fixture
def door(tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    address = f"http://{WRITER}:{quote(endpoint.password(WRITER))}@127.0.0.1:{endpoint.port}"
    monkeypatch.setenv("LIUDAN_CLICKHOUSE", address)
    settings = Settings(home=tmp_path, clickhouse=address)
    with Installation(settings) as installation, Door(installation) as opened:
        yield opened


@pytest.fixture
def town(door: Door) -> Door:
    door.walk("rate")
    door.walk("rate")
    door.walk("accept")
    door.place(region="622902001001", category="disputes.land")
    refresh(door)
    return door


def refresh(door: Door) -> None:
    land(door.installation)
    with closing(door.installation.clickhouse()) as client:
        refresh_alone(door.installation, client)


def value(door: Door, name: str, who: Actor | Role, **params: object) -> tuple[int, int | None]:
    answer = door.get(f"{KPIS}/{name}", who, params=params)
    assert answer.status_code == 200, answer.text
    [line] = answer.json()["lines"]
    return line["numerator"], line["denominator"]


def test_every_indicator_is_defined(door: Door) -> None:
    listed = door.get(KPIS).json()
    assert [one["name"] for one in listed] == list(REGISTRY)
    rate = next(one for one in listed if one["name"] == "closing-rate")
    assert (rate["name_zh"], rate["view"]) == ("结案率", "liudan.kpi_closing_rate")
    assert {one["key"] for one in rate["exclusions"]} >= {"suspended", "merged"}


def test_everybody_sees_the_figures_of_their_own_region(town: Door) -> None:
    assert value(town, "cases-filed", Role.PREFECTURE) == (4, None)
    assert value(town, "cases-filed", NEIGHBOUR) == (1, None)
    assert value(town, "cases-filed", Role.SYSTEM, region="622901001") == (3, None)
    assert value(town, "satisfaction-rate", Role.VILLAGE) == (2, 2)
    assert value(town, "backlog", DEPARTMENT) == (1, None)
    assert value(town, "solved-at-department", Role.COUNTY) == (2, 2)
    for who, params, status in (
        (NEIGHBOUR, {"region": "622901"}, 403),
        (Role.RESIDENT, {}, 403),
        (DEPARTMENT, {"holder": "dept:622901:water"}, 403),
        (Role.COUNTY, {"period": "2026-13"}, 422),
        (Role.COUNTY, {"by": "colour"}, 422),
        (Role.COUNTY, {"rank": "true", "by": "class"}, 422),
        (Role.COUNTY, {"colour": "red"}, 422),
    ):
        answer = town.get(f"{KPIS}/backlog", who, params=params)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert town.get(f"{KPIS}/happiness", Role.COUNTY).status_code == 404


def test_the_tickets_behind_a_figure(town: Door) -> None:
    for name in ("cases-filed", "on-time-rate", "satisfaction-rate", "time-at-grid", "backlog"):
        for who in (Role.PREFECTURE, DEPARTMENT):
            [line] = town.get(f"{KPIS}/{name}", who).json()["lines"]
            wanted = {
                "numerator": line["numerator"],
                "excluded": line["excluded"],
                "undecided": line["undecided"],
                "denominator": line["numerator"] if line["denominator"] is None else line["denominator"],
            }
            for part, number in wanted.items():
                answer = town.get(f"{KPIS}/{name}/tickets", who, params={"part": part})
                assert answer.status_code == 200, answer.text
                assert len(answer.json()["items"]) == number, (name, part)
    first = town.get(f"{KPIS}/cases-filed/tickets", Role.PREFECTURE, params={"limit": 3}).json()
    second = town.get(first["next"], Role.PREFECTURE).json()
    numbers = [item["number"] for page in (first, second) for item in page["items"]]
    assert (len(first["items"]), len(set(numbers)), second["next"]) == (3, 4, None)
    bad = town.get(f"{KPIS}/backlog/tickets", Role.PREFECTURE, params={"cursor": "nonsense"})
    assert bad.status_code == 422


def test_the_dashboard_says_the_same(town: Door) -> None:
    figures = town.get("/v1/analytics/dashboard", Role.PREFECTURE).json()["figures"]
    assert len(figures) == 12
    for name, table in figures.items():
        alone = town.get(f"{KPIS}/{name}", Role.PREFECTURE, params={"as_of": table["as_of"]}).json()
        assert [line["numerator"] for line in table["lines"]] == [one["numerator"] for one in alone["lines"]]


def test_a_restatement_is_visible(town: Door) -> None:
    before = utc_now()
    number = town.walk("rate")
    refresh(town)
    params = {"compare_with": before.isoformat(), "by": "region:3"}
    table = town.get(f"{KPIS}/cases-filed", Role.PREFECTURE, params=params).json()
    lines = {line["group"]["region:3"]: line for line in table["lines"]}
    assert (lines["622901"]["numerator"], lines["622901"]["before"]["numerator"]) == (4, 3)
    assert (lines["622901"]["restated"], lines["622902"]["restated"]) == (True, False)
    assert not table["final"]
    assert value(town, "cases-filed", Role.PREFECTURE, as_of=before.isoformat()) == (4, None)
    position = table["position"]["store_position"]
    assert position == town.installation.store.last_position()
    assert value(town, "cases-filed", Role.PREFECTURE, position=position - 1) == (5, None)
    assert value(town, "satisfaction-rate", Role.PREFECTURE, position=position - 2) == (2, 2)
    assert number


def test_what_has_not_arrived_makes_a_figure_provisional(town: Door) -> None:
    past = {"period": "2020"}
    assert town.get(f"{KPIS}/cases-filed", Role.PREFECTURE, params=past).json()["final"]
    town.place()
    land(town.installation)
    table = town.get(f"{KPIS}/cases-filed", Role.PREFECTURE, params=past).json()
    assert table["position"]["behind_events"] == 1
    assert table["final"], "it is only a moment old"
    clock = utc_now() + timedelta(minutes=2)
    town.installation.tickets.clock = lambda: clock
    assert not town.get(f"{KPIS}/cases-filed", Role.PREFECTURE, params=past).json()["final"]


def run(door: Door, *arguments: str) -> Result:
    home = str(door.installation.home.folder)
    return CliRunner().invoke(kpi, [*arguments, "--home", home], catch_exceptions=False)


def test_the_command_line_says_the_same(town: Door) -> None:
    listed = run(town, "--list").output
    assert all(name in listed for name in REGISTRY)
    month = f"{utc_now():%Y-%m}"
    printed = run(
        town, "satisfaction-rate", "--region", "6229", "--period", month, "--by", "region:3,class", "--json"
    )
    table = json.loads(printed.output)
    assert [(line["numerator"], line["denominator"]) for line in table["lines"]] == [(2, 2)]
    assert table["lines"][0]["group"] == {"region:3": "622901", "class": "general"}
    shown = run(town, "satisfaction-rate", "--period", month, "--by", "channel", "--rank", "--minimum", "5")
    assert "too few" in shown.output
    narrowed = run(town, "cases-filed", "--period", month, "--where", "category=disputes.land", "--json")
    assert json.loads(narrowed.output)["lines"][0]["numerator"] == 1
    compared = run(
        town,
        "cases-filed",
        "--period",
        month,
        "--compare-with",
        f"{utc_now() - timedelta(days=1):%Y-%m-%dT%H:%M:%S%z}",
    )
    assert "RESTATED" in compared.output
