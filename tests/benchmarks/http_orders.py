"""The six orders as HTTP requests."""

from typing import NamedTuple

from domain.ticket_event import Actor
from infra.tickets import new_event_id
from tests.benchmarks.http_client import Connection, Reply, post
from tests.benchmarks.orders import Order, journey


class Prepared(NamedTuple):
    """A request but for its number and its idempotency key."""

    name: str
    identity: bytes
    body: bytes

    def message(self, number: str) -> bytes:
        """Write the request for a ticket; without a number it places one."""
        path = f"/v1/tickets/{number}/{self.name}" if number else "/v1/tickets"
        return post(
            path, b"%sIdempotency-Key: %s\r\n" % (self.identity, str(new_event_id()).encode()), self.body
        )


def prepared(serial: int) -> list[Prepared]:
    """Write down the requests of one ticket."""
    return [_prepare(order) for order in journey(serial)]


async def walk(connection: Connection, requests: list[Prepared], number: str = "") -> int:
    """Take a ticket through its orders over one connection; gives how many were refused."""
    refused = 0
    for request in requests:
        reply = await connection.request(request.message(number if request.name != "place" else ""))
        refused += reply.status >= 300
        number = number_of(reply) or number
    return refused


def number_of(reply: Reply) -> str | None:
    """Give the number of the ticket that was placed."""
    return reply.location.rpartition("/")[2] if reply.location else None


def _prepare(order: Order) -> Prepared:
    body = order.command.model_dump_json(exclude_unset=True).encode()
    return Prepared(order.command.NAME, _identity(order.actor), body)


def _identity(actor: Actor) -> bytes:
    unit = f"X-Liudan-Unit: {actor.unit}\r\n" if actor.unit else ""
    return f"X-Liudan-Actor: {actor.id}\r\nX-Liudan-Role: {actor.role}\r\n{unit}".encode()
