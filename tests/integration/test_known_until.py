"""Open cases of another system are judged as of its last word, until something happens to them here."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain import commands as c
from domain.regions import Region
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.home import Home
from infra.read_store.clock_queries import SqlClockQueries
from infra.read_store.clock_rows import SlaClocksProjection
from infra.read_store.open import ReadStore, open_read_store
from projections.sla_clocks import Breach, BreachFilter, KnownUntil
from tests.journeys import START, Journey, walked
from tests.read_models import raw

DAY = timedelta(days=1)
NOW = START + 100 * DAY
NYPD = Actor("officer:nypd", Role.DEPARTMENT, "dept:us-nyc:nypd")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadStore]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/read.db" if sqlite else request.getfixturevalue("postgres_url")
    store = open_read_store(url)
    yield store
    store.close()


def imported(
    source_id: str, due: datetime, closed_at: datetime | None = None, origin: str = "nyc311"
) -> Journey:
    journey = Journey(serial=int(source_id))
    journey.give(
        c.Import(
            origin=origin,
            source_id=source_id,
            region=Region("us-nyc:queens:09"),
            category="nyc311:noise",
            category_text="Noise",
            agency="dept:us-nyc:nypd",
            placed_at=START - DAY,
            resolve_due=due,
            closed_at=closed_at,
            closed=closed_at is not None,
        ),
        Role.SYSTEM,
    )
    return journey


def keep(store: ReadStore, *journeys: Journey) -> SqlClockQueries:
    events = [raw(event) for journey in journeys for event in journey.events]
    with store.writing() as connection:
        batch = SlaClocksProjection().batch(connection, {event.number for event in events})
        for event in events:
            batch.apply(event)
        batch.save()
    return SqlClockQueries(store)


def listed(
    clocks: SqlClockQueries, known_until: KnownUntil, as_of: datetime = NOW
) -> dict[str | None, Breach]:
    found: list[Breach] = []
    cursor = None
    while True:
        page = clocks.breaches(BreachFilter(), as_of=as_of, known_until=known_until, limit=1, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert clocks.count_breaches(BreachFilter(), as_of=as_of, known_until=known_until) == len(found)
    return {breach.source_id: breach for breach in found}


def test_an_open_case_is_late_only_as_far_as_its_source_knew(store: ReadStore) -> None:
    clocks = keep(
        store,
        imported("1", START + 5 * DAY),
        imported("2", START + 10 * DAY),
        imported("3", START + 20 * DAY),
        imported("4", START + 20 * DAY, closed_at=START + 30 * DAY),
        imported("5", START + 20 * DAY, origin="elsewhere"),
    )
    found = listed(clocks, {"nyc311": START + 10 * DAY})
    assert set(found) == {"1", "4", "5"}
    assert found["1"].overdue_seconds == timedelta(days=5).total_seconds()
    assert found["4"].overdue_seconds == timedelta(days=10).total_seconds()
    assert found["5"].overdue_seconds == timedelta(days=80).total_seconds()
    assert set(listed(clocks, {"nyc311": START + 10 * DAY + timedelta(microseconds=1)})) == {
        "1",
        "2",
        "4",
        "5",
    }
    assert set(listed(clocks, {})) == {"1", "2", "3", "4", "5"}


def test_a_source_that_speaks_of_the_future_moves_nothing_beyond_now(store: ReadStore) -> None:
    clocks = keep(store, imported("1", START + 5 * DAY), imported("2", NOW + DAY))
    found = listed(clocks, {"nyc311": NOW + 900 * DAY})
    assert set(found) == {"1"}
    assert found["1"].overdue_seconds == timedelta(days=95).total_seconds()


def test_what_goes_on_here_is_judged_as_of_now(store: ReadStore) -> None:
    untouched, taken = imported("1", START + 20 * DAY), imported("2", START + 20 * DAY)
    taken.give(c.Accept(first_handler="officer:nypd"), NYPD, DAY)
    clocks = keep(store, untouched, taken, walked(5))
    known_until = {"nyc311": START + 10 * DAY}
    assert set(listed(clocks, known_until)) == {"2", None}
    assert set(listed(clocks, known_until, as_of=START + 15 * DAY)) == {None}


def test_every_origins_moment_moves_forward_unless_it_is_set(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.known_until() == {}
    assert home.remember_known_until("nyc311", START) == START
    assert home.remember_known_until("nyc311", START - DAY) == START
    assert home.remember_known_until("boston311", START - DAY) == START - DAY
    assert home.remember_known_until("nyc311", START - DAY, exactly=True) == START - DAY
    assert Home(tmp_path).known_until() == {"nyc311": START - DAY, "boston311": START - DAY}


def test_imports_at_the_same_time_forget_nothing(tmp_path: Path) -> None:
    def remember(number: int) -> datetime:
        return Home(tmp_path).remember_known_until(f"origin-{number % 5}", START + number * DAY)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(remember, range(100)))
    assert Home(tmp_path).known_until() == {f"origin-{n}": START + (95 + n) * DAY for n in range(5)}
