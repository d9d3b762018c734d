"""One process that serves the API over HTTP/1.1."""

import socket

import uvicorn
from fastapi import FastAPI

from domain.errors import Invalid
from infra.garbage import calm_garbage_collection

GRACE_SECONDS = 10
"""How long running requests may take to end after a signal to stop."""
KEEP_ALIVE_SECONDS = 75
"""How long a connection may rest: longer than most clients keep one, so that it is they who hang up."""
_BACKLOG = 2048


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve until a signal says stop, then finish what is running. Raises Invalid for a port in use."""
    listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    calm_garbage_collection()
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before anything is started, so that what is wrong with it is said plainly."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Invalid(f"{host} is not an address to listen on: {error.strerror}", field="host") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise Invalid(
            f"{host}:{port} cannot be listened on ({error.strerror}); free it or take another port",
            field="port",
        ) from error
    return listening
