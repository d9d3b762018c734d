"""Clients that give commands over HTTP, and repeat with the same id whatever was not answered."""

import random
import threading
import time
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx

from domain.commands import Command, Place
from domain.ticket_event import Actor
from tests.e2e.story import STEPS, Acknowledged

_PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.05


class HttpLoad:
    """Several clients, each leading one ticket after another through the story, until left."""

    def __init__(self, url: str, seed: int, *, clients: int = 4) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[str] = []
        self.waited_longest_seconds = 0.0
        self._url = url
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._run, args=(random.Random(f"{seed}/{number}"),), name=f"client-{number}"
            )
            for number in range(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, chance: random.Random) -> None:
        with httpx.Client(base_url=self._url, timeout=10) as client:
            while not self._stop.is_set() and not self.refused:
                number = ""
                for command, actor in STEPS:
                    if self._stop.is_set():
                        return
                    answer = self._until_answered(client, command, actor, number, _uuid(chance))
                    if answer is None:
                        return
                    number = answer.number

    def _until_answered(
        self, client: httpx.Client, command: Command, actor: Actor, number: str, command_id: UUID
    ) -> Acknowledged | None:
        began = time.monotonic()
        while time.monotonic() - began < _PATIENCE_SECONDS:
            response = give(client, command, actor, number, command_id)
            if response is not None and response.status_code < 500:
                self.waited_longest_seconds = max(self.waited_longest_seconds, time.monotonic() - began)
                return self._note(command, command_id, response)
            time.sleep(_PAUSE_SECONDS)
        self.refused.append(f"{command.NAME}: no answer in {_PATIENCE_SECONDS:.0f} s")
        return None

    def _note(self, command: Command, command_id: UUID, response: httpx.Response) -> Acknowledged | None:
        if response.status_code not in (200, 201):
            self.refused.append(f"{command.NAME} {command_id}: {response.status_code} {response.text}")
            return None
        number, version = response.json()["number"], int(response.headers["ETag"].strip('"'))
        answer = Acknowledged(command_id, number, version)
        self.acknowledged.append(answer)
        return answer


def give(
    client: httpx.Client, command: Command, actor: Actor, number: str, command_id: UUID, **headers: str
) -> httpx.Response | None:
    """Give one command; None when no answer came."""
    path = "/v1/tickets" if isinstance(command, Place) else f"/v1/tickets/{number}/{command.NAME}"
    sent = {"Idempotency-Key": str(command_id), **identity(actor), **headers}
    try:
        return client.post(path, json=command.model_dump(mode="json", exclude_none=True), headers=sent)
    except httpx.TransportError:
        return None


def identity(actor: Actor) -> dict[str, str]:
    """Give the development headers."""
    known = {"X-Liudan-Actor": actor.id, "X-Liudan-Role": actor.role.value}
    return known | ({"X-Liudan-Unit": actor.unit} if actor.unit else {})


def _uuid(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128), version=4)
