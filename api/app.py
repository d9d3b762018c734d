"""The application: parts in, routes out. It opens nothing itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from api import problems
from api.account_routes import account_routes
from api.accountability_routes import accountability_routes
from api.analytics_routes import Rollup, analytics_routes
from api.breach_routes import breach_routes
from api.catalogue_routes import catalogue_routes
from api.command_docs import schemas
from api.command_routes import add_command_routes
from api.docs_page import add_docs_page
from api.health import Health, health_routes
from api.identity import ACTOR, ROLE, UNIT, HeaderIdentity
from api.kpi_routes import kpi_routes
from api.list_routes import list_routes
from api.log_routes import log_routes
from api.receipt_routes import receipt_routes
from api.report_routes import report_routes
from api.ticket_routes import ticket_routes
from api.unseal_routes import unseal_routes
from domain.errors import Refused, Transient
from infra.privacy.access_record import AccessRecord
from infra.privacy.unsealing import Unsealing
from infra.ticket_receipts import TicketReceipts
from infra.tickets import Tickets
from infra.transparency.log_reader import LogReader
from projections.indicators.table import OldestMissing
from projections.reports.facts import ReportQueries
from projections.sla_accountability import AccountabilityQueries
from projections.sla_clocks import ClockQueries, KnownUntil
from projections.ticket_state import TicketQueries

log = structlog.get_logger(__name__)

DESCRIPTION = """\
事件溯源的工单系统：点单、核单、下单、派单、接单、评单。Every action on a ticket is an immutable event.

- **Commands** change a ticket; each answers with the ticket after it. `Idempotency-Key` makes repeating one
  safe, `If-Match` makes racing one visible.
- **Queries** of one ticket are never behind; lists are, by a moment.
- **Errors** are `application/problem+json` (RFC 9457) with one stable `type` for every rule.
- **Identity** in development: the three headers below.
- **Personal data** (names, contacts, addresses, `words`, and what a resident gives as a reason) are sealed
  before anything is stored, and read only by `unseal`, on record. An officer's `reason` is not sealed: it is
  published within the administration, kept for ever, and must hold no personal data.
"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the door needs behind it."""

    tickets: Tickets
    access_record: AccessRecord
    ticket_state: TicketQueries
    sla_clocks: ClockQueries
    accountability: AccountabilityQueries
    known_until: Callable[[], KnownUntil]
    """Up to when the imported cases of every origin are known; it moves while the door is open."""
    rollup: Rollup
    transparency_log: LogReader
    receipts: TicketReceipts
    indicators: ReportQueries
    oldest_missing: OldestMissing
    health: Health


class LiudanApi(FastAPI):
    """FastAPI, with the bodies of the commands and the identity in its description."""

    def openapi(self) -> dict[str, object]:
        """Describe the API, once."""
        if self.openapi_schema is None:
            schema = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            components = schema["components"]
            components["schemas"].update(schemas())
            components["securitySchemes"] = {
                name: {"type": "apiKey", "in": "header", "name": name} for name in (ACTOR, ROLE, UNIT)
            }
            schema["security"] = [{ACTOR: [], ROLE: [], UNIT: []}]
            self.openapi_schema = schema
        return self.openapi_schema


def create_app(
    parts: Parts, *, dev_identity: bool = False, on_shutdown: Callable[[], object] | None = None
) -> FastAPI:
    """Build the application; `on_shutdown` runs when the last request has been answered."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        log.info("api.started", dev_identity=dev_identity)
        yield
        if on_shutdown is not None:
            on_shutdown()
        log.info("api.stopped")

    app = LiudanApi(
        title="liudan 六单",
        version=version("liudan"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(problems.LastResort)],
        exception_handlers={
            Refused: problems.refused,
            Transient: problems.refused,
            problems.Rejection: problems.rejected,
            RequestValidationError: problems.bad_parameters,
            HTTPException: problems.framework_refusal,
        },
    )
    identify = HeaderIdentity(enabled=dev_identity)

    def clock() -> datetime:
        return parts.tickets.clock()

    add_command_routes(app.router, parts.tickets, identify)
    app.include_router(list_routes(parts.ticket_state, identify, clock))
    app.include_router(breach_routes(parts.sla_clocks, identify, clock, parts.known_until))
    app.include_router(ticket_routes(parts.tickets, identify))
    unsealing = Unsealing(parts.tickets, parts.access_record)
    app.include_router(unseal_routes(unsealing, parts.access_record, identify))
    app.include_router(account_routes(parts.tickets, identify, parts.known_until))
    app.include_router(accountability_routes(parts.accountability, identify, clock, parts.known_until))
    app.include_router(analytics_routes(parts.rollup, identify, clock))
    app.include_router(receipt_routes(parts.tickets, parts.receipts, identify))
    app.include_router(log_routes(parts.transparency_log, identify))
    app.include_router(kpi_routes(parts.indicators, identify, clock, parts.known_until, parts.oldest_missing))
    app.include_router(
        report_routes(parts.indicators, identify, clock, parts.known_until, parts.oldest_missing)
    )
    app.include_router(catalogue_routes())
    app.include_router(health_routes(parts.health))
    add_docs_page(app)
    return app
