"""THE lifecycle table: for every command, from which states, by whom, to which state, with which events.

Everything that depends on the lifecycle is derived from it: what `decide` accepts, the API's
permissions, the worklists and the diagram in the documentation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from domain import commands as c
from domain import events as e
from domain.errors import Conflict, Forbidden, Refused
from domain.events import Payload
from domain.regions import covers
from domain.ticket import Ticket
from domain.ticket_event import Actor
from domain.vocabulary import OPEN, UNRESOLVED, Level, Role, State


class Who(StrEnum):
    """Who may give a command: a role in its region, or a relation to the ticket."""

    RESIDENT = "resident"
    """The resident who placed it."""
    GRID_WORKER = "grid_worker"
    VILLAGE = "village"
    TOWNSHIP = "township"
    COUNTY = "county"
    PREFECTURE = "prefecture"
    DATA_PROTECTION = "data_protection"
    SYSTEM = "system"
    HOLDER = "holder"
    """The level and unit that holds the ticket."""
    SUPERIOR = "superior"
    """Any level above the one that holds it (a department's superiors are the centres)."""
    ANYONE = "anyone"
    """Everybody on the ticket: its resident, its holder, co-handlers, the officers of its region."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. `to` None: the state stays, or the row's event says where it goes."""

    command: type[c.Command]
    froms: frozenset[State]
    to: State | None
    by: frozenset[Who]
    events: tuple[type[Payload], ...]
    note: str
    suspended: bool = False
    """Whether it may be given while the ticket is suspended."""
    emergency_froms: frozenset[State] = frozenset()
    """Further states from which it may be given while an emergency flattens the command."""
    of_emergency: bool = False
    """Whether it only makes sense on a ticket for which an emergency is or was declared."""


Match = Callable[[Ticket, Actor], bool]
_RANK = {
    Level.GRID: 1,
    Level.VILLAGE: 2,
    Level.DEPARTMENT: 2,
    Level.TOWNSHIP: 3,
    Level.COUNTY: 4,
    Level.PREFECTURE: 5,
}
_LEVEL_OF = {
    Role.GRID_WORKER: Level.GRID,
    Role.VILLAGE: Level.VILLAGE,
    Role.TOWNSHIP: Level.TOWNSHIP,
    Role.DEPARTMENT: Level.DEPARTMENT,
    Role.COUNTY: Level.COUNTY,
    Role.PREFECTURE: Level.PREFECTURE,
}
_NOBODY_HOLDS_IT = 2  # a ticket without a holder is the township's and its superiors' to reopen


def _rule(
    command: type[c.Command],
    froms: set[State] | frozenset[State],
    to: State | None,
    by: set[Who],
    *events: type[Payload],
    note: str = "",
    suspended: bool = False,
    emergency_froms: frozenset[State] = frozenset(),
    of_emergency: bool = False,
) -> Rule:
    return Rule(
        command, frozenset(froms), to, frozenset(by), events, note, suspended, emergency_froms, of_emergency
    )


S, W = State, Who
_OFFICERS = {W.GRID_WORKER, W.VILLAGE, W.TOWNSHIP, W.COUNTY, W.PREFECTURE}
_WORKING = UNRESOLVED
_TABLE = (
    _rule(c.Place, set(), S.PLACED, {W.RESIDENT, *_OFFICERS}, e.OrderPlaced, note="channel recorded"),
    _rule(c.Verify, {S.PLACED}, S.VERIFIED, {W.GRID_WORKER}, e.OrderVerified),
    _rule(c.Reject, {S.PLACED, S.VERIFIED}, S.REJECTED, {W.VILLAGE}, e.OrderRejected),
    _rule(c.Issue, {S.VERIFIED}, S.ISSUED, {W.VILLAGE}, e.OrderIssued),
    _rule(
        c.Dispatch, {S.ISSUED}, S.DISPATCHED, {W.TOWNSHIP, W.COUNTY, W.PREFECTURE}, e.OrderDispatched,
        note="county or prefecture for cross-county matters, emergencies and after a second return",
        emergency_froms=frozenset({S.PLACED, S.VERIFIED}),
    ),
    _rule(c.Accept, {S.DISPATCHED}, S.ACCEPTED, {W.HOLDER}, e.OrderAccepted, note="names the first handler"),
    _rule(
        c.Return, {S.VERIFIED, S.ISSUED, S.DISPATCHED, S.ACCEPTED}, None, {W.HOLDER}, e.OrderReturned,
        note="one step back; to the county on the second return",
    ),
    _rule(c.Transfer, _WORKING, None, {W.HOLDER}, e.OrderTransferred, note="same step, another holder"),
    _rule(c.Assign, _WORKING | {S.RESOLVED}, None, {W.HOLDER}, e.FirstHandlerAssigned, suspended=True),
    _rule(c.AddCohandler, _WORKING, None, {W.HOLDER}, e.CoHandlerAdded, suspended=True),
    _rule(c.Progress, OPEN, None, {W.ANYONE}, e.ProgressNoted, suspended=True),
    _rule(c.Attach, OPEN, None, {W.ANYONE}, e.EvidenceAttached, suspended=True),
    _rule(
        c.Resolve, {S.VERIFIED, S.ISSUED, S.ACCEPTED}, S.RESOLVED, {W.HOLDER}, e.MatterResolved,
        note="what the grid or the village can solve ends there",
    ),
    _rule(c.Rework, {S.RESOLVED}, None, {W.GRID_WORKER}, e.ReworkOrdered, note="back to the resolver"),
    _rule(c.FeedBack, {S.RESOLVED}, S.FED_BACK, {W.GRID_WORKER}, e.ResultFedBack),
    _rule(
        c.Rate, {S.FED_BACK, S.MERGED}, S.CLOSED, {W.RESIDENT}, e.OrderRated, e.TicketClosed,
        note="a merged ticket keeps its rating and stays merged",
    ),
    _rule(c.LapseRating, {S.FED_BACK}, S.CLOSED, {W.SYSTEM}, e.RatingLapsed, e.TicketClosed),
    _rule(
        c.Reopen, {S.CLOSED}, None, {W.RESIDENT, W.SUPERIOR}, e.TicketReopened,
        note="to accepted or verified, cycle + 1; the resident within 15 days",
    ),
    _rule(c.Withdraw, _WORKING, S.WITHDRAWN, {W.RESIDENT}, e.OrderWithdrawn, suspended=True),
    _rule(c.Merge, _WORKING, S.MERGED, {W.TOWNSHIP}, e.TicketsMerged, note="into another open ticket"),
    _rule(c.Unmerge, {S.MERGED}, None, {W.TOWNSHIP}, e.TicketsUnmerged, note="back to where it was"),
    _rule(c.RequestExtension, _WORKING, None, {W.HOLDER}, e.ExtensionRequested, note="before expiry"),
    _rule(c.GrantExtension, _WORKING, None, {W.SUPERIOR}, e.ExtensionGranted),
    _rule(c.RefuseExtension, _WORKING, None, {W.SUPERIOR}, e.ExtensionRefused),
    _rule(c.Suspend, _WORKING, None, {W.SUPERIOR}, e.TicketSuspended, note="pauses the clock"),
    _rule(c.Resume, _WORKING, None, {W.SUPERIOR, W.HOLDER, W.SYSTEM}, e.TicketResumed, suspended=True),
    _rule(c.Reclassify, _WORKING, None, {W.HOLDER, W.SUPERIOR}, e.MatterReclassified),
    _rule(c.ReviseDeadlines, OPEN, None, {W.SYSTEM}, e.DeadlinesRevised, suspended=True),
    _rule(c.Urge, OPEN, None, {W.SUPERIOR, W.SYSTEM}, e.OrderUrged, suspended=True),
    _rule(c.Escalate, OPEN, None, {W.SUPERIOR, W.SYSTEM}, e.TicketEscalated, suspended=True),
    _rule(c.DeclareEmergency, _WORKING, None, {W.COUNTY, W.PREFECTURE}, e.EmergencyDeclared),
    _rule(c.StandDown, OPEN, None, {W.COUNTY, W.PREFECTURE}, e.EmergencyStoodDown),
    _rule(
        c.LogResponse, OPEN | {S.CLOSED}, None, {*_OFFICERS, W.HOLDER}, e.ResponseLogged, suspended=True,
        of_emergency=True, note="while an emergency is declared; the aftermath also when it is over",
    ),
    _rule(
        c.ErasePersonalData, frozenset(State), None, {W.DATA_PROTECTION}, e.PersonalDataErased, suspended=True
    ),
    _rule(c.Import, set(), None, {W.SYSTEM}, e.TicketImported, note="open or closed, as the source knew it"),
)  # fmt: skip
LIFECYCLE: Mapping[type[c.Command], Rule] = {rule.command: rule for rule in _TABLE}


def check(rule: Rule, ticket: Ticket | None, actor: Actor) -> None:
    """Refuse what the table does not allow, each reason with a stable `rule` name of its own."""
    if ticket is None:
        _check_newcomer(rule, actor)
        return
    _check_state(rule, ticket)
    for who in rule.by:
        if _MATCHES[who](ticket, actor):
            return
    raise Forbidden(_who_may(rule, actor), rule=_why_not(rule, ticket, actor))


def _check_newcomer(rule: Rule, actor: Actor) -> None:
    if rule.froms:
        raise Refused(f"{rule.command.NAME} needs a ticket", rule="no-ticket")
    if actor.role.value not in rule.by:
        raise Forbidden(_who_may(rule, actor), rule="wrong-role")


def _check_state(rule: Rule, ticket: Ticket) -> None:
    name = rule.command.NAME
    if not rule.froms:
        raise Conflict(f"ticket {ticket.number} exists already", version=ticket.version)
    allowed = ticket.state in rule.froms or (
        ticket.emergency_at is not None and ticket.state in rule.emergency_froms
    )
    if not allowed:
        states = ", ".join(sorted(rule.froms))
        raise Refused(f"{name} is possible from {states}; the ticket is {ticket.state}", rule="wrong-state")
    if ticket.suspended_at is not None and not rule.suspended:
        raise Refused(f"{name} has to wait: the ticket is suspended; resume it first", rule="suspended")


def _who_may(rule: Rule, actor: Actor) -> str:
    allowed = ", ".join(sorted(rule.by))
    return f"{rule.command.NAME} is for: {allowed}; not for {actor.role} of unit {actor.unit or '–'}"


def _why_not(rule: Rule, ticket: Ticket, actor: Actor) -> str:
    if actor.role.value in rule.by and actor.role is not Role.RESIDENT:
        return "outside-region"
    if actor.role is Role.RESIDENT and Who.RESIDENT in rule.by:
        return "not-your-ticket"
    if Who.HOLDER in rule.by and ticket.holder is not None:
        return "not-the-holder"
    return "not-a-superior" if Who.SUPERIOR in rule.by else "wrong-role"


def in_region(ticket: Ticket, actor: Actor) -> bool:
    """Whether the actor's unit covers the place of the ticket."""
    return actor.unit is not None and covers(actor.unit, ticket.grid or ticket.region)


def is_holder(ticket: Ticket, actor: Actor) -> bool:
    """Whether the actor acts for the level and unit that holds the ticket."""
    holder = ticket.holder
    if holder is None or actor.unit is None or _LEVEL_OF.get(actor.role) is not holder.level:
        return False
    return actor.unit == holder.unit or (
        holder.level is not Level.DEPARTMENT and covers(actor.unit, holder.unit)
    )


def is_superior(ticket: Ticket, actor: Actor) -> bool:
    """Whether the actor's level, in this region, is above the one that holds the ticket."""
    level = _LEVEL_OF.get(actor.role)
    if level is None or level is Level.DEPARTMENT:
        return False
    held = _RANK[ticket.holder.level] if ticket.holder else _NOBODY_HOLDS_IT
    return _RANK[level] > held and in_region(ticket, actor)


def _is_resident(ticket: Ticket, actor: Actor) -> bool:
    return actor.role is Role.RESIDENT and ticket.person is not None and actor.id == str(ticket.person)


def _is_on_it(ticket: Ticket, actor: Actor) -> bool:
    return (
        _is_resident(ticket, actor)
        or is_holder(ticket, actor)
        or actor.unit in ticket.cohandlers
        or (actor.role.value in _OFFICERS and in_region(ticket, actor))
    )


def _has_role(role: Role) -> Match:
    return lambda ticket, actor: actor.role is role and in_region(ticket, actor)


_MATCHES: Mapping[Who, Match] = {
    Who.RESIDENT: _is_resident,
    Who.HOLDER: is_holder,
    Who.SUPERIOR: is_superior,
    Who.ANYONE: _is_on_it,
    Who.SYSTEM: lambda _ticket, actor: actor.role is Role.SYSTEM,
    Who.DATA_PROTECTION: lambda _ticket, actor: actor.role is Role.DATA_PROTECTION,
    **{
        Who(role.value): _has_role(role)
        for role in (Role.GRID_WORKER, Role.VILLAGE, Role.TOWNSHIP, Role.COUNTY, Role.PREFECTURE)
    },
}


def permitted_commands(ticket: Ticket, actor: Actor) -> list[str]:
    """Name the commands that the table would let this actor give now: the basis of worklists and pages."""
    emergency = ticket.emergency_at is not None
    permitted = _open_to(
        relations(ticket, actor),
        ticket.state,
        emergency=emergency,
        calm=not emergency and ticket.stood_down_at is None,
        suspended=ticket.suspended_at is not None,
    )
    return list(permitted)


def relations(ticket: Ticket, actor: Actor) -> frozenset[Who]:
    """Say how an actor stands to a ticket: role and region, holder, superior, its resident."""
    return frozenset([who for who, matches in _MATCHES.items() if matches(ticket, actor)])


@cache
def _open_to(
    stands: frozenset[Who], state: State, *, emergency: bool, calm: bool, suspended: bool
) -> tuple[str, ...]:
    """The commands of the rows that are open in this situation; there are few situations."""
    return tuple(
        rule.command.NAME
        for rule in _TABLE
        if (state in rule.froms or (emergency and state in rule.emergency_froms))
        and (rule.suspended or not suspended)
        and not (calm and rule.of_emergency)
        and not rule.by.isdisjoint(stands)
    )


def superior_level(level: Level | None) -> Level:
    """Give the next level up; the prefecture is its own."""
    return {
        Level.GRID: Level.VILLAGE,
        Level.VILLAGE: Level.TOWNSHIP,
        Level.DEPARTMENT: Level.TOWNSHIP,
        Level.TOWNSHIP: Level.COUNTY,
        Level.COUNTY: Level.PREFECTURE,
        Level.PREFECTURE: Level.PREFECTURE,
        None: Level.TOWNSHIP,
    }[level]


def outranks(level: Level, other: Level | None) -> bool:
    """Whether a level is above another one, or above nobody's."""
    return _RANK[level] > (_RANK[other] if other else _NOBODY_HOLDS_IT)
