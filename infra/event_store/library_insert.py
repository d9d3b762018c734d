"""What every recorder's `insert_events` does: append, and speak of errors as the library does."""

from collections.abc import Callable, Mapping, Sequence

from eventsourcing.persistence import IntegrityError, NotSupportedError, OperationalError, StoredEvent

from infra.event_store.port import StoreUnavailable, VersionTaken


def insert_through(
    append: Callable[[Sequence[StoredEvent]], Sequence[int]],
    stored_events: Sequence[StoredEvent],
    options: Mapping[str, object],
) -> Sequence[int]:
    """Append for a caller from the library.

    Raises its IntegrityError for a taken version, OperationalError when the store is unavailable, and
    NotSupportedError for `tracking`, which belongs to process recorders.
    """
    if options.get("tracking") is not None:
        raise NotSupportedError("this event store keeps bookmarks, not tracking records")
    if not stored_events:
        return []
    try:
        return append(stored_events)
    except VersionTaken as error:
        raise IntegrityError(str(error)) from error
    except StoreUnavailable as error:
        raise OperationalError(str(error)) from error
