"""排名、网格: who is better, as far as that can be said, and which grids need help or have improved."""

from projections.indicators.figures import Figure, Key
from projections.indicators.indicator import Indicator, Words
from projections.indicators.ranking import MINIMUM_CASES, Ranking, rank
from projections.indicators.registry import REGISTRY
from projections.reports import grids, names
from projections.reports.content import Chart, ChartKind, Kind, Point, Row, Section, Table
from projections.reports.entries import (
    INTERVAL,
    RANK,
    UNIT,
    N,
    count,
    difference,
    difference_span,
    interval,
    value,
)
from projections.reports.facts import Facts
from projections.reports.overdue import late

RANKED = ("on-time-rate", "closing-rate", "response-rate", "satisfaction-rate")
_ON_TIME = REGISTRY["on-time-rate"]


def ranking(facts: Facts) -> Section:
    """Units by the worse end of their intervals; those with too few cases apart."""
    says = Words(
        f"按 95% 区间（Wilson）的下限排名；少于 {MINIMUM_CASES} 件的不排名，单列。"
        "区间相交的单位，名次差别不足为凭。",
        f"Ranked by the lower end of the 95 % interval (Wilson); units with fewer than {MINIMUM_CASES} cases "
        "are not ranked and stand apart. Where intervals overlap, a difference in rank means little.",
    )
    blocks: list[Table | Chart] = [_chart(facts)]
    for key in RANKED:
        blocks += _tables(facts, REGISTRY[key])
    return Section("ranking", Words("排名", "Ranking"), (says,), tuple(blocks))


def _tables(facts: Facts, indicator: Indicator) -> list[Table]:
    figures = facts.units[indicator.key]
    found = rank(indicator, figures)
    ranked = sorted(found.places, key=lambda key: (found.places[key], key))
    heads = (UNIT, RANK, N, indicator.name, INTERVAL)
    tables = [
        Table(
            Words(f"按{indicator.name.zh}", f"By {indicator.name.en.lower()}"),
            heads,
            tuple(_row(facts, indicator, key, figures[key], found) for key in ranked),
            Words("没有单位达到最低件数。", "No unit has enough cases."),
        )
    ]
    few = [key for key in found.too_few if figures[key].counted.included]
    if few:
        title = Words(f"{indicator.name.zh}：件数太少，不排名",
                      f"{indicator.name.en}: too few to rank")  # fmt: skip
        rows = tuple(_row(facts, indicator, key, figures[key], found) for key in few)
        tables.append(Table(title, heads, rows))
    return tables


def _row(facts: Facts, indicator: Indicator, key: Key, figure: Figure, found: Ranking) -> Row:
    return (
        names.unit(key[0], facts.names),
        count(found.places.get(key)),
        count(figure.counted.included),
        value(indicator, figure),
        interval(indicator, figure),
    )


def _chart(facts: Facts) -> Chart:
    figures = facts.units[_ON_TIME.key]
    places = rank(_ON_TIME, figures).places
    shown = sorted(places, key=lambda key: (places[key], key))
    overall = next(one.now for one in facts.overview if one.indicator is _ON_TIME)
    return Chart(
        "ranking",
        ChartKind.DOTS,
        Words("各地按期结案率", "On-time rate by place"),
        Words(
            f"点图：{len(shown)} 个单位的按期结案率及 95% 区间，按名次；竖线为全域。",
            f"Dots: on-time rates of {len(shown)} places with 95 % intervals, by rank; the rule is the whole "
            "region.",
        ),
        Kind.SHARE,
        tuple(
            Point(names.unit(key[0], facts.names), one.value, one.interval.low, one.interval.high)
            for key, one in ((key, figures[key]) for key in shown)
            if one.interval
        ),
        overall.value,
    )


def grid_section(facts: Facts) -> Section:
    """The five worst grids, and the five that have improved most, by their on-time rate."""
    enough = grids.compared(facts.grids)
    says = Words(
        f"按期结案率；期内应结不少于 {grids.MINIMUM_CASES} 件的网格有 {enough} 个，只比较这些。"
        "最差按区间上限，改善按两期之差（Newcombe 法）的区间下限。",
        f"By on-time rate; {enough} grids had at least {grids.MINIMUM_CASES} matters due, only these are "
        "compared. The worst by the upper end of the interval, the best improved by the lower end of that of "
        "the difference (Newcombe).",
    )
    few = Words("没有网格达到最低件数。", "No grid has enough cases.")
    worst = tuple(
        (
            names.same(one.code),
            count(one.figure.counted.included),
            count(late(one.figure)),
            value(_ON_TIME, one.figure),
            interval(_ON_TIME, one.figure),
        )
        for one in grids.worst(facts.grids)
    )
    improved = tuple(
        (
            names.same(one.code),
            count(one.figure.counted.included),
            value(_ON_TIME, one.figure),
            difference(_ON_TIME, one.change),
            difference_span(_ON_TIME, one.change),
            _clear if one.change and one.change.is_clear else _chance,
        )
        for one in grids.best_improved(_ON_TIME, facts.grids, facts.grids_before)
    )
    grid, due = Words("网格", "Grid"), Words("应结", "Due")
    heads = (grid, due, Words("超期", "Late"), _ON_TIME.name, INTERVAL)
    better = (grid, due, _ON_TIME.name, Words("比上期", "Since before"), INTERVAL, Words("判断", "Judgement"))
    return Section(
        "grids", Words("网格：最差与改善最大", "Grids: worst, and best improved"), (says,),
        (
            Table(Words("最差的五个网格", "The five worst"), heads, worst, few),
            Table(Words("改善最大的五个网格", "The five best improved"), better, improved, few),
        ),
    )  # fmt: skip


_clear = Words("明显改善", "clearly better")
_chance = Words("或属偶然", "may be chance")
