"""The API's own description: complete, stable, and readable without the internet."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.command_examples import EXAMPLES, IN_CHINESE
from api.command_routes import BY_NUMBER
from domain.commands import COMMANDS, Import
from infra.bootstrap import Installation
from infra.settings import Settings
from tests.services.door import Door

OPERATIONS = Path(__file__).with_name("openapi_operations.txt")
OPEN_LOG = [f"/v1/audit/log/{what}" for what in ("checkpoint", "key", "proof/inclusion", "proof/consistency")]
Json = dict[str, object]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    settings = Settings(home=tmp_path_factory.mktemp("openapi"))
    with Installation(settings) as installation, Door(installation) as opened:
        yield opened


def operations(door: Door) -> list[tuple[str, str, Json]]:
    paths = door.get("/openapi.json").json()["paths"]
    return [(method, path, what) for path, methods in paths.items() for method, what in methods.items()]


def test_operation_ids_are_stable(door: Door) -> None:
    """A client that was generated from it calls operations by these names: add, but never rename."""
    lines = sorted(
        f"{what['operationId']} {method.upper()} {path}" for method, path, what in operations(door)
    )
    assert len({line.split()[0] for line in lines}) == len(lines)
    assert lines == OPERATIONS.read_text().splitlines()


def test_every_command_is_described_from_the_lifecycle_table(door: Door) -> None:
    described = {what["operationId"]: what for _, _, what in operations(door)}
    for name in ("place", *BY_NUMBER):
        what = described[name.replace("-", "_")]
        assert IN_CHINESE[name] in str(what["summary"])
        assert "**by** 由" in str(what["description"])
        for status in ("401", "403", "422", "503"):
            assert status in what["responses"]  # type: ignore[operator] # it is a dict


def test_every_example_would_do() -> None:
    assert set(EXAMPLES) == set(IN_CHINESE) == set(COMMANDS) - {Import.NAME}
    for name, body in EXAMPLES.items():
        COMMANDS[name].model_validate(body)


def test_every_reference_leads_somewhere(door: Door) -> None:
    text = door.get("/openapi.json").text
    known = door.get("/openapi.json").json()["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text)) <= set(known)
    assert "Words" not in known


def test_every_operation_has_a_summary_in_both_languages_and_a_tag(door: Door) -> None:
    for method, path, what in operations(door):
        assert re.match(r"[\u4e00-\u9fff]+ [A-Z]", str(what["summary"])), (method, path)
        assert what["tags"], (method, path)


def test_what_needs_no_identity_says_so(door: Door) -> None:
    free = {path for _, path, what in operations(door) if what.get("security") == []}
    assert free == {"/v1/categories", "/v1/lifecycle", "/livez", "/readyz", *OPEN_LOG}


def test_the_page_needs_nothing_from_elsewhere(door: Door) -> None:
    page = door.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert len(addresses) >= 2
    for address in addresses:
        assert address.startswith("/docs/assets/")
        assert len(door.get(address).content) > 1000
    assert "http" not in page.text.replace("http-equiv", "")
