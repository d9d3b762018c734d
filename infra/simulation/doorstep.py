"""From the report to the township: placing, verifying, rejecting, issuing, and what ends there."""

from domain import commands as c
from domain.vocabulary import Channel, Level, MatterClass, RejectReason, ResponseKind, Urgency, Weight
from infra.simulation.matters import DONE, FOUND, GOING_ON
from infra.simulation.rates import CHANNELS, OFFICE_CHANNELS
from infra.simulation.scene import Scene, Script

_WEIGHTS = {Weight.LIGHT: 0.15, Weight.ORDINARY: 0.75, Weight.HEAVY: 0.1}
_REASONS = {
    RejectReason.NOT_REAL: 0.35,
    RejectReason.DUPLICATE: 0.25,
    RejectReason.OUT_OF_SCOPE: 0.2,
    RejectReason.TOO_VAGUE: 0.15,
    RejectReason.IN_LITIGATION: 0.05,
}


def reported(scene: Scene) -> Script:
    """点单, by the resident or by an officer on their behalf, or found on patrol."""
    chance, rates, resident = scene.chance, scene.rates, scene.resident
    vague = chance.happens(rates.vague_category)
    place = c.Place(
        region=scene.place.village,
        grid=scene.place.grid if chance.happens(rates.knows_grid) else None,
        category="other" if vague else scene.matter.category,
        urgency=Urgency.URGENT if scene.emergency or chance.happens(rates.urgent) else Urgency.NORMAL,
        channel=chance.weighted(CHANNELS if scene.placed_by_resident else OFFICE_CHANNELS),
        name=resident.name,
        contact=resident.contact,
        address=resident.address,
        words=chance.pick(scene.matter.said),
    )
    actor = resident.actor
    if not scene.placed_by_resident:
        found = chance.happens(rates.found_on_patrol / (1 - rates.by_resident))
        actor = scene.place.grid_worker if found else scene.place.township_officer
        if found:
            place = place.model_copy(update={"channel": Channel.PATROL, "name": None, "contact": None})
    return scene.give(place, actor, scene.now)


def at_the_doorstep(scene: Scene) -> Script:
    """核单: the grid worker goes and looks, unless it is taken back or not taken before."""
    chance, rates, place = scene.chance, scene.rates, scene.place
    if scene.emergency:
        yield from _flattened(scene)
    elif scene.placed_by_resident and scene.once("withdrawal", rates.withdraw):
        yield from scene.by_resident(c.Withdraw(words="问题已经自己解决了，撤回。"), 0.5)
    elif scene.once("rejection", rates.reject):
        reason = chance.weighted(_REASONS)
        yield from scene.by_officer(c.Reject(reason=reason), place.village_officer, rates.verify_hours)
    else:
        yield from scene.by_officer(_verified(scene), place.grid_worker, rates.verify_hours)


def _verified(scene: Scene) -> c.Verify:
    chance, rates, ticket = scene.chance, scene.rates, scene.ticket
    weight = chance.weighted(_WEIGHTS)
    simple = ticket.matter_class is MatterClass.SIMPLE and weight is not Weight.HEAVY
    solves = rates.grid_solves_simple if simple else rates.grid_solves_other
    calm = ticket.urgency is Urgency.URGENT and chance.happens(rates.not_urgent_after_all)
    return c.Verify(
        category=scene.matter.category,
        weight=weight,
        urgency=Urgency.NORMAL if calm else None,
        cross_county=scene.cross_county,
        grid=scene.place.grid,
        solvable_in_grid=not scene.cross_county and chance.happens(solves),
        words=chance.pick(FOUND),
    )


def _flattened(scene: Scene) -> Script:
    """转急: the county declares the emergency, warns, dispatches straight to the department and instructs."""
    county = scene.place.county_officer
    yield from scene.by_officer(c.DeclareEmergency(reason="险情，需要立即处置"), county, 0.4)
    warning = c.LogResponse(kind=ResponseKind.WARNING, words="已提醒周边住户远离现场。")
    yield from scene.by_officer(warning, county, 0.2)
    department = scene.place.department(scene.matter.department)
    yield from scene.by_officer(c.Dispatch(department=department), county, 0.3)
    instruction = c.LogResponse(kind=ResponseKind.INSTRUCTION, words="立即到场处置，每小时报告一次进展。")
    yield from scene.by_officer(instruction, county, 0.2)


def in_the_village(scene: Scene) -> Script:
    """What grid or village can solve ends there; the rest is issued upward 下单."""
    holder = scene.ticket.holder
    if holder is not None and holder.level is Level.GRID:
        yield from _in_the_grid(scene)
        return
    chance, rates, village = scene.chance, scene.rates, scene.place.village_officer
    if scene.once("village-rejection", rates.village_rejects):
        yield from scene.by_officer(c.Reject(reason=RejectReason.OUT_OF_SCOPE), village, rates.desk_hours)
    elif scene.once("village-return", rates.village_returns):
        back = c.Return(reason="情况没有写清楚，请网格员再核实")
        yield from scene.by_officer(back, village, rates.desk_hours)
    elif not scene.cross_county and chance.happens(rates.village_solves):
        yield from scene.by_officer(c.Resolve(words=chance.pick(DONE)), village, rates.solved_nearby_hours)
    else:
        yield from scene.by_officer(c.Issue(), village, rates.desk_hours)


def _in_the_grid(scene: Scene) -> Script:
    chance, rates, worker = scene.chance, scene.rates, scene.place.grid_worker
    if scene.once("grid-could-not", rates.grid_could_not):
        yield from scene.by_officer(c.Issue(), scene.place.village_officer, rates.solved_nearby_hours)
        return
    if chance.happens(rates.note / 2):
        yield from scene.by_officer(c.Progress(words=chance.pick(GOING_ON)), worker, rates.desk_hours)
    yield from scene.by_officer(c.Resolve(words=chance.pick(DONE)), worker, rates.solved_nearby_hours)
