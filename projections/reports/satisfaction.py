"""群众评价: what residents say, by place and by concern. Silence is not an answer."""

from projections.indicators.indicator import Words
from projections.indicators.registry import REGISTRY
from projections.reports import names
from projections.reports.content import Cell, Chart, ChartKind, Kind, Point, Row, Section, Table
from projections.reports.entries import INTERVAL, NO_SHARE, UNIT, count, interval, value
from projections.reports.facts import Facts

_SOLVED, _SATISFIED = REGISTRY["solution-rate"], REGISTRY["satisfaction-rate"]
_ANSWERS = Words("评价数", "Answers")


def satisfaction(facts: Facts) -> Section:
    """What residents say."""
    overall = next(one.now for one in facts.overview if one.indicator is _SATISFIED)
    silent = sum(overall.counted.excluded.values())
    asked = silent + overall.counted.included
    share = Cell(Kind.SHARE, silent / asked if asked else None)
    says = Words(
        f"期内 {asked:,} 件次请群众评价，{silent:,} 件次未评价，不计入满意率和解决率。",
        f"{asked:,} residents were asked; {silent:,} did not answer and count neither way.",
    )
    figures = facts.units[_SATISFIED.key]
    chart = Chart(
        "satisfaction",
        ChartKind.DOTS,
        Words("各地满意率", "Satisfaction by place"),
        Words(
            f"点图：{len(figures)} 个单位的满意率及 95% 区间；竖线为全域。",
            f"Dots: satisfaction in {len(figures)} places with 95 % intervals; the rule is the whole region.",
        ),
        Kind.SHARE,
        tuple(
            Point(names.unit(key[0], facts.names), one.value, one.interval.low, one.interval.high)
            for key, one in figures.items()
            if one.interval
        ),
        overall.value,
    )
    silence = Table(
        Words("未评价", "No answer"),
        (Words("项目", "What"), Words("件次", "Matters"), Words("占比", "Share")),
        ((Words("未评价", "did not answer"), count(silent), share),),
    )
    return Section(
        "satisfaction", Words("群众评价", "Satisfaction"), (says,),
        (chart, _by_unit(facts), _by_category(facts), silence),
    )  # fmt: skip


def _by_unit(facts: Facts) -> Table:
    rows: list[Row] = []
    for key, satisfied in facts.units[_SATISFIED.key].items():
        solved = facts.units[_SOLVED.key].get(key)
        rows.append(
            (
                names.unit(key[0], facts.names),
                count(satisfied.denominator),
                value(_SATISFIED, satisfied),
                interval(_SATISFIED, satisfied),
                value(_SOLVED, solved) if solved else NO_SHARE,
            )
        )
    heads = (UNIT, _ANSWERS, _SATISFIED.name, INTERVAL, _SOLVED.name)
    return Table(Words("按地点", "By place"), heads, tuple(rows))


def _by_category(facts: Facts) -> Table:
    figures = facts.categories[_SATISFIED.key]
    answered = [key for key in figures if figures[key].counted.included]
    order = sorted(answered, key=lambda key: (figures[key].value or 0, key))
    rows = tuple(
        (
            names.category(key[0]),
            count(figures[key].denominator),
            value(_SATISFIED, figures[key]),
            interval(_SATISFIED, figures[key]),
        )
        for key in order
    )
    heads = (Words("诉求类别", "Concern"), _ANSWERS, _SATISFIED.name, INTERVAL)
    return Table(Words("按类别，从低到高", "By concern, the lowest first"), heads, rows)
