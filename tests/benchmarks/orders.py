"""The work that is measured: tickets that go through all six orders, as the doors give it to the product."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from domain import commands as c
from domain.numbers import TicketNumber
from domain.regions import Region
from domain.ticket_event import Actor
from domain.vocabulary import Channel, Role
from infra.tickets import Answer, Request, new_event_id

Handle = Callable[[Request], Awaitable[Answer]]


class Order(NamedTuple):
    """One command and who gives it."""

    command: c.Command
    actor: Actor


COUNTIES = (
    "622901", "622921", "622922", "622923", "622924", "622925", "622926", "622927",  # Linxia
    "620102", "620103", "620104", "620105", "620111", "620121", "620122", "620123",  # Lanzhou
)  # fmt: skip
"""Several, because a county's numbers of one day are few: after thousands of tickets some are drawn twice."""


def _after_placing(county: str) -> tuple[Order, ...]:
    village, township = f"{county}001001", f"{county}001"
    roads = f"dept:{county}:roads"
    grid_worker = Actor("officer:grid", Role.GRID_WORKER, village)
    department = Actor("officer:roads", Role.DEPARTMENT, roads)
    return (
        Order(c.Verify(), grid_worker),
        Order(c.Issue(), Actor("officer:village", Role.VILLAGE, village)),
        Order(c.Dispatch(department=roads), Actor("officer:township", Role.TOWNSHIP, township)),
        Order(c.Accept(first_handler="officer:roads"), department),
        Order(c.Resolve(), department),
        Order(c.FeedBack(), grid_worker),
    )


_AFTER_PLACING = {county: _after_placing(county) for county in COUNTIES}
COMMANDS_A_JOURNEY = 8
EVENTS_A_JOURNEY = COMMANDS_A_JOURNEY + 1
"""Rating a ticket also closes it."""


def journey(serial: int) -> tuple[Order, ...]:
    """Give the orders of one ticket: a resident of its own, who says who they are and what is wrong."""
    county = COUNTIES[serial % len(COUNTIES)]
    resident = Actor(f"wechat:{serial}", Role.RESIDENT)
    place = c.Place(
        region=Region(f"{county}001001"),
        category="roads.surface",
        channel=Channel.WECHAT,
        name="马小明",
        contact=f"139{serial:08d}",
        address="临夏市城关镇红园路12号门前",
        words="门口的路面有一个很大的坑，晚上看不见，很危险，请尽快处理。",
    )
    return (Order(place, resident), *_AFTER_PLACING[county], Order(c.Rate(solved=True, score=5), resident))


async def walk(handle: Handle, orders: Sequence[Order]) -> TicketNumber:
    """Take a ticket through its orders, each given when the one before is answered."""
    number: TicketNumber | None = None
    for command, actor in orders:
        number = (await handle(Request(command, actor, new_event_id(), number))).ticket.number
    assert number is not None
    return number
