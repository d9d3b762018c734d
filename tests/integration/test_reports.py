"""Reports over HTTP and on the command line, from tickets landed in a real ClickHouse."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from pypdf import PdfReader

from consumers.report_command import report
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.clickhouse.accounts import WRITER
from infra.settings import Settings
from tests.journeys import ROADS
from tests.outbreaks import outbreak
from tests.random_towns import town_histories
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint
from tests.services.door import Door, check_problem
from tests.services.landed import land, land_tickets

__all__ = ["endpoint", "shared_endpoint"]
pytestmark = pytest.mark.clickhouse
REPORTS = "/v1/analytics/reports"
BEGIN = datetime(2026, 8, 1, tzinfo=UTC)
AS_OF = "2026-12-01T08:00:00+08:00"


@pytest.fixture
def door(tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    address = f"http://{WRITER}:{quote(endpoint.password(WRITER))}@127.0.0.1:{endpoint.port}"
    monkeypatch.setenv("LIUDAN_CLICKHOUSE", address)
    settings = Settings(home=tmp_path, clickhouse=address)
    with Installation(settings) as installation, Door(installation) as opened:
        yield opened


def asked(door: Door, period: str, who: Role = Role.PREFECTURE, **params: object) -> bytes:
    answer = door.get(f"{REPORTS}/{period}", who, params={"as_of": AS_OF, **params})
    assert answer.status_code == 200, answer.text
    return answer.content


def page(door: Door, period: str, who: Role = Role.PREFECTURE, **params: object) -> str:
    return asked(door, period, who, **params).decode()


def rows(html: str, caption: str) -> list[list[str]]:
    """The cells of the table with this caption."""
    [table] = re.findall(rf"<caption>{caption}</caption>(.*?)</table>", html, re.DOTALL)
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("<tr>")[1:]]
    return [[unescape(re.sub(r"<[^>]+>", " ", cell)) for cell in cells] for cells in found]


def test_the_same_position_gives_the_same_bytes_whatever_comes_later(door: Door, endpoint: Endpoint) -> None:
    histories = list(town_histories(11, BEGIN, 250, 60))
    land_tickets(endpoint, histories[:150])
    html = page(door, "2026-09")
    position = re.findall(r"--position ([\d:,]+)", html)[0]
    known = sum(map(len, histories[:150]))
    assert position == f"0:{known}"
    land(endpoint, (event for history in histories[150:] for event in history), known)
    assert page(door, "2026-09") != html  # not yet in the table of matters, but in the report
    assert page(door, "2026-09", position=position) == html
    assert page(door, "2026-09", position=str(known)) == html


def test_what_has_just_arrived_is_in_it(door: Door, endpoint: Endpoint) -> None:
    histories = list(town_histories(11, BEGIN, 200, 60))
    land_tickets(endpoint, histories[:100])
    land(
        endpoint, (event for history in histories[100:] for event in history), sum(map(len, histories[:100]))
    )
    early = page(door, "2026-09", language="en")
    land_tickets(endpoint, [])
    assert page(door, "2026-09", language="en") == early


def test_all_forms_say_the_same(door: Door, endpoint: Endpoint) -> None:
    land_tickets(endpoint, list(town_histories(11, BEGIN, 250, 60)))
    html = page(door, "2026-09", language="zh")
    figures = {row[0]: row[1:] for row in rows(html, "十二项指标")}
    filed, on_time = figures["受理量"], figures["按期结案率"]
    assert int(filed[0]) == int(filed[2]) > 50
    assert f"{int(on_time[2]) / int(on_time[3]):.1%}" == on_time[0]
    book = load_workbook(BytesIO(asked(door, "2026-09", language="zh", format="xlsx")))
    sheet = {row[0]: row for row in book["总体情况"].iter_rows(values_only=True) if row[0]}
    assert sheet["受理量"][1] == int(filed[0])
    assert sheet["按期结案率"][1] == pytest.approx(int(on_time[2]) / int(on_time[3]))
    assert sheet["按期结案率"][4:6] == (int(on_time[2]), int(on_time[3]))
    assert len(book.sheetnames) == 11
    written = asked(door, "2026-09", language="zh", format="pdf")
    assert asked(door, "2026-09", language="zh", format="pdf") == written
    pdf = PdfReader(BytesIO(written))
    check_accessible(pdf)
    text = re.sub(r"\s", "", "".join(sheet.extract_text() for sheet in pdf.pages))
    assert "统计分析报告（2026-09）" in text
    assert "按期结案率" + "".join(re.sub(r"\s", "", part) for part in on_time) in text
    assert "�" not in text


def check_accessible(pdf: PdfReader) -> None:
    """It carries its font, and tells screen readers what is what."""
    assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index] # pypdf's objects
    fonts = [font for sheet in pdf.pages for font in sheet["/Resources"]["/Font"].values()]  # type: ignore[index]
    names = {str(font.get_object()["/BaseFont"]) for font in fonts}
    assert names
    assert all("NotoSansSC" in name for name in names), names
    assert pdf.metadata is not None
    assert "统计分析报告" in str(pdf.metadata.title)


def test_the_page_asks_nobody_for_anything_and_says_what_its_charts_show(
    door: Door, endpoint: Endpoint
) -> None:
    land_tickets(endpoint, list(town_histories(11, BEGIN, 250, 60)))
    html = page(door, "2026-09")
    assert not re.findall(r"<(?:script|link|img|iframe|object)\b|@import|url\((?!#|\")", html)
    outside = set(re.findall(r"https?://[^\"' <)]+", html))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "default-src 'none'" in html
    charts = re.findall(r"<svg [^>]*>", html)
    assert len(charts) >= 6
    assert all('role="img"' in chart and re.search(r'aria-label="[^"]{10,}"', chart) for chart in charts)
    assert all(f'id="{anchor}"' in html for anchor in re.findall(r'href="#([^"]+)"', html))
    assert html.count("<caption>") == html.count("<table>")
    numbers = {str(event.number) for history in town_histories(11, BEGIN, 250, 60) for event in history}
    assert not any(number in html for number in numbers)


def test_languages(door: Door, endpoint: Endpoint) -> None:
    land_tickets(endpoint, list(town_histories(11, BEGIN, 60, 60)))
    english = re.sub(r"<style>.*?</style>", "", page(door, "2026-09", language="en"), flags=re.DOTALL)
    definitions = english.index('<section id="definitions"')
    assert not re.search(r"[\u4e00-\u9fff]", english[:definitions])
    chinese = page(door, "2026-09", language="zh")
    assert "Overview" not in chinese
    assert 'lang="zh-CN"' in chinese
    assert "总体情况 Overview" in page(door, "2026-09")


def test_an_outbreak_is_a_rising_concern_and_a_risk(door: Door, endpoint: Endpoint) -> None:
    land_tickets(endpoint, [list(outbreak())])
    html = page(door, "2026-10", language="en")
    assert "2025-10 to 2026-09" in html
    [_, spike] = rows(html, "Rising concerns")
    assert spike[:3] == ["Gas safety", "Linxia County", "30"]
    assert spike[3] == "6.2"
    assert spike[7] == "6; above that, too"
    risks = [row[:3] for row in rows(html, "What to look at")]
    assert ["Hazards and disputes rising", "Linxia County · Gas safety", "30"] in risks
    before = page(door, "2026-09", language="en")
    assert "Nothing rises beyond chance." in before
    assert "fewer than 3: nothing was tested" in page(door, "2025-10", language="en")


def test_levels_compare_the_units_below(door: Door, endpoint: Endpoint) -> None:
    land_tickets(endpoint, [list(outbreak())])
    heads = rows(page(door, "2026-10", language="en"), "Concerns by place")[0]
    assert heads[1:] == ["Linxia County", "Linxia City"]
    township = rows(page(door, "2026-10", language="en", level="township"), "Concerns by place")[0]
    assert township[1:] == ["622921100200", "622901001001"]
    county = rows(page(door, "2026-10", Role.COUNTY, language="en"), "Concerns by place")[0]
    assert county[1:] == ["622901001"]
    wrong = door.get(f"{REPORTS}/2026-10", Role.COUNTY, params={"level": "prefecture"})
    check_problem(wrong, 422, "bad-level", "level")
    grid = door.get(f"{REPORTS}/2026-10", Role.COUNTY, params={"level": "grid"})
    check_problem(grid, 422, "bad-level", "level")


def test_only_those_who_may_see_the_figures_get_a_report(door: Door, endpoint: Endpoint) -> None:
    land_tickets(endpoint, [list(outbreak())])
    neighbour = Actor("officer:neighbour", Role.COUNTY, "622921")
    check_problem(
        door.get(f"{REPORTS}/2026-10", neighbour, params={"region": "622901"}),
        403,
        "outside-region",
        "region",
    )
    check_problem(door.get(f"{REPORTS}/2026-10", Role.RESIDENT), 403, "officers-only")
    department = Actor("officer:roads", Role.DEPARTMENT, ROADS)
    check_problem(door.get(f"{REPORTS}/2026-10", department), 403, "no-region")
    grid = Actor("officer:grid", Role.GRID_WORKER, "622901001001-U001")
    check_problem(door.get(f"{REPORTS}/2026-10", grid), 403, "no-region")
    check_problem(door.get(f"{REPORTS}/2026-10", Role.SYSTEM), 422, "region-missing", "region")
    check_problem(door.get(f"{REPORTS}/2399-10", Role.COUNTY), 422, "bad-period", "period")
    check_problem(door.get(f"{REPORTS}/2199-10", Role.COUNTY), 422, "bad-period", "period")
    bad = door.get(f"{REPORTS}/2026-10", Role.COUNTY, params={"position": "0:x"})
    check_problem(bad, 422, "bad-position", "position")


def test_the_command_line_writes_what_http_answers(door: Door, endpoint: Endpoint, tmp_path: Path) -> None:
    land_tickets(endpoint, list(town_histories(11, BEGIN, 80, 60)))
    out = tmp_path / "report.html"
    arguments = ["--home", str(tmp_path), "--region", "6229", "--period", "2026-09", "--as-of",
                 "2026-12-01T08:00:00+0800", "--out", str(out)]  # fmt: skip
    result = CliRunner().invoke(report, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert out.read_bytes() == asked(door, "2026-09")


def test_a_town_without_tickets_has_a_report(door: Door) -> None:
    html = page(door, "2026-09", language="en")
    assert "Nothing rises" in html or "nothing was tested" in html
    assert asked(door, "2026-09", format="pdf").startswith(b"%PDF")
    assert asked(door, "2026-09", format="xlsx").startswith(b"PK")
