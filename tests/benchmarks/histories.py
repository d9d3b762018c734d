"""Real events in bulk: journeys as the product decides and encodes them, ready for the store or the log."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent

from domain.numbers import TicketNumber
from domain.ticket_event import TicketEvent
from infra.event_mapper import TicketMapper
from infra.event_store.port import EventStore
from infra.tickets import new_event_id
from tests.benchmarks.orders import EVENTS_A_JOURNEY
from tests.journeys import HAPPY_PATH, START, VILLAGE, Journey

_APPEND = 512
_DAILY = 29**4
"""How many serials a day's ticket numbers have room for."""


def journey_events(serial: int) -> list[TicketEvent]:
    """Decide the whole history of one ticket; different serials are different tickets."""
    days, of_day = divmod(serial, _DAILY)
    journey = Journey(serial=of_day, now=START + timedelta(days=days), ids=_new_ids())
    for command, role in HAPPY_PATH:
        journey.give(command, role, timedelta(minutes=10))
    return journey.events


def number_of(serial: int) -> TicketNumber:
    """Give the number of the ticket with a serial."""
    days, of_day = divmod(serial, _DAILY)
    return TicketNumber.compose(VILLAGE, (START + timedelta(days=days)).date(), of_day)


def stored_journeys(first: int, journeys: int) -> Iterator[StoredEvent]:
    """Give the events of many tickets as the store takes them, ticket by ticket."""
    mapper = TicketMapper()
    for serial in range(first, first + journeys):
        for event in journey_events(serial):
            yield mapper.to_stored_event(event)


def fill(store: EventStore, first: int, journeys: int) -> list[Notification]:
    """Commit the histories of new tickets and give what was stored, in order of position."""
    after = store.last_position()
    batch: list[StoredEvent] = []
    for event in stored_journeys(first, journeys):
        batch.append(event)
        if len(batch) == _APPEND:
            store.append(batch)
            batch = []
    if batch:
        store.append(batch)
    return store.read(after, journeys * EVENTS_A_JOURNEY)


def fill_with_copies(store: EventStore, first: int, journeys: int) -> None:
    """As `fill`, much faster: one history whose number is replaced. For a store that only has to be large."""
    mapper = TicketMapper()
    model = journey_events(first)
    stored = [mapper.to_stored_event(event) for event in model]
    number = model[0].number
    batch: list[StoredEvent] = []
    for serial in range(first, first + journeys):
        other = number_of(serial)
        stream_id = other.stream_id
        for event in stored:
            state = event.state.replace(number.encode(), other.encode())
            batch.append(replace(event, originator_id=stream_id, state=state))
        if len(batch) >= _APPEND:
            store.append(batch)
            batch = []
    if batch:
        store.append(batch)


def _new_ids() -> Iterator[UUID]:
    return iter(new_event_id, None)
