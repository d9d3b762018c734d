"""热点诉求、上升诉求: what is reported most and where, and what rises beyond chance."""

from collections import Counter
from collections.abc import Mapping

from domain.periods import Period
from projections.indicators.figures import Key
from projections.indicators.indicator import Words
from projections.indicators.registry import REGISTRY
from projections.reports import names
from projections.reports.content import Cell, Chart, ChartKind, Kind, Point, Row, Section, Table
from projections.reports.entries import NO_SHARE, N, count, value
from projections.reports.facts import Facts
from projections.reports.spikes import (
    FALSE_ALARMS,
    MINIMUM_BASELINE,
    MINIMUM_COUNT,
    Series,
    Spike,
    dispersion,
    p_value,
    series_of,
    spikes,
)

TOP = 10
_CATEGORY, _PLACE, _SHARE = Words("诉求类别", "Concern"), Words("地点", "Place"), Words("占比", "Share")


def hot(facts: Facts) -> Section:
    """What is reported most, and where."""
    filed = facts.filed[facts.order.period]
    top = _most(_sums(filed, 1))
    where = _most(_sums(filed, 0))
    chart = Chart(
        "hot",
        ChartKind.HEAT,
        Words("热点诉求分布", "Where the hot concerns are"),
        Words(
            f"热力图：前 {len(top)} 类诉求在各地的受理量，数据见下表。",
            f"Heat map: cases of the {len(top)} most frequent concerns by place; numbers in the table.",
        ),
        Kind.COUNT,
        tuple(
            Point(names.unit(place, facts.names), filed.get((place, one), 0), group=names.category(one))
            for one in top
            for place in where
        ),
    )
    by_place = Table(
        Words("类别与地点", "Concerns by place"),
        (_CATEGORY, *(names.unit(place, facts.names) for place in where)),
        tuple((names.category(one), *(count(filed.get((place, one), 0)) for place in where)) for one in top),
    )
    return Section("hot", Words("热点诉求", "Hot concerns"), blocks=(_top(facts, top), chart, by_place))


def _top(facts: Facts, top: list[str]) -> Table:
    filed = facts.filed[facts.order.period]
    categories, total = _sums(filed, 1), sum(filed.values())
    shown = [REGISTRY[key] for key in ("on-time-rate", "satisfaction-rate", "repeat-concern-rate")]
    rows: list[Row] = []
    for one in top:
        figures = [(indicator, facts.categories[indicator.key].get((one,))) for indicator in shown]
        shares = [value(indicator, figure) if figure else NO_SHARE for indicator, figure in figures]
        rows.append(
            (
                names.category(one),
                count(categories[one]),
                Cell(Kind.SHARE, categories[one] / total),
                names.unit(_most_at(filed, one), facts.names),
                *shares,
            )
        )
    heads = (_CATEGORY, N, _SHARE, Words("最多的地点", "Most in"), *(indicator.name for indicator in shown))
    return Table(Words("前十类诉求", "The most frequent concerns"), heads, tuple(rows))


def rising(facts: Facts) -> Section:
    """What rises beyond chance."""
    tested = _series(facts)
    found = spikes(tested)
    last_year = facts.order.period.last_year
    seasonal = {spike.key: _seasonal(facts, spike, last_year) for spike in found}
    rows = tuple(
        (
            names.category(spike.key[1]), names.unit(spike.key[0], facts.names), count(spike.cases),
            Cell(Kind.NUMBER, spike.expected), Cell(Kind.TIMES, spike.ratio),
            Cell(Kind.PROBABILITY, spike.p), Cell(Kind.PROBABILITY, spike.q), seasonal[spike.key],
        )
        for spike in found
    )  # fmt: skip
    heads = (
        _CATEGORY, _PLACE, N, Words("预期", "Expected"), Words("倍数", "Times as many"),
        names.same("p"), names.same("q"), Words("与去年同期", "Last year"),
    )  # fmt: skip
    table = Table(Words("上升诉求", "Rising concerns"), heads, rows,
                  Words("没有超出偶然波动的上升。", "Nothing rises beyond chance."))  # fmt: skip
    chart = Chart(
        "rising", ChartKind.BARS, Words("上升诉求：本期与预期", "Rising concerns: seen and expected"),
        Words(f"条形图：{len(found)} 项上升诉求的本期件数，竖线为预期。",
              f"Bars: cases of {len(found)} rising concerns; a tick where they were expected."),
        Kind.COUNT,
        tuple(Point(_place_of(spike, facts), spike.cases, expected=spike.expected) for spike in found[:TOP]),
    )  # fmt: skip
    return Section(
        "rising", Words("上升诉求", "Rising concerns"), (_method(facts, tested),),
        (chart, table) if found else (table,),
    )  # fmt: skip


def found_spikes(facts: Facts) -> list[Spike[Key]]:
    """The rising concerns, by place and category."""
    return spikes(_series(facts))


def _series(facts: Facts) -> list[Series[Key]]:
    order = facts.order
    return series_of(
        facts.filed[order.period],
        order.days(order.period),
        [(facts.filed[period], order.days(period)) for period in baseline(facts)],
    )


def baseline(facts: Facts) -> list[Period]:
    """The earlier periods that are whole: the first one with cases may have begun in its middle."""
    earlier = facts.order.earlier
    first = next((n for n, period in enumerate(earlier) if facts.filed[period]), len(earlier))
    return list(earlier[first + 1 :] if first else earlier)


def _method(facts: Facts, tested: list[Series[Key]]) -> Words:
    periods, spread = baseline(facts), dispersion(tested)
    if len(periods) < MINIMUM_BASELINE:
        return Words(
            f"此前只有 {len(periods)} 个完整的期，少于 {MINIMUM_BASELINE} 个，未作检验。",
            f"There are {len(periods)} whole periods before, fewer than {MINIMUM_BASELINE}: nothing was "
            "tested.",
        )
    return Words(
        f"方法：负二项精确检验（无过度离散时即 Przyborowski–Wilenski 两泊松率条件检验），"
        f"基线为 {periods[0]} 至 {periods[-1]}，离散系数 {spread:.2f}；"
        f"共检验 {len(tested)} 个类别与地点，Benjamini–Hochberg 校正，"
        f"错误发现率 ≤ {FALSE_ALARMS:.0%}，且不少于 {MINIMUM_COUNT} 件。",
        f"Method: exact test with a negative binomial (without overdispersion it is Przyborowski and "
        f"Wilenski's conditional test of two Poisson rates) against {periods[0]} to {periods[-1]}, "
        f"dispersion {spread:.2f}; {len(tested)} concerns and places were tested, corrected by "
        f"Benjamini and Hochberg, false discovery rate ≤ {FALSE_ALARMS:.0%}, at least {MINIMUM_COUNT} cases.",
    )


def _seasonal(facts: Facts, spike: Spike[Key], last_year: Period) -> Words:
    """Whether last year's same period was as high: then it may be the season."""
    if not facts.filed.get(last_year):
        return Words("无数据", "no data")
    order = facts.order
    now, then = facts.filed[order.period], facts.filed[last_year]
    [series] = series_of({spike.key: now[spike.key]}, order.days(order.period),
                         [({spike.key: then.get(spike.key, 0)}, order.days(last_year))])  # fmt: skip
    was = then.get(spike.key, 0)
    if p_value(series, dispersion(_series(facts))) > FALSE_ALARMS:
        return Words(f"{was} 件，或为季节性", f"{was}; may be the season")
    return Words(f"{was} 件，也高于去年", f"{was}; above that, too")


def _place_of(spike: Spike[Key], facts: Facts) -> Words:
    place, category = names.unit(spike.key[0], facts.names), names.category(spike.key[1])
    return Words(f"{place.zh} · {category.zh}", f"{place.en} · {category.en}")


def _sums(filed: Mapping[Key, int], part: int) -> Counter[str]:
    sums = Counter[str]()
    for key, number in filed.items():
        sums[key[part]] += number
    return sums


def _most(sums: Counter[str]) -> list[str]:
    return sorted(sums, key=lambda one: (-sums[one], one))[:TOP]


def _most_at(filed: Mapping[Key, int], category: str) -> str:
    here = {place: number for (place, other), number in filed.items() if other == category}
    return min(here, key=lambda place: (-here[place], place))
