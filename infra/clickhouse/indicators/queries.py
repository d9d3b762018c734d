"""Ask the indicators of ClickHouse: of the table of matters, or of the landing table as it was known then."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from domain.errors import Invalid
from domain.periods import Period
from domain.regions import Region
from infra.clickhouse.errors import ClickHouseUnavailable
from infra.clickhouse.indicators.figure_sql import (
    COUNTED,
    EVERYWHERE,
    HIT,
    IN_REGION,
    LEFT_OUT,
    STORED,
    Selection,
    asked,
    figures_sql,
    judged,
)
from infra.clickhouse.indicators.known import (
    known_matters,
    known_parameters,
    known_sql,
    moment_text,
    reached_parameters,
)
from infra.clickhouse.indicators.matter_tables import current_matters, read_position
from projections.indicators.answers import Behind, LogPosition, Part
from projections.indicators.estimates import Quantiles
from projections.indicators.figures import Counted, Figure, Key, figure_of
from projections.indicators.indicator import Indicator
from projections.indicators.question import Question
from projections.page import Page, checked_limit, read_cursor, write_cursor

Parameters = dict[str, object]
_SETTINGS = {
    "enable_extended_results_for_datetime_functions": 1,
    "compile_expressions": 0,  # compiling takes longer than a question
}
_PARTS: Mapping[Part, str] = {
    Part.NUMERATOR: f"(verdict_0 = {HIT} OR (verdict_0 = {COUNTED} AND {{counting:Bool}}))",
    Part.DENOMINATOR: f"verdict_0 < {LEFT_OUT}",
    Part.EXCLUDED: f"verdict_0 >= {LEFT_OUT}",
    Part.UNDECIDED: "undecided_0",
}
_AFTER = "(number, cycle, at_0) > ({number:String}, {cycle:UInt32}, {after:DateTime64(6, 'UTC')})"
_LONG_AGO = datetime(1901, 1, 1, tzinfo=UTC)


class ClickHouseIndicators:
    """An `IndicatorQueries` over ClickHouse. Connections not in use are kept for the next question."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._idle: deque[Client] = deque()

    def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            self._idle.pop().close()

    def figures(
        self, indicators: Sequence[Indicator], question: Question
    ) -> Mapping[str, Mapping[Key, Figure]]:
        """See `IndicatorQueries.figures`."""
        if question.grain and len(indicators) > 1:
            raise Invalid("by time one indicator at once", rule="bad-breakdown", field="by")
        rows = self.rows(figures_sql(_selection(indicators, question)), self._bound(question))
        found: dict[str, dict[Key, Figure]] = {indicator.key: {} for indicator in indicators}
        for row in rows:
            key = tuple(_name(row[f"key_{n}"], question, n) for n in range(len(question.by)))
            for n, indicator in enumerate(indicators):
                counted = _counted(indicator, n, row)
                if not question.by or counted.included or counted.excluded:
                    found[indicator.key][key] = figure_of(indicator, counted)
        return {key: dict(sorted(figures.items())) for key, figures in found.items()}

    def behind(
        self,
        indicator: Indicator,
        question: Question,
        part: Part,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Behind]:
        """See `IndicatorQueries.behind`."""
        checked_limit(limit)
        parameters = self._bound(question) | {"counting": indicator.unit == "count", "limit": limit + 1}
        after = "true"
        if cursor is not None:
            number, cycle, at = read_cursor(cursor, _order(indicator, part), 3)
            parameters |= {"number": number, "cycle": cycle, "after": moment_text(_moment(at))}
            after = _AFTER
        seconds = "seconds_0" if indicator.duration else "NULL"
        columns = ", ".join([*_PLAIN, "verdict_0", "undecided_0", seconds])
        matters = judged(_selection([indicator], question), set(_PLAIN) - {"at_0"})
        sql = f"""
            SELECT {columns} FROM ({matters})
            WHERE {_PARTS[part]} AND {after} ORDER BY number, cycle, at_0 LIMIT {{limit:UInt32}}
        """  # noqa: S608 - our own names; what callers give are bound parameters
        with self._asking() as client:
            rows = client.query(sql, parameters=parameters, settings=_SETTINGS).result_rows
        items = tuple(_behind(indicator, row) for row in rows[:limit])
        if len(rows) <= limit:
            return Page(items)
        last = items[-1]
        return Page(items, write_cursor(_order(indicator, part), (last.number, last.cycle, last.at)))

    def position(self) -> LogPosition:
        """See `IndicatorQueries.position`."""
        with self._asking() as client:
            return read_position(client)

    def _bound(self, question: Question) -> Parameters:
        reached = reached_parameters(self.position()) if question.as_known_then else {}
        return parameters_of(question) | reached

    def rows(self, sql: str, parameters: Parameters) -> list[dict[str, object]]:
        """Ask a statement and give its rows by the names of the columns; raises ClickHouseUnavailable."""
        with self._asking() as client:
            answer = client.query(sql, parameters=parameters, settings=_SETTINGS)
            return [dict(zip(answer.column_names, row, strict=True)) for row in answer.result_rows]

    @contextmanager
    def _asking(self) -> Iterator[Client]:
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._connect()
        try:
            yield client
        except ClickHouseError as error:
            client.close()
            raise ClickHouseUnavailable(f"the figures cannot be computed: {error}") from error
        self._idle.append(client)


_PLAIN = ["at_0" if name == "at" else name for name in Behind._fields[:-4]]
"""The columns of `Behind` that a matter has by itself."""


def _selection(indicators: Sequence[Indicator], question: Question) -> Selection:
    bounds = asked(
        some_are_silent=bool(question.known_until),
        many_snapshots=bool(question.grain and indicators[0].snapshot),
    )
    narrowed, there = tuple(question.narrowed), IN_REGION if question.region else EVERYWHERE
    if not question.as_known_then:
        source = partial(current_matters, condition=there)
        return Selection(tuple(indicators), source, bounds, narrowed, question.by, STORED)
    known = partial(known_matters, there=there, known=known_sql(question))
    return Selection(tuple(indicators), known, bounds, narrowed, question.by)


def parameters_of(question: Question) -> Parameters:
    """Give the values that the statements about a question bind."""
    region = question.region or ""
    snapshots = [moment_text(at) for at in question.snapshots]
    return {
        "as_of": moment_text(question.as_of),
        "start": moment_text(question.start),
        "end": moment_text(question.period.end),
        "region": region,
        "below": _below(question.region),
        "origins": list(question.known_until),
        "spoke": [moment_text(at) for at in question.known_until.values()],
        "snapshots": snapshots,
        "snapshot": snapshots[-1] if snapshots else moment_text(_LONG_AGO),
        **known_parameters(question),
        **{f"narrow_{n}": value for n, value in enumerate(question.narrowed.values())},
    }


def _below(region: Region | None) -> str:
    return "" if region is None else str(region) if region.chinese else f"{region}:"


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise Invalid("the cursor is not one that this list gave out", rule="bad-cursor", field="cursor")
    return value


def _order(indicator: Indicator, part: Part) -> str:
    return f"{indicator.key}/{part}"


def _name(value: object, question: Question, n: int) -> str:
    grain = question.by[n].grain
    if grain is None:
        return str(value)
    day = value.date() if isinstance(value, datetime) else value
    if not isinstance(day, date):
        raise TypeError(type(value))
    return str(Period(grain, day))


def _counted(indicator: Indicator, n: int, row: Mapping[str, object]) -> Counted:
    reasons = (one.key for one in indicator.exclusions)
    excluded = {key: int(number) for key, number in zip(reasons, _list(row[f"excluded_{n}"]), strict=True)}
    return Counted(
        included=_int(row[f"included_{n}"]),
        hits=_int(row[f"hits_{n}"]),
        excluded={key: number for key, number in excluded.items() if number},
        undecided=_int(row[f"undecided_in_{n}"]),
        late_events=_int(row[f"late_{n}"]),
        times=Quantiles(*_list(row[f"times_{n}"])) if indicator.duration else None,
    )


def _behind(indicator: Indicator, row: Sequence[object]) -> Behind:
    *plain, verdict, undecided, seconds = row
    excluded = _int(verdict) - LEFT_OUT
    reason = indicator.exclusions[excluded].key if excluded >= 0 else ""
    return Behind._make([*plain, reason, verdict == HIT, bool(undecided), seconds])


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(type(value))
    return int(value)


def _list(value: object) -> list[int]:
    if not isinstance(value, list | tuple):
        raise TypeError(type(value))
    return list(value)
