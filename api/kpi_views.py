"""What the routes of the indicators take and show."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.access import list_scope, rollup_region
from api.paging import PageParameters, Text, own_holder
from domain.periods import Grain, Period
from domain.regions import Grid, Region
from domain.ticket_event import Actor
from domain.vocabulary import Channel, Level, MatterClass, Role, Urgency
from projections.indicators.answers import Part
from projections.indicators.indicator import Direction, Indicator, Unit
from projections.indicators.question import Breakdown, Question
from projections.indicators.ranking import MINIMUM_CASES
from projections.indicators.table import KpiTable, Wanted
from projections.sla_clocks import KnownUntil


class QuestionParameters(BaseModel):
    """Which matters, when, and as of when."""

    model_config = ConfigDict(extra="forbid")

    region: Text | None = Field(
        default=None, description="Everything in it, by default your own", examples=["6229"]
    )
    period: Text | None = Field(
        default=None,
        description="`2026`, `2026-Q3`, `2026-10`, `2026-W41` or `2026-10-05`; by default this month",
        examples=["2026-10"],
    )
    as_of: AwareDatetime | None = Field(
        default=None, description="The figures as they were known then, by default now"
    )
    position: int | None = Field(
        default=None, ge=0, description="The figures from the event store up to this position"
    )
    grid: Text | None = None
    matter_class: MatterClass | None = None
    category: Text | None = None
    channel: Channel | None = None
    urgency: Urgency | None = None
    level: Level | None = Field(default=None, description="The level that answers for it")
    holder: Text | None = Field(default=None, description="The unit that answers for it")
    first_handler: Text | None = None
    origin: Text | None = None

    def question(
        self, actor: Actor, now: datetime, known_until: KnownUntil, by: tuple[Breakdown, ...] = ()
    ) -> Question:
        """Ask nothing beyond what the actor may see; raises Forbidden, Invalid."""
        region = Region.parse(self.region) if self.region else None
        scope = list_scope(actor)
        narrowed = self._narrowed()
        if actor.role is Role.DEPARTMENT:
            holder = own_holder(self.holder, scope.holder)
            narrowed |= {"holder": holder} if holder else {}
        else:
            region = rollup_region(actor, region)
        if isinstance(scope.place, Grid):
            narrowed |= {"grid": scope.place}
        as_of = self.as_of or now
        return Question(
            period=Period.parse(self.period) if self.period else Period.containing(as_of, Grain.MONTH),
            as_of=as_of,
            region=region,
            narrowed=narrowed,
            by=by,
            recorded_by=self.as_of,
            position=self.position,
            known_until={} if self.as_of else known_until,
        )

    def _narrowed(self) -> dict[str, str]:
        values = {
            "grid": self.grid, "class": self.matter_class, "category": self.category, "channel": self.channel,
            "urgency": self.urgency, "level": self.level, "holder": self.holder,
            "first-handler": self.first_handler, "origin": self.origin,
        }  # fmt: skip
        return {name: str(value) for name, value in values.items() if value is not None}


class FigureParameters(QuestionParameters):
    """Which figures of one indicator."""

    by: Text | None = Field(
        default=None,
        description="Up to three of `region:1` to `region:5`, `grid`, `class`, `category`, `channel`, "
        "`urgency`, `level`, `holder`, `first-handler`, `origin`, and one of `day`, `week`, `month`, "
        "`quarter`, `year`",
        examples=["region:4,class"],
    )
    rank: bool = Field(default=False, description="Rank the groups by the worse end of their intervals")
    minimum: int = Field(default=MINIMUM_CASES, ge=1, description="Groups with fewer cases are not ranked")
    compare_with: AwareDatetime | None = Field(
        default=None, description="Also what was said at this moment: shows what was restated"
    )

    @property
    def breakdowns(self) -> tuple[Breakdown, ...]:
        """What to break down by; raises Invalid."""
        return tuple(map(Breakdown.parse, self.by.split(","))) if self.by else ()

    @property
    def wanted(self) -> Wanted:
        """What the table is to say."""
        return Wanted(self.rank, self.minimum, self.compare_with)


class BehindParameters(QuestionParameters, PageParameters):
    """Which of the matters behind a figure."""

    part: Part = Field(
        default=Part.DENOMINATOR, description="Of a count, numerator and denominator are the same"
    )


class ExclusionView(BaseModel):
    """Why a matter is left out of the denominator."""

    key: str
    zh: str
    en: str


class IndicatorView(BaseModel):
    """The definition of an indicator."""

    name: str = Field(examples=["closing-rate"])
    name_zh: str
    name_en: str
    definition_zh: str
    definition_en: str
    numerator_zh: str
    numerator_en: str
    denominator_zh: str
    denominator_en: str
    period_zh: str = Field(description="Which moment puts a matter into the period")
    period_en: str
    unit: Unit
    direction: Direction
    exclusions: list[ExclusionView]
    source: str = Field(description="Where the definition comes from")
    view: str = Field(description="The view in the warehouse", examples=["liudan.kpi_closing_rate"])

    @classmethod
    def of(cls, one: Indicator, view: str) -> Self:
        """Show a definition."""
        words = {
            f"{field}_{language}": getattr(getattr(one, field), language)
            for field in ("name", "definition", "numerator", "denominator", "period")
            for language in ("zh", "en")
        }
        return cls(
            name=one.key,
            unit=one.unit,
            direction=one.direction,
            exclusions=[ExclusionView(key=e.key, zh=e.name.zh, en=e.name.en) for e in one.exclusions],
            source=one.source,
            view=view,
            **words,
        )


class MatterLine(BaseModel):
    """A matter 件次 behind a figure: one ticket in one cycle."""

    model_config = ConfigDict(from_attributes=True)

    number: str
    cycle: int
    at: AwareDatetime = Field(description="The moment that puts it into the period")
    region: str
    grid: str
    category: str
    matter_class: str
    channel: str
    state: str
    level: str = Field(description="The level that answers for it")
    holder: str
    first_handler: str
    filed_at: AwareDatetime
    resolve_due: AwareDatetime | None
    resolved_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    reason: str = Field(description="Why it is left out; empty when it is not")
    hit: bool = Field(description="Whether it is in the numerator")
    undecided: bool
    seconds: int | None = Field(description="How long it took, or has taken so far")


class Dashboard(BaseModel):
    """The figures that a centre looks at first."""

    figures: Mapping[str, KpiTable]
