"""When things happen: few matters at night, and few officers."""

from bisect import bisect
from datetime import datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from infra.simulation.chance import Chance
from infra.simulation.rates import HOURS

CHINA = ZoneInfo("Asia/Shanghai")
_HOUR = timedelta(hours=1)
_MORNING, _EVENING = 7, 22


def placing_times(chance: Chance, count: int, until: datetime, days: int) -> list[datetime]:
    """Choose when `count` matters are reported in the `days` before `until`; in order."""
    start = until - timedelta(days=days)
    slots = [start + n * _HOUR for n in range(days * 24)]
    sums = list(accumulate(HOURS[slot.astimezone(CHINA).hour] for slot in slots))
    drawn = (bisect(sums, chance.share() * sums[-1]) for _ in range(count))
    return sorted(slots[slot] + chance.share() * _HOUR for slot in drawn)


def next_on_duty(moment: datetime, chance: Chance) -> datetime:
    """Move what would fall into the night to the next morning."""
    local = moment.astimezone(CHINA)
    if _MORNING <= local.hour < _EVENING:
        return moment
    morning = local.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    if local.hour >= _EVENING:
        morning += timedelta(days=1)
    return (morning + chance.around(0.7, 0.6) * _HOUR).astimezone(moment.tzinfo)
