"""What the load of the crash tests consists of: tickets on their way through all six orders."""

from typing import NamedTuple
from uuid import UUID

from domain.commands import Command
from domain.ticket_event import Actor
from tests.journeys import ACTORS, HAPPY_PATH

STEPS: tuple[tuple[Command, Actor], ...] = tuple((command, ACTORS[role]) for command, role in HAPPY_PATH)


class Acknowledged(NamedTuple):
    """A command that was answered: it must be in the store for ever, once."""

    command_id: UUID
    number: str
    version: int
