"""Between the domain's events and what `eventsourcing` stores: the CloudEvents bytes, as they are."""

from typing import Any
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder

from domain.cloudevent import decode, encode
from domain.ticket_event import TicketEvent


class _NoTranscoder(Transcoder):
    """The library asks for one; the codec of the domain does the work."""

    def encode(self, obj: Any) -> bytes:
        raise NotImplementedError

    def decode(self, data: bytes) -> Any:
        raise NotImplementedError


class TicketMapper(Mapper[UUID]):
    """Event ↔ stored event; the topic is the event's published type, so code can move freely."""

    def __init__(self) -> None:
        super().__init__(transcoder=_NoTranscoder())

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Serialise once; these bytes are what everybody downstream gets."""
        assert isinstance(domain_event, TicketEvent)  # noqa: S101 - narrows the library's protocol type
        return StoredEvent(
            domain_event.stream_id, domain_event.sequence, domain_event.type, encode(domain_event)
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """Read back; raises Poison when the bytes are not one of our events."""
        return decode(stored_event.state)
