"""What reports ask of ClickHouse besides the indicators: how far the log is known, and names."""

from collections.abc import Mapping
from datetime import date

from domain.months import CHINA
from infra.clickhouse.indicators.known import known_anywhere_sql
from infra.clickhouse.indicators.queries import ClickHouseIndicators, parameters_of
from infra.clickhouse.schema import EVENTS_TABLE, REGION_NAMES_TABLE
from projections.indicators.indicator import Words
from projections.indicators.question import Question
from projections.reports.facts import Newest
from projections.reports.order import ReportOrder

_NAMES = f"""
SELECT code, argMax((name_zh, name_en), (valid_from, changed_at)) AS name FROM {REGION_NAMES_TABLE}
WHERE valid_from <= {{day:Date32}} AND (valid_to IS NULL OR valid_to >= {{day:Date32}})
GROUP BY code
"""  # noqa: S608 - own name


class ClickHouseReportQueries(ClickHouseIndicators):
    """A `ReportQueries` over ClickHouse."""

    def newest(self, question: Question) -> Newest:
        """See `ReportQueries.newest`."""
        known = known_anywhere_sql(question)
        sql = f"""
        SELECT log_partition AS partition, maxIf(log_offset + 1, {known}) AS after,
            maxIf(store_position, {known}) AS position, countIf(NOT ({known})) AS unknown
        FROM {EVENTS_TABLE} GROUP BY log_partition ORDER BY log_partition
        """  # noqa: S608 - our own names; callers' values are bound
        rows = [tuple(int(str(value)) for value in row.values())
                for row in self.rows(sql, parameters_of(question))]  # fmt: skip
        return Newest(
            offsets={partition: after for partition, after, *_ in rows if after},
            position=max((position for _, _, position, _ in rows), default=0),
            unknown=sum(unknown for *_, unknown in rows),
        )

    def names(self, order: ReportOrder) -> Mapping[str, Words]:
        """See `ReportQueries.names`."""
        day: date = min(order.period.last_moment, order.as_of).astimezone(CHINA).date()
        names: dict[str, Words] = {}
        for row in self.rows(_NAMES, {"day": day}):
            code, (zh, en) = str(row["code"]), _pair(row["name"])
            names[code] = Words(zh or en or code, en or zh or code)
        return names


def _pair(value: object) -> tuple[str, str]:
    if not isinstance(value, tuple):
        raise TypeError(type(value))
    zh, en = value
    return str(zh), str(en)
