"""The API over a real installation in a temporary folder, spoken to by HTTP without a socket."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
from starlette.types import Message

from api.app import create_app
from api.command import parts_of
from api.command_examples import EXAMPLES
from consumers.catch_up import catch_up
from domain.ticket_event import Actor
from domain.vocabulary import Role
from infra.bootstrap import Installation
from infra.read_store.clock_rows import SlaClocksProjection
from infra.read_store.ticket_rows import TicketStateProjection
from tests.journeys import ACTORS, ROADS, VILLAGE

RESIDENT = Actor("微信:马小明", Role.RESIDENT)
STRANGER = Actor("wechat:somebody-else", Role.RESIDENT)
PEOPLE = {**ACTORS, Role.RESIDENT: RESIDENT}
PERSONAL = {"name": "马小明", "contact": "13909301234", "address": "红园路 18 号", "words": "门口有个大坑"}
PLACE: dict[str, object] = {"region": VILLAGE, "category": "roads.surface", "channel": "wechat", **PERSONAL}
SIX_ORDERS = (
    ("verify", Role.GRID_WORKER),
    ("issue", Role.VILLAGE),
    ("dispatch", Role.TOWNSHIP),
    ("accept", Role.DEPARTMENT),
    ("resolve", Role.DEPARTMENT),
    ("feed-back", Role.GRID_WORKER),
    ("rate", Role.RESIDENT),
)
BODIES = {**EXAMPLES, "verify": {}, "dispatch": {"department": ROADS}}
PROBLEM = "application/problem+json"


def identity(actor: Actor | Role) -> dict[str, str]:
    """The development headers of somebody."""
    who = PEOPLE[actor] if isinstance(actor, Role) else actor
    headers = {"X-Liudan-Actor": quote(who.id), "X-Liudan-Role": who.role}
    return {**headers, "X-Liudan-Unit": quote(who.unit)} if who.unit else headers


class Door:
    """A client of the API, and what lies behind it."""

    def __init__(self, installation: Installation, *, dev_identity: bool = True) -> None:
        self.installation = installation
        self.app = create_app(parts_of(installation), dev_identity=dev_identity)
        self._loop = asyncio.Runner()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://liudan.test")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self.client.aclose())
        self._loop.close()

    def ask(self, method: str, path: str, who: Actor | Role | None = None, **more: object) -> httpx.Response:
        """Send one request; `more` is httpx's."""
        return self.together([self.request(method, path, who, **more)])[0]

    def request(
        self, method: str, path: str, who: Actor | Role | None = None, **more: object
    ) -> httpx.Request:
        given = more.pop("headers", None)
        headers = {**(identity(who) if who else {}), **(given if isinstance(given, Mapping) else {})}
        return self.client.build_request(method, path, headers=headers, **more)  # type: ignore[arg-type] # httpx's keywords

    def together(self, requests: list[httpx.Request]) -> list[httpx.Response]:
        """Send requests at the same time."""

        async def send() -> list[httpx.Response]:
            return await asyncio.gather(*map(self.client.send, requests))

        return self._loop.run(send())

    def hang_up(self, path: str, who: Actor | Role, body: bytes) -> None:
        """Send half of a request and go away."""
        request = self.request("POST", path, who, content=body)
        messages = iter(
            (
                {"type": "http.request", "body": body[: len(body) // 2], "more_body": True},
                {"type": "http.disconnect"},
            )
        )
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": b"", "headers": headers, "scheme": "http", "http_version": "1.1",
            "server": ("liudan.test", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip

        async def receive() -> Message:
            return next(messages)

        async def send(message: Message) -> None:
            raise AssertionError(message)

        self._loop.run(self.app(scope, receive, send))

    def get(self, path: str, who: Actor | Role | None = None, **more: object) -> httpx.Response:
        return self.ask("GET", path, who, **more)

    def post(self, path: str, who: Actor | Role | None = None, **more: object) -> httpx.Response:
        return self.ask("POST", path, who, **more)

    def place(self, who: Actor | Role = Role.RESIDENT, **fields: object) -> str:
        """Place a ticket and give its number."""
        answer = self.post("/v1/tickets", who, json={**PLACE, **fields})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["number"])

    def give(self, number: str, name: str, who: Actor | Role, body: object = None) -> httpx.Response:
        """Give a command that must succeed."""
        answer = self.post(f"/v1/tickets/{number}/{name}", who, json=BODIES[name] if body is None else body)
        assert answer.status_code == 200, answer.text
        return answer

    def walk(self, upto: str) -> str:
        """Place a ticket and give it the six orders up to and including one of them."""
        number = self.place()
        for name, role in SIX_ORDERS:
            if upto == "place":
                break
            self.give(number, name, role)
            if name == upto:
                break
        return number

    def catch_up(self) -> None:
        """Bring the lists up to date."""
        for projection in (TicketStateProjection(), SlaClocksProjection()):
            catch_up(self.installation, projection)

    @property
    def events_stored(self) -> int:
        return len(self.installation.store.read(0, 100_000))


def check_problem(
    answer: httpx.Response, status: int, rule: str, field: str | None = None
) -> dict[str, object]:
    """Assert that an answer is this very problem, in the form of RFC 9457."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    problem: dict[str, object] = answer.json()
    assert (problem["rule"], problem["type"]) == (rule, f"urn:liudan:problem:{rule}"), answer.text
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    assert field is None or problem["field"] == field, answer.text
    return problem
