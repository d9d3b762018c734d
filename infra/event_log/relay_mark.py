"""How far the relay has come: remembered in the event store, for this very topic."""

from infra.event_log.port import TICKETS_TOPIC, EventLog


def relay_bookmark(event_log: EventLog) -> str:
    """Give the name under which the store keeps the relay's position.

    It belongs to this very topic: a topic that was made anew is filled from the first event on.
    """
    return f"relay:{event_log.identity(TICKETS_TOPIC)}"
