"""From the result to the end: checked on site, fed back, rated or not, and perhaps not the end."""

from datetime import timedelta

from domain import commands as c
from domain.vocabulary import ResponseKind
from infra.simulation.linxia import SYSTEM
from infra.simulation.matters import COMPLAINTS, THANKS, TOLD
from infra.simulation.rates import BAD_SCORES, SCORES
from infra.simulation.scene import Scene, Script


def on_site(scene: Scene) -> Script:
    """反馈, after the grid worker has looked whether it is really done."""
    chance, rates, worker = scene.chance, scene.rates, scene.place.grid_worker
    if scene.ticket.emergency_at is not None:
        yield from scene.by_officer(c.StandDown(words="险情已经排除。"), scene.place.county_officer, 3)
        scene.emergency = False
        aftermath = c.LogResponse(kind=ResponseKind.AFTERMATH, words="现场已清理，住户已返回。")
        yield from scene.by_officer(aftermath, scene.place.county_officer, 2)
    if scene.once("rework", rates.rework):
        rework = c.Rework(reason="现场查看，没有处理到位")
        yield from scene.by_officer(rework, worker, rates.check_hours)
    else:
        yield from scene.by_officer(c.FeedBack(words=chance.pick(TOLD)), worker, rates.check_hours)


def asked(scene: Scene) -> Script:
    """评单; silence lapses after the rating period and is no answer."""
    if scene.placed_by_resident and scene.chance.happens(scene.rates.rated):
        yield from scene.by_resident(_rating(scene), scene.rates.answer_hours)
        return
    due = scene.ticket.deadlines.rating_due if scene.ticket.deadlines else None
    if due is None:
        raise LookupError(f"{scene.number} was fed back without a time for rating")
    yield from scene.give(c.LapseRating(), SYSTEM, due + timedelta(minutes=scene.chance.whole(1, 9)))


def _rating(scene: Scene) -> c.Rate:
    chance = scene.chance
    if chance.happens(scene.rates.unsolved):
        return c.Rate(solved=False, score=chance.weighted(BAD_SCORES), words=chance.pick(COMPLAINTS))
    words = chance.pick(THANKS) if chance.happens(0.6) else None
    return c.Rate(solved=True, score=chance.weighted(SCORES), words=words)


def afterwards(scene: Scene) -> Script:
    """重启: closed is not fixed; otherwise it is left alone."""
    rates, ticket = scene.rates, scene.ticket
    if ticket.solved is False and scene.once("reopening", rates.reopened_by_resident):
        reopen = c.Reopen(reason="问题没有解决", words=scene.chance.pick(COMPLAINTS))
        yield from scene.by_resident(reopen, 2)
    elif scene.once("reopening-from-above", rates.reopened_by_superior):
        reopen = c.Reopen(reason="抽查发现没有办结")
        yield from scene.by_officer(reopen, scene.place.township_officer, 5)
    else:
        scene.left_alone = True


def merged(scene: Scene) -> Script:
    """并单: the resident may still say what they think; then it is left alone."""
    if scene.placed_by_resident and scene.chance.happens(scene.rates.merged_rates):
        yield from scene.by_resident(_rating(scene), 24)
    scene.left_alone = True
