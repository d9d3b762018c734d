"""Is the process alive, and is every part that it needs there."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.command_docs import OPEN_TO_ALL
from domain.errors import LiudanError

PROBE_SECONDS = 5.0
TAG = "运行 Health"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One part, and a way to find out whether it works."""

    part: str
    probe: Callable[[], object]
    """Blocks; raises when the part does not work, with a sentence that says what is wrong."""
    required: bool = True
    """Whether nothing can be done without it; the others only leave some answers out."""


class PartState(BaseModel):
    """How one part is."""

    part: str = Field(examples=["event store"])
    ok: bool
    required: bool
    problem: str | None = Field(default=None, description="What is wrong, and what to do about it")


class Readiness(BaseModel):
    """就绪状态: ready, or which part is missing."""

    status: Literal["ready", "degraded", "not ready"]
    parts: list[PartState]


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Health:
    """Asks every part at the same time."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = checks

    async def readiness(self) -> Readiness:
        """Ask all parts; one that says nothing within PROBE_SECONDS counts as away."""
        parts = list(await asyncio.gather(*map(_state, self._checks)))
        if all(part.ok for part in parts):
            return Readiness(status="ready", parts=parts)
        usable = all(part.ok for part in parts if part.required)
        return Readiness(status="degraded" if usable else "not ready", parts=parts)


async def _state(check: Check) -> PartState:
    try:
        await asyncio.wait_for(asyncio.to_thread(check.probe), PROBE_SECONDS)
    except TimeoutError:
        sentence = f"no answer within {PROBE_SECONDS:g} seconds"
    except LiudanError as error:
        sentence = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the part does not work
        sentence = f"it failed with {type(error).__name__}"
    else:
        return PartState(part=check.part, ok=True, required=check.required)
    log.warning("api.part_not_ready", part=check.part, problem=sentence)
    return PartState(part=check.part, ok=False, required=check.required, problem=sentence)


def health_routes(health: Health) -> APIRouter:
    """Build `/livez` and `/readyz`."""
    router = APIRouter(tags=[TAG])

    @router.get(
        "/livez", operation_id="livez", summary="存活 Is the process alive", openapi_extra=OPEN_TO_ALL
    )
    async def livez() -> Liveness:
        """Answer without asking any part: only a process that hangs does not."""
        return Liveness()

    @router.get(
        "/readyz",
        operation_id="readyz",
        summary="就绪 Is every part there",
        response_model=Readiness,
        openapi_extra=OPEN_TO_ALL,
        responses={503: {"model": Readiness, "description": "A part that nothing goes without is away"}},
    )
    async def readyz() -> Response:
        """Name every part, whether it works, and what is wrong if it does not."""
        readiness = await health.readiness()
        away = readiness.status == "not ready"
        return Response(
            readiness.model_dump_json(),
            HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.OK,
            media_type="application/json",
        )

    return router
