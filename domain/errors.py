"""Everything that can go wrong, in three kinds.

LiudanError
├── Refused            the caller's: a rule was broken, nothing was stored
│   ├── NotFound       no such ticket
│   ├── Invalid        a field is missing or makes no sense
│   ├── Forbidden      not this role, or not in this region
│   ├── Conflict       the ticket has moved on since the caller looked
│   └── CommandReused  a command id that was used before, with another body
├── Transient          may work when tried again: a server is away, a disk is full
├── Poison             an event that cannot be applied, now or later
└── Halted             a consumer has to stop and say so: a gap, too many poisoned events
"""


class LiudanError(Exception):
    """Root of all errors that the product raises on purpose."""


class Refused(LiudanError):
    """A command or a query broke a rule.

    `rule` is a stable name in kebab-case (the API makes its problem type from it), `field` the part of
    the input that is at fault, where there is one.
    """

    default_rule = "refused"

    def __init__(self, message: str, *, rule: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.rule = rule or self.default_rule
        self.field = field


class NotFound(Refused):
    """There is no such ticket, unit or event."""

    default_rule = "not-found"


class Invalid(Refused):
    """A field of the input is missing or makes no sense."""

    default_rule = "invalid"


class Forbidden(Refused):
    """The actor's role, level or region does not allow it."""

    default_rule = "not-allowed"


class Conflict(Refused):
    """The ticket is at another version than the caller expected; `version` is the one it is at now."""

    default_rule = "version-conflict"

    def __init__(self, message: str, *, version: int | None = None) -> None:
        super().__init__(message)
        self.version = version


class CommandReused(Refused):
    """The command id was used before, for something else."""

    default_rule = "command-id-reused"


class Transient(LiudanError):
    """Trying again may help: a server is away, a lock is held, a disk is full."""


class Poison(LiudanError):
    """This event can never be applied as it is."""


class Halted(LiudanError):
    """A consumer must not go on: a gap in a ticket's history, or too many poisoned events."""
