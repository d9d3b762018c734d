"""The row of a ticket says what the ticket is, from its newest event and the little that rows carry on."""

from datetime import timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.cloudevent import encode
from domain.errors import Poison
from domain.regions import Grid, Region
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import Role, State
from projections.raw_event import read_event
from projections.ticket_state import TicketRow
from projections.ticket_state_fold import advance
from tests.journeys import ROADS, START, VILLAGE, Journey, walked
from tests.random_journeys import random_journey
from tests.read_models import pair, ticket_row

DAY = timedelta(days=1)


def expected(ticket: Ticket) -> dict[str, object]:
    """What the row must say, told from the folded ticket."""
    summary = dict(ticket.summary())
    return summary | {
        "version": ticket.version,
        "changed_at": ticket.changed_at,
        "open": not ticket.ended,
        "outcome": ticket.outcome,
        "solved": ticket.solved,
        "score": ticket.score,
        "parent": ticket.parent,
        "extension_until": ticket.extension_asked,
        "escalated_to": ticket.escalated_to,
        "suspended_at": ticket.suspended_at,
    }


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_row_is_the_folded_ticket(data: st.DataObject) -> None:
    journey = random_journey(data, serial=7)
    row = ticket_row(journey.events)
    assert journey.ticket is not None
    assert {name: getattr(row, name) for name in expected(journey.ticket)} == expected(journey.ticket)
    if row.suspended_at is None:
        moment = journey.now + data.draw(st.integers(-90, 90)) * DAY
        if moment >= row.changed_at:
            assert row.overdue(moment) == journey.ticket.overdue(moment)


def imported(**fields: object) -> Journey:
    journey = Journey()
    command = {
        "origin": "nyc311",
        "source_id": "39573567",
        "region": Region("us-nyc:queens:09"),
        "category": "nyc311:noise",
        "category_text": "Noise – Loud Music",
        "placed_at": START - 9 * DAY,
        "resolve_due": START - 8 * DAY,
    } | fields
    journey.give(c.Import.model_validate(command), Role.SYSTEM)
    return journey


def test_an_import_keeps_the_sources_words_until_it_is_reclassified() -> None:
    journey = imported(agency="nyc:nypd")
    row = ticket_row(journey.events)
    assert (row.category_text, row.area, row.place) == ("Noise – Loud Music", "us-nyc", "us-nyc:queens:09")
    assert (row.origin, row.source_id, row.holder) == ("nyc311", "39573567", "nyc:nypd")
    holder = Actor("officer:nypd", Role.DEPARTMENT, "nyc:nypd")
    journey.give(c.Progress(words="seen"), holder)
    assert ticket_row(journey.events).category_text == "Noise – Loud Music"
    journey.give(c.Reclassify(category="noise.neighbourhood", reason="local catalogue"), holder)
    assert ticket_row(journey.events).category_text == "生活噪声 Neighbourhood noise"


def test_closed_without_a_date_is_not_called_late() -> None:
    row = ticket_row(imported(closed=True).events)
    assert (row.state, row.open, row.closed_at) == (State.CLOSED, False, None)
    assert not row.overdue(START + 900 * DAY)
    assert ticket_row(imported().events).overdue(START)


def test_a_ticket_that_is_on_hold_does_not_grow_late() -> None:
    journey = walked(5)
    journey.give(c.Suspend(reason="waiting for parts"), Role.TOWNSHIP, DAY)
    row = ticket_row(journey.events)
    assert row.suspended_at == journey.now
    assert not row.overdue(START + 900 * DAY)


def test_a_merged_ticket_names_its_parent_and_an_unmerged_one_forgets_it() -> None:
    child, parent = Journey(serial=1), Journey(serial=2)
    for journey in (child, parent):
        journey.give(c.Place(region=VILLAGE), Role.RESIDENT)
        journey.give(c.Verify(), Role.GRID_WORKER)
    assert parent.ticket is not None
    pair(child, parent, c.Merge(into=parent.ticket.number), DAY)
    row = ticket_row(child.events)
    assert (row.state, row.parent, row.open) == (State.MERGED, parent.ticket.number, False)
    assert ticket_row(parent.events).parent is None
    child.give(c.Rate(solved=True, score=4), Role.RESIDENT)
    assert ticket_row(child.events).score == 4
    pair(child, parent, c.Unmerge(reason="another lamp"), DAY)
    row = ticket_row(child.events)
    assert (row.state, row.parent, row.open, row.score) == (State.VERIFIED, None, True, 4)


def test_the_grid_is_the_place_where_it_is_known() -> None:
    journey = Journey()
    grid = Grid("622901001001-U003")
    journey.give(c.Place(region=Region("622901"), grid=grid), Role.RESIDENT)
    row = ticket_row(journey.events)
    assert (row.area, row.region, row.place) == ("622901", "622901", grid)


def test_times_are_aware() -> None:
    row = ticket_row(walked(8).events)
    for name in TicketRow._fields:
        if name.endswith(("_at", "_due")) and (value := getattr(row, name)) is not None:
            assert value.utcoffset() == timedelta(0), name


EVENT = orjson.loads(encode(walked(6).events[-1]))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"[]",
        b"null",
        b'{"data":null}',
        orjson.dumps(EVENT | {"sequence": "6"}),
        orjson.dumps(EVENT | {"sequence": True}),
        orjson.dumps(EVENT | {"sequence": 0}),
        orjson.dumps(EVENT | {"time": "yesterday"}),
        orjson.dumps(EVENT | {"time": "2026-11-23T06:12:09"}),
        orjson.dumps(EVENT | {"type": "liudan.ticket.order-verified.v2"}),
        orjson.dumps(EVENT | {"subject": "622901-261123-22222"}),
        orjson.dumps(EVENT | {"data": EVENT["data"] | {"ticket": None}}),
        orjson.dumps(EVENT | {"data": EVENT["data"] | {"ticket": {"state": "on fire"}}}),
        orjson.dumps(EVENT | {"data": EVENT["data"] | {"ticket": EVENT["data"]["ticket"] | {"cycle": 1e20}}}),
    ],
)
def test_what_is_not_a_ticket_event_is_poison_and_names_the_ticket(broken: bytes) -> None:
    with pytest.raises(Poison, match=EVENT["subject"]):
        read_event(broken, EVENT["subject"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("placed_at", None), ("resolve_due", "soon"), ("placed_at", 5), ("region", None), ("category", ...)],
)
def test_a_summary_that_cannot_be_read_is_poison(field: str, value: object) -> None:
    ticket = {name: item for name, item in EVENT["data"]["ticket"].items() if name != field}
    if value is not ...:
        ticket[field] = value
    broken = orjson.dumps(EVENT | {"data": EVENT["data"] | {"ticket": ticket}})
    event = read_event(broken, EVENT["subject"])
    with pytest.raises(Poison, match="version"):
        advance(None, event)


def test_the_department_is_the_holder_after_dispatch() -> None:
    row = ticket_row(walked(4).events)
    assert (row.state, row.level, row.holder) == (State.DISPATCHED, "department", ROADS)
