"""What can go wrong with ClickHouse, in the product's own terms."""

from domain.errors import LiudanError, Transient


class ClickHouseUnavailable(Transient):
    """The server does not answer, or answered with something that may pass."""


class OutcomeUnknown(ClickHouseUnavailable):
    """The connection was lost while an insert was under way: positions must be read again."""


class CannotServe(LiudanError):
    """The embedded endpoint cannot start; the message says what to do."""
