"""The roll-up over HTTP, from real tickets landed in a real ClickHouse."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from consumers.transparency.keep import LogKeeper
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.clickhouse.accounts import WRITER
from infra.clickhouse.landing import Landing
from infra.event_log.embedded import EmbeddedEventLog
from infra.event_log.port import TICKETS_TOPIC
from infra.event_log.sink import Step
from infra.settings import Settings
from tests.services.clickhouse import Endpoint, endpoint, shared_endpoint
from tests.services.door import Door

__all__ = ["endpoint", "shared_endpoint"]
pytestmark = pytest.mark.clickhouse


@pytest.fixture
def door(tmp_path: Path, endpoint: Endpoint) -> Iterator[Door]:
    address = f"http://{WRITER}:{quote(endpoint.password(WRITER))}@127.0.0.1:{endpoint.port}"
    settings = Settings(home=tmp_path, clickhouse=address)
    with Installation(settings) as installation, Door(installation) as opened:
        yield opened


def land(installation: Installation) -> None:
    """What has not landed yet."""
    log = EmbeddedEventLog(installation.store, installation.home.folder)
    landing = Landing(installation.clickhouse)
    start = landing.start_offsets([0])[0]
    records = [record for record in log.history(TICKETS_TOPIC) if record.offset >= start]
    landing.apply(records, {0: Step(start, records[-1].offset + 1)})
    landing.close()
    log.close()


def test_every_ticket_counts_once_for_those_who_may_see_it(door: Door) -> None:
    door.walk("rate")
    door.walk("accept")
    door.place(region="622902001001")
    land(door.installation)
    table = door.get("/v1/analytics/rollup", Role.PREFECTURE).json()
    assert (table["region"], table["depth"]) == ("6229", 3)
    figures = {(row["region"], row["placed"], row["closed"], row["overdue"]) for row in table["rows"]}
    assert figures == {("622901", 2, 1, 0), ("622902", 1, 0, 0)}
    first = table["rows"][0]
    assert first["median_resolve_seconds"] > 0
    month = {"from": first["month"][:7], "to": first["month"][:7], "depth": 5}
    villages = door.get("/v1/analytics/rollup", Role.SYSTEM, params=month).json()["rows"]
    assert [row["region"] for row in villages] == ["622901001001", "622902001001"]
    neighbour = Actor("officer:neighbour", Role.COUNTY, "622902")
    assert [row["region"] for row in door.get("/v1/analytics/rollup", neighbour).json()["rows"]] == ["622902"]
    nothing = door.get("/v1/analytics/rollup", Role.SYSTEM, params={"from": "2001-01", "to": "2001-12"})
    assert nothing.json()["rows"] == []
    late = door.get("/v1/analytics/rollup", Role.SYSTEM, params={"as_of": "2199-01-01T00:00:00Z"}).json()
    assert sum(row["overdue"] for row in late["rows"]) == 2


def test_all_parts_are_ready(door: Door) -> None:
    door.place()
    parts = door.installation
    LogKeeper(parts.store, parts.transparency_log.folder, parts.log_signer).catch_up()
    answer = door.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready"), answer.text
