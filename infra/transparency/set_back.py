"""Notices that a log was set back: that it is not the continuation of one that was published."""

from domain.errors import Halted
from infra.event_store.port import EventStore
from infra.transparency.checkpoint import Checkpoint
from infra.transparency.log_reader import LogReader


def log_bookmark(origin: str) -> str:
    """Give the name under which the event store remembers how far a log has been published."""
    return f"transparency:{origin}"


def check_not_set_back(log: LogReader, head: Checkpoint, position: int, store: EventStore) -> None:
    """Raise Halted when the event store or the witnesses know of a newer or another tree than `head`.

    `position` is that of the last leaf in the event store, 0 for an empty tree.
    """
    remembered = store.bookmark(log_bookmark(head.origin))
    if position < remembered:
        raise Halted(
            f"the checkpoint in {log.folder.folder} ends at position {position} of the event store, but one "
            f"up to {remembered} was published: an old one was put back; restore the newest"
        )
    witnessed = log.witnessed_head()
    if witnessed is None:
        return
    seen = witnessed.checkpoint
    if head.size < seen.size or log.root(seen.size) != seen.root:
        raise Halted(
            f"witnesses have signed a tree of {seen.size} entries that the log's tree of {head.size} does "
            "not begin with: the log was set back or changed; restore the newest one"
        )
