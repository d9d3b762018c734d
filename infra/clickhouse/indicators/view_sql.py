"""The views `liudan.kpi_*`, made of the registry: `python -m infra.clickhouse.indicators.view_sql`.

What it prints is kept as `views/300_kpis.sql`; a test says when the registry has moved on. A row is a matter
that belongs to the indicator, as of now, so that any sum over any grouping gives the same figure as the API.
"""

from collections.abc import Iterator, Sequence

from infra.clickhouse.indicators.figure_sql import HIT, LEFT_OUT, SPEAKS, Bounds, Selection, judged
from infra.clickhouse.indicators.matter_tables import MATTERS_VIEW
from infra.clickhouse.schema import ORIGINS_TABLE
from projections.indicators.indicator import Indicator, Unit
from projections.indicators.question import DIMENSIONS
from projections.indicators.registry import REGISTRY

HEAD = """\
-- Made of the registry of indicators: python -m infra.clickhouse.indicators.view_sql > views/300_kpis.sql
"""
_NOW = "now64(6, 'Asia/Shanghai')"
_SILENT = f"(SELECT groupArray((origin, known_until)) FROM {ORIGINS_TABLE} FINAL)"  # noqa: S608 - own name
_BOUNDS = Bounds(
    in_period="isNotNull({at})",
    known_until=(
        f"if(untouched, least({_NOW}, ifNull(arrayFirstOrNull(one -> one.1 = toString(origin), {_SILENT}).2, "
        f"{_NOW})), {_NOW})"
    ),
    snapshot=_NOW,
    looks_at=SPEAKS,
)
_TIME = "DateTime64(6, 'Asia/Shanghai')"
_PLACES = ("region", *DIMENSIONS.values())


def view_name(key: str) -> str:
    """Name the view of an indicator, for example `liudan.kpi_closing_rate`."""
    return f"liudan.kpi_{key.replace('-', '_')}"


def view_sql(indicator: Indicator) -> str:
    """Give the statement that makes an indicator's view."""
    columns = ",\n".join(f"    {name} {kind} COMMENT '{says}'" for name, kind, says in _columns(indicator))
    reasons = [one.key for one in indicator.exclusions]
    selection = Selection((indicator,), _matters, _BOUNDS)
    in_numerator = f"< {LEFT_OUT}" if indicator.unit is Unit.COUNT else f"= {HIT}"
    return f"""CREATE OR REPLACE VIEW {view_name(indicator.key)}
(
{columns}
)
COMMENT '{_escaped(f"{indicator.name.zh} {indicator.name.en}: {indicator.definition.en}")}'
AS SELECT
    number,
    cycle,
    assumeNotNull(at_0) AS at,
    {", ".join(_PLACES)},
    verdict_0 {in_numerator} AS numerator,
    verdict_0 < {LEFT_OUT} AS denominator,
    transform(verdict_0, {[*range(LEFT_OUT, LEFT_OUT + len(reasons))]}, {reasons}, '') AS excluded,
    undecided_0 AS undecided,
    {"seconds_0" if indicator.duration else "NULL"} AS seconds,
    late_events
FROM ({judged(selection, ["number", "cycle", *_PLACES])})
;
"""  # noqa: S608 - our own names and definitions


def views_sql() -> str:
    """Give the whole file."""
    return "\n".join([HEAD, *map(view_sql, REGISTRY.values())])


def _columns(indicator: Indicator) -> Iterator[tuple[str, str, str]]:
    yield "number", "String", "ticket number"
    yield "cycle", "UInt32", "which time round: 1, and one more with every reopening"
    yield "at", _TIME, _escaped(f"what puts it into a period: {indicator.period.en}")
    for name in _PLACES:
        yield name, "LowCardinality(String)", f"as in {MATTERS_VIEW}"
    yield "numerator", "Bool", _escaped(indicator.numerator.en)
    yield "denominator", "Bool", _escaped(f"counted at all; {indicator.denominator.en}")
    yield "excluded", "LowCardinality(String)", "why it is left out; empty when it is not"
    yield "undecided", "Bool", "whether it may still change the figure in the ordinary course of things"
    yield "seconds", "Nullable(UInt64)", "how long it took, or has taken so far where numerator is false"
    yield (
        "late_events",
        "UInt16",
        "how many of its events were recorded more than 24 hours after they happened",
    )


def _matters(columns: Sequence[str]) -> str:
    return f"SELECT {', '.join(columns)} FROM {MATTERS_VIEW}"  # noqa: S608 - our own names


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''")


if __name__ == "__main__":
    print(views_sql(), end="")
