"""A process that gives commands to the store directly, made to be killed and started again.

`python -m tests.e2e.writer HOME ACKNOWLEDGED SEED`. Every command's id follows from the seed, the ticket and
the step, and every answer is written down, so that a new start gives the unanswered ones again.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID, uuid5

import orjson

from domain.errors import Transient
from domain.numbers import TicketNumber
from infra.bootstrap import Installation
from infra.tickets import Request
from tests.e2e.installation import ROOT, environment
from tests.e2e.story import STEPS, Acknowledged

_COMMANDS = UUID("5e1c1f5e-0000-5000-8000-0000000000e2")
_LANES = 8
_PAUSE_SECONDS = 0.02


class Writer:
    """The process, seen from the test."""

    def __init__(self, home: Path, seed: int, stores: Mapping[str, str]) -> None:
        self._home, self._seed, self._stores = home, seed, stores
        self._file = home / "acknowledged.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.e2e.writer",
            str(self._home),
            str(self._file),
            str(self._seed),
        ]
        with (self._home / "writer.txt").open("ab") as said:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment(**self._stores), stdout=said, stderr=said
            )

    def kill(self) -> None:
        """Kill it; it must not have ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, (self._home / "writer.txt").read_text()
        self._process.kill()
        self._process.wait()

    def acknowledged(self) -> list[Acknowledged]:
        return list(_read(self._file).values())


def _read(file: Path) -> dict[UUID, Acknowledged]:
    if not file.exists():
        return {}
    rows = (orjson.loads(line) for line in file.read_bytes().splitlines())
    return {UUID(each): Acknowledged(UUID(each), number, version) for each, number, version in rows}


class _Play:
    def __init__(self, parts: Installation, file: Path, seed: str) -> None:
        self._tickets = parts.tickets
        self._known = _read(file)
        self._seed = seed
        self._out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def run(self) -> None:
        await asyncio.gather(*(self._lane(lane) for lane in range(_LANES)))

    async def _lane(self, lane: int) -> None:
        ticket = lane
        while True:
            number = ""
            for step in range(len(STEPS)):
                number = await self._give(ticket, step, number)
            ticket += _LANES

    async def _give(self, ticket: int, step: int, number: str) -> str:
        command_id = uuid5(_COMMANDS, f"{self._seed}/{ticket}/{step}")
        if command_id in self._known:
            return self._known[command_id].number
        command, actor = STEPS[step]
        request = Request(command, actor, command_id, TicketNumber.parse(number) if number else None)
        while True:
            try:
                answer = await self._tickets.handle(request)
            except Transient:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            line = orjson.dumps([command_id, answer.ticket.number, answer.ticket.version])
            os.write(self._out, line + b"\n")
            await asyncio.sleep(_PAUSE_SECONDS)
            return str(answer.ticket.number)


def main(home: str, file: str, seed: str) -> None:
    with Installation.at(Path(home)) as parts:
        asyncio.run(_Play(parts, Path(file), seed).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
