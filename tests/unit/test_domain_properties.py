"""Any sequence of commands, by anybody, at any pace: the lifecycle's invariants hold."""

from datetime import timedelta

from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.cloudevent import MAX_BYTES, decode, encode
from domain.errors import Refused
from domain.evolve import fold
from domain.lifecycle import LIFECYCLE, permitted_commands
from domain.ticket import Ticket
from domain.vocabulary import (
    ENDED,
    MatterClass,
    Outcome,
    RejectReason,
    ResponseKind,
    Role,
    State,
    Urgency,
    Weight,
)
from tests.journeys import ACTORS, HAPPY_PATH, ROADS, START, walked

reasons = st.just("because")
DUES = st.integers(1, 40).map(lambda days: START + timedelta(days=days))
STRATEGIES: dict[str, st.SearchStrategy[c.Command]] = {
    "verify": st.builds(
        c.Verify,
        weight=st.sampled_from(Weight),
        cross_county=st.booleans(),
        solvable_in_grid=st.booleans(),
        urgency=st.none() | st.sampled_from(Urgency),
    ),
    "reject": st.builds(c.Reject, reason=st.sampled_from(RejectReason)),
    "dispatch": st.builds(c.Dispatch, department=st.sampled_from([ROADS, "dept:water"])),
    "transfer": st.builds(c.Transfer, to_unit=st.sampled_from(["dept:water", ROADS]), reason=reasons),
    "resolve": st.builds(c.Resolve, outcome=st.sampled_from(Outcome)),
    "rate": st.builds(c.Rate, solved=st.booleans(), score=st.integers(1, 5)),
    "request-extension": st.builds(c.RequestExtension, until=DUES, reason=reasons),
    "reclassify": st.builds(c.Reclassify, matter_class=st.sampled_from(MatterClass), reason=reasons),
    "revise-deadlines": st.builds(
        c.ReviseDeadlines, resolve_due=DUES, policy=st.just("default-2"), reason=reasons
    ),
    "log-response": st.builds(c.LogResponse, kind=st.sampled_from(ResponseKind), words=st.just("seen")),
    "attach": st.just(c.Attach(media_type="image/png", sha256="0" * 64, size_bytes=1)),
} | {
    command.NAME: st.just(command)
    for command in (
        c.Issue(), c.Accept(first_handler="officer:1"), c.Return(reason="x"), c.Assign(first_handler="o"),
        c.AddCohandler(unit="dept:power"), c.Progress(words="seen"), c.Rework(reason="x"), c.FeedBack(),
        c.LapseRating(), c.Reopen(reason="x"), c.Withdraw(), c.GrantExtension(),
        c.RefuseExtension(reason="x"), c.Suspend(reason="x"), c.Resume(), c.Urge(), c.Escalate(reason="x"),
        c.DeclareEmergency(reason="x"), c.StandDown(), c.ErasePersonalData(reason="x"),
    )
}  # fmt: skip
FURTHER = st.one_of(*STRATEGIES.values())
ORDERS = st.sampled_from(HAPPY_PATH[1:])


def next_step(data: st.DataObject, ticket: Ticket) -> tuple[c.Command, Role]:
    """Mostly something that the table allows somebody now, sometimes anything by anybody."""
    role = data.draw(st.sampled_from(Role))
    allowed = set(permitted_commands(ticket, ACTORS[role]))
    likely = [command for command, _ in HAPPY_PATH[1:] if command.NAME in allowed]
    on_the_path: bool = data.draw(st.booleans())
    if likely and on_the_path:
        return likely[0], role
    if allowed & set(STRATEGIES) and data.draw(st.integers(0, 9)) < 8:
        name = data.draw(st.sampled_from(sorted(allowed & set(STRATEGIES))))
        return data.draw(STRATEGIES[name]), role
    return data.draw(ORDERS | st.tuples(FURTHER, st.just(role)))


def check_invariants(ticket: Ticket) -> None:
    if ticket.state in ENDED:
        assert ticket.end is not None
        assert ticket.closed_at is not None
        assert ticket.suspended_at is None
    else:
        assert ticket.end is None
        assert (ticket.holder is None) == (ticket.state is State.FED_BACK)
        assert ticket.deadlines is not None
        assert ticket.deadlines.resolve_due is not None
    assert (ticket.resolved_at is not None) >= (ticket.state in {State.RESOLVED, State.FED_BACK})
    assert (ticket.score is None) or ticket.state in {State.CLOSED, State.MERGED}
    assert ticket.returns <= 2 or not ticket.binding


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_accepted_commands_keep_the_invariants_and_replay_equals_live(data: st.DataObject) -> None:
    journey = walked(data.draw(st.integers(1, len(HAPPY_PATH))))
    for seconds in data.draw(st.lists(st.integers(0, 100_000), max_size=25)):
        before, known = journey.ticket, len(journey.events)
        assert before is not None
        command, role = next_step(data, before)
        permitted = command.NAME in permitted_commands(before, ACTORS[role])
        try:
            after = journey.give(command, role, timedelta(seconds=seconds))
        except Refused:
            assert journey.ticket is before
            assert len(journey.events) == known
            continue
        assert permitted
        assert after.version == before.version + len(journey.events) - known
        rule = LIFECYCLE[type(command)]
        assert tuple(type(event.payload) for event in journey.events[known:]) == rule.events
        assert rule.to is None or after.state is rule.to
        check_invariants(after)
        note(f"reached {after.state}")
    encoded = [encode(event) for event in journey.events]
    assert max(map(len, encoded)) < MAX_BYTES
    decoded = [decode(item) for item in encoded]
    assert decoded == journey.events
    assert fold(None, decoded) == journey.ticket
    assert [event.sequence for event in decoded] == list(range(1, len(decoded) + 1))
