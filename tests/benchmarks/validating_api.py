"""The other side of the HTTP measure: `python -m tests.benchmarks.validating_api HOME PORT`.

The product's own application, middleware, error handlers, routes and server; but every command's endpoint
is an ordinary FastAPI one that has its body validated by the command's model, and does nothing with it.
"""

import sys
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.app import create_app
from api.command import parts_of
from api.command_routes import BY_NUMBER, DirectRoute
from api.server import serve
from domain.commands import COMMANDS, Command, Place
from infra.bootstrap import Installation

Endpoint = Callable[..., Awaitable[dict[str, bool]]]


def only_validate(app: FastAPI) -> None:
    """Put a validating endpoint in the place of every command's own."""
    for index, route in enumerate(app.router.routes):
        if isinstance(route, DirectRoute):
            app.router.routes[index] = APIRoute(
                route.path, _endpoint(route.path), methods=["POST"], status_code=HTTPStatus.CREATED
            )


def _endpoint(path: str) -> Endpoint:
    name = path.rpartition("/")[2]
    if name in BY_NUMBER:
        return _on_ticket(COMMANDS[name])

    async def place(body: Place) -> dict[str, bool]:
        return {"valid": True}

    return place


def _on_ticket(model: type[Command]) -> Endpoint:
    async def validate(number: str, body: Command) -> dict[str, bool]:
        return {"valid": True}

    validate.__annotations__["body"] = model
    return validate


def main(home: str, port: str) -> None:
    with Installation.at(Path(home)) as parts:
        app = create_app(parts_of(parts), dev_identity=True)
        only_validate(app)
        serve(app, "127.0.0.1", int(port))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
