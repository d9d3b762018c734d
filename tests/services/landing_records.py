"""Log records for tests of the landing: the same for the same partition and offset, in every process."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from infra.event_log.port import LogRecord

EVENTS_PER_TICKET = 4
STATES = ("placed", "verified", "issued", "dispatched")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def record(partition: int, offset: int) -> LogRecord:
    ticket, step = divmod(offset, EVENTS_PER_TICKET)
    region = f"6229{ticket % 8 + 1:02d}001001"
    number = f"{region[:6]}-260101-{partition}{ticket:06d}"
    placed = FIRST + timedelta(minutes=ticket)
    moment = placed + timedelta(minutes=step, microseconds=offset)
    event = {
        "specversion": "1.0",
        "id": UUID(int=(partition << 64) + offset),
        "source": "urn:liudan:622901",
        "type": f"liudan.ticket.order-{STATES[step]}.v1",
        "subject": number,
        "time": moment,
        "recordedtime": moment,
        "sequence": step + 1,
        "commandid": UUID(int=(partition << 64) + (1 << 32) + offset),
        "correlationid": UUID(int=(partition << 64) + (1 << 32) + ticket * EVENTS_PER_TICKET),
        "causationid": UUID(int=(partition << 64) + (1 << 32) + max(0, offset - 1)),
        "data": {
            "actor": {"id": "officer:grid", "role": "grid_worker", "unit": region},
            "ticket": summary(number, region, STATES[step], placed, moment),
            "sealed": {"ciphertext": "x" * 200},
        },
    }
    return LogRecord(partition, offset, number, orjson.dumps(event, option=orjson.OPT_UTC_Z), offset + 1)


def summary(number: str, region: str, state: str, placed: datetime, entered: datetime) -> dict[str, object]:
    return {
        "number": number, "region": region, "grid": None, "category": "roads.surface",
        "matter_class": "general", "urgency": "normal", "channel": "phone", "state": state,
        "level": "village",
        "holder": region, "first_handler": None, "cycle": 1, "placed_at": placed, "stage_entered_at": entered,
        "stage_due": None, "resolve_due": placed + timedelta(days=5), "rating_due": None, "resolved_at": None,
        "closed_at": None, "suspended": False, "emergency": False, "returns": 0, "end": None, "origin": None,
        "source_id": None,
    }  # fmt: skip
