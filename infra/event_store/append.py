"""One command's worth of writing, as it waits for the group commit."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from infra.event_store.port import CommandReceipt, VersionTaken


class Append(NamedTuple):
    """Events and the receipt of the command that caused them; they are stored together or not at all."""

    events: Sequence[StoredEvent]
    receipt: CommandReceipt | None = None
    bookmark: tuple[str, int] | None = None
    """A follower's position, for a store where bookmarks share the writer with the events."""


def stream_uuid(stream_id: UUID | str) -> UUID:
    """Narrow the library's stream id, which may be text elsewhere; here it is always a UUID."""
    return stream_id if isinstance(stream_id, UUID) else UUID(stream_id)


def version_taken(append: Append) -> VersionTaken:
    """Say which versions of which streams could not be written."""
    wanted = ", ".join(f"version {e.originator_version} of stream {e.originator_id}" for e in append.events)
    return VersionTaken(f"another command was faster: {wanted} is taken")
