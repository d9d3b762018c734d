"""How often things happen, and how long they take.

All assumptions: published figures are few, so the values are chosen to look like a county's working day
and to give every command its turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.vocabulary import Channel, MatterClass


@dataclass(frozen=True, slots=True)
class Rates:
    """Probabilities per ticket and opportunity, and medians of how long a step takes, in hours."""

    # who reports
    by_resident: float = 0.68
    found_on_patrol: float = 0.12  # of those that an officer enters
    knows_grid: float = 0.75
    vague_category: float = 0.08
    urgent: float = 0.07
    same_matter_again: float = 0.03

    # the doorstep and the village
    withdraw: float = 0.02
    reject: float = 0.05
    not_urgent_after_all: float = 0.2
    cross_county: float = 0.02
    grid_solves_simple: float = 0.75
    grid_solves_other: float = 0.2
    grid_could_not: float = 0.05
    village_rejects: float = 0.02
    village_returns: float = 0.02
    village_solves: float = 0.3
    township_returns: float = 0.02
    township_solves: float = 0.06

    # the department
    first_return: float = 0.06
    second_return: float = 0.3
    wrong_department: float = 0.05
    passed_on: float = 0.03
    cohandler: float = 0.1
    other_handler: float = 0.05
    note: float = 0.5
    photo: float = 0.4
    extension: float = 0.12
    extension_granted: float = 0.65
    suspension: float = 0.05
    reclassified: float = 0.04
    urged: float = 0.06
    escalated_when_late: float = 0.8
    escalated_when_stage_late: float = 0.2

    # the result
    rework: float = 0.06
    rated: float = 0.7
    unsolved: float = 0.09
    reopened_by_resident: float = 0.5
    reopened_by_superior: float = 0.005
    merge_undone: float = 0.2
    merged_rates: float = 0.4

    # how long it takes
    left_lying: float = 0.04  # an order that nobody looks at for many times as long as usual
    left_lying_times: float = 12.0
    verify_hours: float = 0.8
    desk_hours: float = 0.6
    solved_nearby_hours: float = 1.5
    accept_hours: float = 2.0
    check_hours: float = 1.5
    answer_hours: float = 2.0


CHANNELS: Mapping[Channel, float] = {
    Channel.WECHAT: 0.46,
    Channel.PHONE: 0.3,
    Channel.APP: 0.14,
    Channel.WEB: 0.1,
}
OFFICE_CHANNELS: Mapping[Channel, float] = {Channel.PHONE: 0.55, Channel.VISIT: 0.45}
WORK_HOURS: Mapping[MatterClass, float] = {
    MatterClass.SIMPLE: 5,
    MatterClass.GENERAL: 20,
    MatterClass.LARGER: 70,
    MatterClass.DIFFICULT: 240,
    MatterClass.CROSS_COUNTY: 480,
}
"""Median time from acceptance to the result, by class: about one in ten is late."""
SCORES: Mapping[int, float] = {5: 0.58, 4: 0.27, 3: 0.1, 2: 0.03, 1: 0.02}
BAD_SCORES: Mapping[int, float] = {1: 0.55, 2: 0.35, 3: 0.1}
HOURS: tuple[float, ...] = (
    0.3, 0.2, 0.1, 0.1, 0.1, 0.3, 1.0, 2.5, 5.5, 8.0, 8.2, 6.5, 4.0, 4.5, 6.5, 7.5, 7.0, 5.5, 4.5, 4.2, 4.0,
    3.0, 1.5, 0.7,
)  # fmt: skip
"""How many matters are reported in each hour of the day, Chinese time."""
