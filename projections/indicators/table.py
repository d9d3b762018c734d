"""A table of figures as everybody gets it: over HTTP, on the command line and in a report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from projections.indicators.answers import IndicatorQueries, LogPosition
from projections.indicators.figures import Figure, Key
from projections.indicators.indicator import Direction, Indicator, Unit
from projections.indicators.question import Question
from projections.indicators.ranking import MINIMUM_CASES, Ranking, rank
from projections.indicators.standing import Provisional, standing

OldestMissing = Callable[[int], datetime | None]
"""When the first event after a position of the event store was recorded; None when there is none."""
NO_FIGURES: Mapping[Key, Figure] = {}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Earlier(_Frozen):
    """What was said of the same group at an earlier moment."""

    numerator: int
    denominator: int | None
    value: float | None


class FigureLine(_Frozen):
    """One figure, and what it is made of."""

    group: dict[str, str] = Field(description="The values of the breakdowns")
    numerator: int = Field(description="Of durations: how many are finished")
    denominator: int | None = Field(description="None of a count")
    value: float | None = Field(description="A share, a number, or the median in seconds")
    p90: float | None = Field(description="Of durations: the 90th percentile in seconds")
    low: float | None = Field(description="95 % interval of the share (Wilson) or of the median")
    high: float | None
    excluded: int
    excluded_because: dict[str, int]
    undecided: int = Field(description="Matters that may still change the figure")
    late_events: int = Field(description="Events recorded more than 24 hours after they happened")
    final: bool
    provisional_because: tuple[Provisional, ...]
    rank: int | None = Field(default=None, description="From 1; None when it is not ranked")
    too_few: bool = Field(default=False, description="Too few cases to be ranked")
    before: Earlier | None = Field(default=None, description="What was said at `compared_with`")
    restated: bool = Field(default=False, description="Whether something else was said at `compared_with`")


class Position(_Frozen):
    """How far the figures know the log."""

    store_position: int = Field(
        description="Newest position of the event store; 0 where the log does not say"
    )
    offsets: dict[int, int] = Field(description="Next offset by partition of the log")
    behind_events: int = Field(description="Events that have arrived in the warehouse but not in the figures")

    @classmethod
    def of(cls, position: LogPosition) -> Self:
        """Show a position."""
        behind = (after - position.offsets.get(partition, 0) for partition, after in position.landed.items())
        return cls(
            store_position=position.store_position,
            offsets=dict(sorted(position.offsets.items())),
            behind_events=sum(behind),
        )


class KpiTable(_Frozen):
    """Figures of one indicator in one period."""

    name: str
    name_zh: str
    name_en: str
    unit: Unit
    direction: Direction
    period: str
    period_start: AwareDatetime
    period_end: AwareDatetime = Field(description="Not included")
    region: str | None
    narrowed: dict[str, str]
    by: tuple[str, ...]
    as_of: AwareDatetime
    as_known_then: bool = Field(description="Whether only what was recorded by `as_of` is known")
    position: Position
    final: bool = Field(description="Whether all of its lines are")
    minimum_cases: int | None = Field(default=None, description="Fewer are not ranked")
    compared_with: AwareDatetime | None = None
    lines: tuple[FigureLine, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a table is to say besides its figures."""

    ranked: bool = False
    minimum: int = MINIMUM_CASES
    compare_with: datetime | None = None
    """Also what was said at this moment."""


def tables(
    queries: IndicatorQueries,
    indicators: Sequence[Indicator],
    question: Question,
    oldest_missing: OldestMissing,
    wanted: Wanted = Wanted(),
) -> tuple[KpiTable, ...]:
    """Ask and put together, a table an indicator; raises Invalid, Transient."""
    position = queries.position()
    known_not_at_all = position.landed and not position.store_position  # this log has no positions
    missing = None if known_not_at_all else oldest_missing(position.store_position)
    found = queries.figures(indicators, question)
    before: Mapping[str, Mapping[Key, Figure]] = {}
    if wanted.compare_with is not None:
        then = wanted.compare_with
        before = queries.figures(
            indicators, replace(question, as_of=then, recorded_by=then, position=None, known_until={})
        )
    return tuple(
        _table(one, question, position, missing, wanted, found[one.key], before.get(one.key, NO_FIGURES))
        for one in indicators
    )


def _table(
    indicator: Indicator,
    question: Question,
    position: LogPosition,
    oldest_missing: datetime | None,
    wanted: Wanted,
    figures: Mapping[Key, Figure],
    before: Mapping[Key, Figure],
) -> KpiTable:
    ranking = rank(indicator, figures, wanted.minimum) if wanted.ranked else Ranking({}, ())
    lines = [
        _line(key, figure, question, oldest_missing, ranking)
        if wanted.compare_with is None
        else _restated(_line(key, figure, question, oldest_missing, ranking), before.get(key))
        for key, figure in figures.items()
    ]
    if wanted.ranked:
        lines.sort(key=lambda line: (line.rank is None, line.rank or 0))
    return KpiTable(
        name=indicator.key,
        name_zh=indicator.name.zh,
        name_en=indicator.name.en,
        unit=indicator.unit,
        direction=indicator.direction,
        period=str(question.period),
        period_start=question.period.start,
        period_end=question.period.end,
        region=question.region,
        narrowed=dict(question.narrowed),
        by=tuple(map(str, question.by)),
        as_of=question.as_of,
        as_known_then=question.recorded_by is not None or question.position is not None,
        position=Position.of(position),
        final=not standing(question, 0, oldest_missing) and all(line.final for line in lines),
        minimum_cases=wanted.minimum if wanted.ranked else None,
        compared_with=wanted.compare_with,
        lines=tuple(lines),
    )


def _line(
    key: Key, figure: Figure, question: Question, oldest_missing: datetime | None, ranking: Ranking
) -> FigureLine:
    counted = figure.counted
    reasons = standing(question, counted.undecided, oldest_missing)
    return FigureLine(
        group={str(breakdown): value for breakdown, value in zip(question.by, key, strict=True)},
        numerator=figure.numerator,
        denominator=figure.denominator,
        value=figure.value,
        p90=figure.p90,
        low=figure.interval.low if figure.interval else None,
        high=figure.interval.high if figure.interval else None,
        excluded=sum(counted.excluded.values()),
        excluded_because=dict(counted.excluded),
        undecided=counted.undecided,
        late_events=counted.late_events,
        final=not reasons,
        provisional_because=reasons,
        rank=ranking.places.get(key),
        too_few=key in ranking.too_few,
    )


def _restated(line: FigureLine, before: Figure | None) -> FigureLine:
    if before is None:
        return line.model_copy(update={"restated": True})
    said = Earlier(numerator=before.numerator, denominator=before.denominator, value=before.value)
    now = (line.numerator, line.denominator, line.value)
    restated = now != (said.numerator, said.denominator, said.value)
    return line.model_copy(update={"before": said, "restated": restated})
