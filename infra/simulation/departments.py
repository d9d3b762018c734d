"""From the centre to the result: dispatching, accepting, the work itself and what gets in its way."""

from datetime import timedelta
from hashlib import sha256

from domain import commands as c
from domain.vocabulary import Level, MatterClass, Outcome
from infra.simulation.linxia import PREFECTURE_OFFICER, SYSTEM
from infra.simulation.matters import DONE, GOING_ON, other_department
from infra.simulation.rates import WORK_HOURS
from infra.simulation.scene import Scene, Script

_HOUR = timedelta(hours=1)
_OUTCOMES = {
    Outcome.SOLVED: 0.84,
    Outcome.PARTLY_SOLVED: 0.07,
    Outcome.EXPLAINED: 0.06,
    Outcome.NOT_FEASIBLE: 0.03,
}
_OTHER_CLASS = {
    MatterClass.SIMPLE: MatterClass.GENERAL,
    MatterClass.GENERAL: MatterClass.LARGER,
    MatterClass.LARGER: MatterClass.GENERAL,
    MatterClass.DIFFICULT: MatterClass.LARGER,
}


def at_the_centre(scene: Scene) -> Script:
    """派单: by the township; by the county or the prefecture where the matter is theirs."""
    chance, rates, place = scene.chance, scene.rates, scene.place
    holder = scene.ticket.holder
    name = scene.matter.department
    if scene.ticket.returns or scene.once("wrong-department", rates.wrong_department):
        name = other_department(chance, name) if scene.ticket.returns < 2 else name
    dispatch = c.Dispatch(department=place.department(name))
    if holder is None or holder.level is not Level.TOWNSHIP:
        higher = PREFECTURE_OFFICER if chance.happens(0.2) else place.county_officer
        yield from scene.by_officer(dispatch, higher, rates.desk_hours * 1.5)
    elif scene.once("township-return", rates.township_returns):
        back = c.Return(reason="村里可以解决，退回村里办理")
        yield from scene.by_officer(back, place.township_officer, rates.desk_hours)
    elif chance.happens(rates.township_solves):
        yield from scene.by_officer(
            c.Resolve(words=chance.pick(DONE)), place.township_officer, rates.solved_nearby_hours
        )
    else:
        yield from scene.by_officer(dispatch, place.township_officer, rates.desk_hours)


def on_the_desk(scene: Scene) -> Script:
    """接单, or it is returned or passed on."""
    rates, ticket = scene.rates, scene.ticket
    often = rates.second_return if ticket.returns else rates.first_return
    if not ticket.binding and not scene.emergency and scene.once(f"return-{ticket.returns}", often):
        back = c.Return(reason="不属于本部门职责")
        yield from scene.by_officer(back, scene.holder(), rates.accept_hours)
        return
    if scene.once("transfer", rates.passed_on):
        yield from _passed_on(scene)
    officer = scene.holder()
    yield from scene.by_officer(c.Accept(first_handler=officer.id), officer, rates.accept_hours)


def _passed_on(scene: Scene) -> Script:
    held = scene.holder().unit
    units = [scene.place.department(other_department(scene.chance, scene.matter.department)) for _ in "123"]
    other = next((unit for unit in units if unit != held), None)
    if other is not None:
        transfer = c.Transfer(to_unit=other, reason="转由主管部门办理")
        yield from scene.by_officer(transfer, scene.holder(), 1)


def at_work(scene: Scene) -> Script:
    """办理: notes, evidence, company, delays, until it is done."""
    for happening in (_company, _another_handler, _another_class, _more_time, _standstill, _notes, _urged):
        yield from happening(scene)
    matter_class = scene.ticket.matter_class or MatterClass.GENERAL
    median = 3 if scene.emergency else WORK_HOURS[matter_class]
    done_at = scene.now + scene.chance.around(median, 1.0) * _HOUR
    due = scene.ticket.deadlines.resolve_due if scene.ticket.deadlines else None
    if (
        due is not None
        and scene.now < due < done_at
        and scene.chance.happens(scene.rates.escalated_when_late)
    ):
        late = due + timedelta(minutes=1)
        yield from scene.give(c.Escalate(reason="超过办理时限"), SYSTEM, late)
        yield from scene.by_officer(c.Urge(words="请尽快办结。"), scene.place.county_officer, 1)
    resolve = c.Resolve(outcome=scene.chance.weighted(_OUTCOMES), words=scene.chance.pick(DONE))
    scene.now = max(scene.now, done_at)
    yield from scene.by_officer(resolve, scene.holder(), 0.1)


def _company(scene: Scene) -> Script:
    if scene.once("cohandler", scene.rates.cohandler):
        unit = scene.place.department(other_department(scene.chance, scene.matter.department))
        if unit != scene.holder().unit:
            yield from scene.by_officer(c.AddCohandler(unit=unit), scene.holder(), 1)


def _another_handler(scene: Scene) -> Script:
    if scene.chance.happens(scene.rates.other_handler):
        other = scene.holder()
        yield from scene.by_officer(c.Assign(first_handler=other.id), other, 1.5)


def _another_class(scene: Scene) -> Script:
    other = _OTHER_CLASS.get(scene.ticket.matter_class or MatterClass.GENERAL)
    if other is not None and scene.once("class", scene.rates.reclassified):
        command = c.Reclassify(matter_class=other, reason="研判后调整类别")
        yield from scene.by_officer(command, scene.holder(), 2)


def _more_time(scene: Scene) -> Script:
    """申请延期: before expiry, within what the class allows, decided by the township."""
    ticket, rules = scene.ticket, scene.rules
    terms = rules.terms(ticket.region, ticket.category)
    limit = terms.extension.get(ticket.matter_class or MatterClass.GENERAL)
    due = ticket.deadlines.resolve_due if ticket.deadlines else None
    ask = scene.now + scene.chance.around(4, 0.5) * _HOUR
    if due is None or not limit or scene.emergency or ask >= due or ticket.extended:
        return
    if not scene.once("extension", scene.rates.extension):
        return
    latest = rules.working_time(ticket.region).add(due, limit.amount, limit.unit).at
    until = due + (latest - due) * (0.3 + 0.7 * scene.chance.share())
    wanted = c.RequestExtension(until=until, reason="需要等待材料")
    yield from scene.give(wanted, scene.holder(), ask)
    township = scene.place.township_officer
    if scene.chance.happens(scene.rates.extension_granted):
        yield from scene.by_officer(c.GrantExtension(), township, 2)
    else:
        yield from scene.by_officer(c.RefuseExtension(reason="可以按期办结"), township, 2)


def _standstill(scene: Scene) -> Script:
    if not scene.emergency and scene.once("suspension", scene.rates.suspension):
        yield from scene.by_officer(
            c.Suspend(reason="当事人外出，暂时无法办理"), scene.place.township_officer, 2
        )
        yield from scene.by_officer(c.Resume(), scene.holder(), 6)


def _notes(scene: Scene) -> Script:
    if scene.chance.happens(scene.rates.note):
        yield from scene.by_officer(c.Progress(words=scene.chance.pick(GOING_ON)), scene.holder(), 2)
    if scene.chance.happens(scene.rates.photo):
        digest = sha256(f"{scene.number}/{scene.ticket.version}".encode()).hexdigest()
        size = scene.chance.whole(80_000, 4_000_000)
        photo = c.Attach(media_type="image/jpeg", sha256=digest, size_bytes=size)
        yield from scene.by_officer(photo, scene.holder(), 0.2)


def _urged(scene: Scene) -> Script:
    if scene.chance.happens(scene.rates.urged):
        yield from scene.by_officer(c.Urge(words="请加快办理。"), scene.place.township_officer, 3)
