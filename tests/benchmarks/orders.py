"""The work that is measured: tickets that go through all six orders, as the doors give it to the product."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from domain import commands as c
from domain.events import Actor
from domain.numbers import TicketNumber
from domain.vocabulary import Channel, Role
from infra.tickets import Answer, Request, new_event_id
from tests.journeys import ACTORS, ROADS, VILLAGE

Handle = Callable[[Request], Awaitable[Answer]]


class Order(NamedTuple):
    """One command and who gives it."""

    command: c.Command
    actor: Actor


AFTER_PLACING = (
    Order(c.Verify(), ACTORS[Role.GRID_WORKER]),
    Order(c.Issue(), ACTORS[Role.VILLAGE]),
    Order(c.Dispatch(department=ROADS), ACTORS[Role.TOWNSHIP]),
    Order(c.Accept(first_handler="officer:roads"), ACTORS[Role.DEPARTMENT]),
    Order(c.Resolve(), ACTORS[Role.DEPARTMENT]),
    Order(c.FeedBack(), ACTORS[Role.GRID_WORKER]),
)
COMMANDS_A_JOURNEY = len(AFTER_PLACING) + 2
EVENTS_A_JOURNEY = COMMANDS_A_JOURNEY + 1
"""Rating a ticket also closes it."""


def journey(serial: int) -> tuple[Order, ...]:
    """Give the orders of one ticket: a resident of its own, who says who they are and what is wrong."""
    resident = Actor(f"wechat:{serial}", Role.RESIDENT)
    place = c.Place(
        region=VILLAGE,
        category="roads.surface",
        channel=Channel.WECHAT,
        name="马小明",
        contact=f"139{serial:08d}",
        address="临夏市城关镇红园路12号门前",
        words="门口的路面有一个很大的坑，晚上看不见，很危险，请尽快处理。",
    )
    return (Order(place, resident), *AFTER_PLACING, Order(c.Rate(solved=True, score=5), resident))


async def walk(handle: Handle, serial: int) -> TicketNumber:
    """Take a ticket through its six orders, each given when the one before is answered."""
    number: TicketNumber | None = None
    for command, actor in journey(serial):
        number = (await handle(Request(command, actor, new_event_id(), number))).ticket.number
    assert number is not None
    return number
