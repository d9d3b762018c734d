"""What the API's description says of each command, derived from the lifecycle table."""

from enum import Enum
from http import HTTPStatus
from typing import NotRequired, TypedDict

from pydantic.json_schema import models_json_schema

from api.command_examples import EXAMPLES, IN_CHINESE
from api.preconditions import IDEMPOTENCY_KEY, IF_MATCH, MAX_KEY_LENGTH, REPLAYED
from api.problems import MEDIA_TYPE, Problem
from api.ticket_view import TicketView
from domain.commands import COMMANDS, Command, Import, Place
from domain.lifecycle import LIFECYCLE, Rule

TAG = "命令 Commands"
JsonSchema = dict[str, object]


OPEN_TO_ALL: dict[str, object] = {"security": []}
"""Extra description of what needs no identity."""


class Documentation(TypedDict):
    """The arguments of `add_api_route` that describe a command."""

    operation_id: str
    tags: list[str | Enum]
    summary: str
    description: str
    status_code: int
    response_model: type[TicketView]
    response_description: str
    responses: dict[int | str, dict[str, object]]
    openapi_extra: dict[str, object]
    name: NotRequired[str]


def place_documentation() -> Documentation:
    """Describe how a ticket is placed."""
    documentation = _documentation(Place, [_idempotency_key()])
    documentation["status_code"] = HTTPStatus.CREATED
    documentation["response_description"] = "The new ticket; Location says where it is, ETag its version"
    documentation["responses"] = problem_responses(401, 403, 413, 415, 422, 503)
    return documentation


def command_documentation(command: type[Command]) -> Documentation:
    """Describe a command that is given to a ticket."""
    return _documentation(command, [_number(), _idempotency_key(), _if_match()])


def schemas() -> dict[str, JsonSchema]:
    """Give the JSON Schemas of all bodies, of problems, and of what they refer to."""
    bodies = [command for command in COMMANDS.values() if command is not Import]
    models = [(model, "validation") for model in (*bodies, Problem)]
    _, schema = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type] # a list of pairs is one
    definitions: dict[str, JsonSchema] = schema["$defs"]
    return definitions


def _documentation(command: type[Command], parameters: list[JsonSchema]) -> Documentation:
    name = command.NAME
    title = name.replace("-", " ").capitalize()
    return {
        "operation_id": name.replace("-", "_"),
        "tags": [TAG],
        "summary": f"{IN_CHINESE[name]} {title}",
        "description": f"{(command.__doc__ or '').strip()}\n\n{_rule_in_words(LIFECYCLE[command])}",
        "status_code": HTTPStatus.OK,
        "response_model": TicketView,
        "response_description": f"The ticket after it; {REPLAYED} says it was done before",
        "responses": problem_responses(400, 401, 403, 404, 409, 412, 413, 415, 422, 503),
        "openapi_extra": {"parameters": parameters, "requestBody": _body(command)},
    }


def _rule_in_words(rule: Rule) -> str:
    froms = ", ".join(f"`{state}`" for state in sorted(rule.froms)) or "–"
    lines = [
        f"- **from** 可从: {froms}",
        f"- **to** 到: {f'`{rule.to}`' if rule.to else 'stays, or as the event says'}",
        f"- **by** 由: {', '.join(f'`{who}`' for who in sorted(rule.by))}",
        f"- **records** 记录: {', '.join(f'`liudan.ticket.{event.TYPE}.v1`' for event in rule.events)}",
        f"- **while suspended** 挂起期间: {'yes' if rule.suspended else 'no'}",
    ]
    if rule.emergency_froms:
        lines.append(
            f"- **in an emergency also from** 转急时还可从: {', '.join(sorted(rule.emergency_froms))}"
        )
    if rule.note:
        lines.append(f"- {rule.note}")
    return "\n".join(lines)


def _body(command: type[Command]) -> JsonSchema:
    required = any(field.is_required() for field in command.model_fields.values())
    schema = {"$ref": f"#/components/schemas/{command.__name__}"}
    content = {"schema": schema, "example": EXAMPLES[command.NAME]}
    return {"required": required, "content": {"application/json": content}}


def _number() -> JsonSchema:
    return {
        "name": "number", "in": "path", "required": True, "schema": {"type": "string"},
        "description": "The ticket's number; upper and lower case do not matter",
        "example": "622901-261123-2HPQK",
    }  # fmt: skip


def _idempotency_key() -> JsonSchema:
    return {
        "name": IDEMPOTENCY_KEY, "in": "header", "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
        "description": "Makes repeating safe: the same key gives the same answer and no second event; "
        "with another body it is an error. A UUID is best",
    }  # fmt: skip


def _if_match() -> JsonSchema:
    return {
        "name": IF_MATCH, "in": "header", "required": False, "schema": {"type": "string"},
        "description": "The ETag you saw: the command is done only if the ticket is still at that version",
        "example": '"3"',
    }  # fmt: skip


_MEANS = {
    400: "A header is malformed",
    401: "Nobody believable is asking",
    403: "Not this role, not this unit, or not in this region",
    404: "There is no such ticket",
    409: "The lifecycle does not allow it now, or others changed the ticket at the same time",
    412: "The ticket is not at the version of If-Match; the problem shows it as it is",
    413: "The body is too large",
    415: "The body is not plain JSON",
    422: "A field is missing or makes no sense, or the Idempotency-Key was used for something else",
    503: "A part is away; try again after Retry-After",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Describe the problems that an operation may answer with."""
    return {
        status: {"description": _MEANS[status], "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
        for status in statuses
    }


_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}
