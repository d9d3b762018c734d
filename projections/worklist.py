"""What waits for whom, derived from the lifecycle table: the tickets a unit has to look at, and what for."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.lifecycle import LIFECYCLE, Rule, Who, superior_level
from domain.vocabulary import Level, Role, State
from projections.ticket_state import Because, TicketRow

LEVEL_OF: Mapping[Role, Level] = {
    Role.GRID_WORKER: Level.GRID,
    Role.VILLAGE: Level.VILLAGE,
    Role.TOWNSHIP: Level.TOWNSHIP,
    Role.DEPARTMENT: Level.DEPARTMENT,
    Role.COUNTY: Level.COUNTY,
    Role.PREFECTURE: Level.PREFECTURE,
}
FLAT_STATES = frozenset({State.PLACED, State.VERIFIED, State.ISSUED})
"""From where the county dispatches a matter itself during an emergency."""

_ASKS_FOR = {
    Because.EXTENSION: frozenset({"grant-extension", "refuse-extension"}),
    Because.SUSPENDED: frozenset({"resume"}),
    Because.EMERGENCY: frozenset({"dispatch"}),
    Because.ESCALATED: frozenset({"dispatch", "urge", "escalate", "reclassify", "resume"}),
}
_TURN = frozenset(
    {
        "verify", "reject", "issue", "dispatch", "accept", "return", "transfer", "resolve", "rework",
        "feed-back", "request-extension", "resume",
    }
)  # fmt: skip
"""What a holder does to bring a ticket on; notes and evidence are possible always and not a reason."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who is asking for a worklist."""

    role: Role
    unit: str

    @property
    def level(self) -> Level | None:
        """The level at which this role holds tickets; None for one that never does."""
        return LEVEL_OF.get(self.role)

    @property
    def below(self) -> frozenset[Level]:
        """The levels whose next superior this desk is."""
        level = self.level
        if level is None or level is Level.DEPARTMENT:
            return frozenset()
        return frozenset(lower for lower in Level if lower is not level and superior_level(lower) is level)

    @property
    def commands_flat(self) -> bool:
        """Whether an emergency is this desk's to dispatch."""
        return self.role is Role.COUNTY


def commands_for(row: TicketRow, desk: Desk, because: Because) -> tuple[str, ...]:
    """Name what the lifecycle table gives this desk to do about the reason the ticket is listed for."""
    names = _ASKS_FOR.get(because, _TURN)
    relation = Who.HOLDER if because is Because.HELD else Who.SUPERIOR
    return tuple(
        rule.command.NAME
        for rule in LIFECYCLE.values()
        if rule.command.NAME in names and _may(rule, row, desk.role, relation)
    )


def _may(rule: Rule, row: TicketRow, role: Role, relation: Who) -> bool:
    state = State(row.state)
    allowed = state in rule.froms or (row.emergency and state in rule.emergency_froms)
    if not allowed or (row.suspended and not rule.suspended) or rule.command.NAME in _pointless(row):
        return False
    return relation in rule.by or role.value in rule.by


def _pointless(row: TicketRow) -> set[str]:
    """What the table allows, but would be refused for what the ticket is at the moment."""
    names = set() if row.suspended else {"resume"}
    return names if row.extension_until is None else names | {"request-extension"}
