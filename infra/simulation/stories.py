"""Whole stories: what happens to a ticket in each state, until nothing more does or the time is up."""

from collections.abc import Mapping
from contextlib import suppress

from domain import commands as c
from domain.vocabulary import State
from infra.simulation.departments import at_the_centre, at_work, on_the_desk
from infra.simulation.doorstep import at_the_doorstep, in_the_village, reported
from infra.simulation.results import afterwards, asked, merged, on_site
from infra.simulation.scene import Scenario, Scene, Script, TimeIsUp

SCENARIOS: Mapping[State, Scenario] = {
    State.PLACED: at_the_doorstep,
    State.VERIFIED: in_the_village,
    State.ISSUED: at_the_centre,
    State.DISPATCHED: on_the_desk,
    State.ACCEPTED: at_work,
    State.RESOLVED: on_site,
    State.FED_BACK: asked,
    State.CLOSED: afterwards,
    State.MERGED: merged,
}


def one_matter(scene: Scene) -> Script:
    """A ticket from the report to its end."""
    yield from reported(scene)
    yield from _onward(scene)


def same_matter_twice(first: Scene, second: Scene) -> Script:
    """Two neighbours report the same; the township merges the tickets, now and then by mistake."""
    yield from reported(first)
    yield from reported(second)
    first.now = second.now
    township = first.place.township_officer
    with suppress(TimeIsUp):
        yield from second.by_officer(c.Merge(into=first.number), township, 0.3)
        first.now = second.now
        if second.chance.happens(second.rates.merge_undone):
            undo = c.Unmerge(reason="不是同一件事")
            yield from second.by_officer(undo, township, 2)
            first.now = second.now
    for scene in (first, second):
        with suppress(TimeIsUp):
            yield from _onward(scene)


def _onward(scene: Scene) -> Script:
    while not scene.left_alone and scene.ticket.state in SCENARIOS:
        yield from SCENARIOS[scene.ticket.state](scene)
