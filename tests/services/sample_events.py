"""Events as bytes for tests of the stream, which does not look into them."""

from uuid import UUID, uuid5

import orjson
from eventsourcing.persistence import StoredEvent

NAMESPACE = UUID("6f1f2d4e-1c1b-5b9a-9d55-000000000622")


def number(index: int) -> str:
    """Give the number of the n-th ticket."""
    return f"622901-261123-{index:05d}"


def event_bytes(ticket: str, sequence: int, padding: int = 700) -> bytes:
    """Give an event's CloudEvents JSON, about as large as a real one."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": str(uuid5(NAMESPACE, f"{ticket}/{sequence}")),
            "source": "urn:liudan:622901",
            "type": "liudan.ticket.order-verified.v1",
            "subject": ticket,
            "time": "2026-11-23T06:12:09.123456Z",
            "sequence": sequence,
            "data": {"ticket": {"number": ticket, "subject": "x"}, "padding": "六" * (padding // 3)},
        }
    )


def sequence_of(event: bytes) -> int:
    """Give an event's place in its ticket."""
    return int(orjson.loads(event)["sequence"])


def stored(ticket: str, sequence: int, padding: int = 700) -> StoredEvent:
    """Give an event as the event store takes it."""
    return StoredEvent(
        originator_id=uuid5(NAMESPACE, ticket),
        originator_version=sequence,
        topic="liudan.ticket.order-verified.v1",
        state=event_bytes(ticket, sequence, padding),
    )
