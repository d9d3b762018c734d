"""What tests of the SQL read models share: sinks, events as records of a log, folded rows."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from consumers.projector import ProjectionSink
from domain import commands as c
from domain.cloudevent import encode
from domain.decide import decide_pair
from domain.evolve import evolve
from domain.ticket_event import TicketEvent
from domain.vocabulary import Role
from infra.event_log.port import TICKETS_TOPIC, LogRecord
from infra.read_store.clock_rows import SlaClocksProjection
from infra.read_store.open import ReadStore
from infra.read_store.projection import Projection
from infra.read_store.ticket_rows import TicketStateProjection
from projections import sla_clocks_fold, ticket_state_fold
from projections.raw_event import RawEvent, read_event
from projections.sla_clocks import ClockRow
from projections.ticket_state import TicketRow
from tests.journeys import ACTORS, Journey

PROJECTIONS: tuple[Projection, ...] = (TicketStateProjection(), SlaClocksProjection())


def sinks(reads: ReadStore, log: str = "test-log") -> list[ProjectionSink]:
    """One sink for each projection."""
    return [ProjectionSink(reads, projection, log, TICKETS_TOPIC) for projection in PROJECTIONS]


def raw(event: TicketEvent) -> RawEvent:
    """The event as a read model sees it: from its bytes."""
    return read_event(encode(event), event.number)


def records(events: Iterable[TicketEvent], partition: int = 0, start: int = 0) -> list[LogRecord]:
    """The events as records of one partition."""
    return [
        LogRecord(partition, offset, str(event.number), encode(event))
        for offset, event in enumerate(events, start)
    ]


def ticket_row(events: Sequence[TicketEvent]) -> TicketRow:
    """The row of a ticket after its events."""
    known, row = None, None
    for event in events:
        row, known = ticket_state_fold.advance(known, raw(event))
    assert row is not None
    return row


def clock_rows(events: Sequence[TicketEvent]) -> list[ClockRow]:
    """All clocks of a ticket after its events, in the order in which they began."""
    known, rows = None, {}
    for event in events:
        known, changed = sla_clocks_fold.advance(known, raw(event))
        rows.update({row[:4]: row for row in changed})
    return sorted(rows.values(), key=lambda row: (row.run, row.started_at, row.clock))


def pair(
    journey: Journey, parent: Journey, command: c.Merge | c.Unmerge, after: timedelta = timedelta(0)
) -> None:
    """Merge or unmerge: both journeys get their event."""
    journey.now = parent.now = max(journey.now, parent.now) + after
    assert journey.ticket is not None
    assert parent.ticket is not None
    events = decide_pair(journey.ticket, parent.ticket, command, journey.context(ACTORS[Role.TOWNSHIP]))
    for one, event in zip((journey, parent), events, strict=True):
        one.ticket = evolve(one.ticket, event)
        one.events.append(event)
