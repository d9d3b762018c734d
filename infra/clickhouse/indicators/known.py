"""What was known at a moment, or up to a position of the log, in SQL.

The matters as they were known then are those of the table, except for tickets with events that were not known
yet or are not in the table yet: these are computed from their events. So asking for a moment or position that
is not long ago costs little more than asking for now.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from domain.regions import Region
from infra.clickhouse.indicators.matter_sql import matters_sql
from infra.clickhouse.indicators.matter_tables import current_matters
from infra.clickhouse.schema import EVENTS_TABLE, PARKED_TABLE
from projections.indicators.answers import LogPosition
from projections.indicators.question import Question

_COUNTY_DIGITS = 6
_THERE = "startsWith(number, {area:String})"
_CUT = "transform(log_partition, {{{0}:Array(UInt32)}}, {{{1}:Array(UInt64)}}, 0)"
_BELOW = f"log_offset < {_CUT.format('partitions', 'offsets')}"
_NOT_IN_TABLE = f"log_offset >= {_CUT.format('reached_partitions', 'reached')}"


def known_sql(question: Question) -> str:
    """Give the condition for the events that a question may know in its region."""
    return f"{_THERE} AND {known_anywhere_sql(question)}"


def known_anywhere_sql(question: Question) -> str:
    """Give the condition for the events that it may know; `known_parameters` binds its values."""
    limits = {
        "recorded_at <= {recorded_by:DateTime64(6, 'UTC')}": question.recorded_by is not None,
        "store_position <= {position:UInt64}": question.position is not None,
        _BELOW: bool(question.offsets),
    }
    return " AND ".join(["true", *(limit for limit, holds in limits.items() if holds)])


def known_parameters(question: Question) -> dict[str, object]:
    """Give the values that are bound in `known_sql`."""
    given: dict[str, object] = {"area": _area(question.region)}
    if question.recorded_by is not None:
        given["recorded_by"] = moment_text(question.recorded_by)
    if question.position is not None:
        given["position"] = question.position
    if question.offsets:
        given |= {"partitions": list(question.offsets), "offsets": list(question.offsets.values())}
    return given


def reached_parameters(position: LogPosition) -> dict[str, object]:
    """Give what is bound in `known_matters` besides: up to where the table of matters is right, or was."""
    return {"reached_partitions": list(position.offsets), "reached": list(position.offsets.values())}


def known_matters(columns: Sequence[str], there: str, known: str) -> str:
    """Give the statement for matters as they were known: of these columns, where `there` holds."""
    changed = (
        f"SELECT number FROM {EVENTS_TABLE} "  # noqa: S608 - our own names; callers' values are bound
        f"WHERE {_THERE} AND (NOT ({known}) OR {_NOT_IN_TABLE}) "
        f"UNION DISTINCT SELECT number FROM {PARKED_TABLE}"
    )
    anew = matters_sql(f"{known} AND number IN ({changed})")
    return f"""
    {current_matters(columns, f"{there} AND number NOT IN ({changed})")}
    UNION ALL SELECT {", ".join(columns)} FROM ({anew}) WHERE {there}
    """  # noqa: S608 - our own names; callers' values are bound


def moment_text(moment: datetime) -> str:
    """Write a moment as ClickHouse reads it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _area(region: Region | None) -> str:
    """How the numbers of its tickets begin: no event of a ticket takes it out of its county."""
    if region is None:
        return ""
    return region[:_COUNTY_DIGITS] if region.chinese else region.area
