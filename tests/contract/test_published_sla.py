"""What others build on: the JSON of the SLA topic. It may grow; nothing that was published may change or go.

After adding something, `LIUDAN_PUBLISH=1 pytest tests/contract/test_published_sla.py` writes it down.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from infra.policy_file import default_rulebook
from projections.sla_announcements import Announcement, AnnouncementData, Kind, decode, encode
from projections.sla_timers import history_of, timers_of
from tests.contract.test_published_events import differences
from tests.journeys import walked

HERE = Path(__file__).parent / "published" / "sla"
GOLDEN, SCHEMA = HERE / "announcements.jsonl", HERE / "announcement.v1.json"
PUBLISHING = os.environ.get("LIUDAN_PUBLISH") == "1"


def examples() -> dict[Kind, Announcement]:
    """One real announcement of every kind."""
    found: dict[Kind, Announcement] = {}
    for steps in (4, 7):
        for clock in timers_of(history_of(walked(steps).events), default_rulebook()):
            for one in clock.announcements:
                found.setdefault(one.key.kind, one)
    return found


def schema() -> dict[str, Any]:
    return TypeAdapter(AnnouncementData).json_schema(mode="serialization")


@pytest.fixture(autouse=True, scope="module")
def publish() -> None:
    if not PUBLISHING:
        return
    HERE.mkdir(exist_ok=True)
    known = {json.loads(line)["type"] for line in golden()} if GOLDEN.exists() else set()
    with GOLDEN.open("ab") as file:
        for kind, one in sorted(examples().items()):
            if kind.type not in known:
                file.write(encode(one) + b"\n")
    text = json.dumps(schema(), indent=1, ensure_ascii=False, sort_keys=True)
    SCHEMA.write_text(text + "\n", encoding="utf-8")


def golden() -> list[bytes]:
    return GOLDEN.read_bytes().splitlines()


def test_every_kind_has_its_golden_announcement() -> None:
    assert [json.loads(line)["type"] for line in golden()] == sorted(kind.type for kind in Kind)


def test_what_was_published_is_still_read_and_written_alike() -> None:
    for line in golden():
        assert encode(decode(line)) == line
        AnnouncementData.model_validate(json.loads(line)["data"])


def test_the_schema_only_grows() -> None:
    broken = list(differences(json.loads(SCHEMA.read_text(encoding="utf-8")), schema(), "$"))
    assert not broken, broken
