"""What others build on: the events' JSON. It may grow; nothing that was published may change or go.

After adding something, `LIUDAN_PUBLISH=1 pytest tests/contract/test_published_events.py` writes it down.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.cloudevent import decode, encode
from domain.events import PAYLOADS
from domain.ticket_event import TicketEvent
from tests.published_histories import histories

HERE = Path(__file__).parent / "published"
GOLDEN = HERE / "events.jsonl"
PUBLISHING = os.environ.get("LIUDAN_PUBLISH") == "1"


def examples() -> dict[str, TicketEvent]:
    """One real event of every kind, the first one in the histories."""
    found: dict[str, TicketEvent] = {}
    for event in histories():
        found.setdefault(event.type, event)
    return found


def schema_of(name: str) -> dict[str, Any]:
    return PAYLOADS[name].model_json_schema(mode="serialization")


@pytest.fixture(autouse=True, scope="module")
def publish() -> None:
    if PUBLISHING:
        HERE.mkdir(exist_ok=True)
        known = {json.loads(line)["type"] for line in _golden()} if GOLDEN.exists() else set()
        with GOLDEN.open("ab") as file:
            for kind, event in sorted(examples().items()):
                if kind not in known:
                    file.write(encode(event) + b"\n")
        for name in PAYLOADS:
            text = json.dumps(schema_of(name), indent=1, ensure_ascii=False, sort_keys=True)
            (HERE / f"{name}.v1.json").write_text(text + "\n", encoding="utf-8")


def _golden() -> list[bytes]:
    return GOLDEN.read_bytes().splitlines()


def test_every_kind_has_its_golden_event_and_schema() -> None:
    kinds = {json.loads(line)["type"] for line in _golden()}
    assert kinds == {f"liudan.ticket.{name}.v1" for name in PAYLOADS}
    assert {path.name for path in HERE.glob("*.v1.json")} == {f"{name}.v1.json" for name in PAYLOADS}


@pytest.mark.parametrize(
    "line", _golden() if GOLDEN.exists() else [], ids=lambda line: json.loads(line)["type"]
)
def test_what_was_published_is_still_read_and_written_alike(line: bytes) -> None:
    assert encode(decode(line)) == line


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_a_schema_only_grows(name: str) -> None:
    published = json.loads((HERE / f"{name}.v1.json").read_text(encoding="utf-8"))
    broken = list(differences(published, schema_of(name), "$"))
    assert not broken, broken


def differences(old: Any, new: Any, where: str) -> Iterator[str]:
    """Name everything of `old` that `new` does not keep; new properties and new enum values are fine."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() - {"title", "description"}:
            yield from _under(key, old[key], new.get(key), f"{where}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f"{where}[{index}]")
    elif old != new:
        yield f"{where} was {old!r}, is {new!r}"


def _under(key: str, old: Any, new: Any, where: str) -> Iterator[str]:
    if new is None and old is not None:
        yield f"{where} is gone"
    elif key in {"required", "enum"}:
        lost = set(old) - set(new)
        if lost:
            yield f"{where} has lost {lost}"
    else:
        yield from differences(old, new, where)


def test_the_comparison_finds_what_would_break_a_subscriber() -> None:
    old = {"properties": {"a": {"type": "string"}}, "required": ["a"], "enum": ["x"]}
    assert not list(differences(old, {**old, "enum": ["x", "y"]}, "$"))
    assert list(differences(old, {**old, "required": []}, "$"))
    assert list(differences(old, {**old, "properties": {}}, "$"))
    assert list(differences(old, {**old, "properties": {"a": {"type": "integer"}}}, "$"))
