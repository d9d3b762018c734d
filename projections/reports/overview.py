"""总体情况: the twelve figures, what they were, and how the period lies in the run of those before."""

from collections.abc import Iterator

from projections.indicators.indicator import Direction, Indicator, Words
from projections.indicators.registry import REGISTRY
from projections.reports.change import Change, change, verdict
from projections.reports.content import Cell, Chart, ChartKind, Kind, Point, Row, Section, Table
from projections.reports.entries import INTERVAL, VALUE, count, difference, difference_span, interval, value
from projections.reports.facts import Compared, Facts
from projections.reports.names import same

_INDICATOR = Words("指标", "Indicator")
_BETTER, _WORSE = Words("好转", "better"), Words("变差", "worse")
_CLEAR, _UNCLEAR = Words("有变化", "changed"), Words("无明显变化", "no clear change")
_NONE = Words("无法比较", "cannot be compared")


def overview(facts: Facts) -> Section:
    """The twelve figures with what they are made of."""
    rows = tuple(
        (
            one.indicator.name,
            value(one.indicator, one.now),
            interval(one.indicator, one.now),
            count(one.now.numerator),
            count(one.now.denominator),
            count(sum(one.now.counted.excluded.values())),
            count(one.now.counted.undecided),
        )
        for one in facts.overview
    )
    heads = (
        _INDICATOR, VALUE, INTERVAL, Words("分子", "Numerator"), Words("分母", "Denominator"),
        Words("剔除", "Left out"), Words("未定", "Undecided"),
    )  # fmt: skip
    filed, on_time = facts.overview[0].now, facts.overview[2].now
    says = Words(
        f"本期受理 {filed.numerator:,} 件，应结 {on_time.denominator or 0:,} 件，"
        f"按期办结 {on_time.numerator:,} 件。时长为中位数。",
        f"{filed.numerator:,} cases were filed in the period; {on_time.denominator or 0:,} were due to be "
        f"closed and {on_time.numerator:,} of them were in time. Durations are medians.",
    )
    return Section(
        "overview", Words("总体情况", "Overview"), (says,),
        (Table(Words("十二项指标", "Twelve figures"), heads, rows), *_charts(facts)),
    )  # fmt: skip


def changes(facts: Facts) -> Section:
    """环比、同比: what has changed since the period before and since last year, and whether beyond chance."""
    period = facts.order.period
    tables = (
        _table(facts, Words("与上期相比（环比）", "Since the period before"), "before", str(period.before)),
        _table(facts, Words("与去年同期相比（同比）", "Since last year"), "last_year", str(period.last_year)),
    )
    says = Words(
        "比率之差按 Newcombe 法、件数之比按两个泊松率之比给出 95% 区间；区间不含零才算变化。"
        "件数按天数折算；时长与期末存量只给出变化，不作判断。",
        "Differences of shares have Newcombe's 95 % interval, ratios of counts that of two Poisson rates; "
        "only an interval without zero counts as a change. Counts are compared per day; of medians and "
        "of the backlog only the change is given, without a judgement.",
    )
    return Section("change", Words("变化情况", "Change"), (says,), tables)


def _table(facts: Facts, title: Words, earlier: str, name: str) -> Table:
    heads = (
        _INDICATOR, VALUE, Words(f"{name} 数值", f"Value in {name}"), Words("变化", "Change"), INTERVAL,
        Words("判断", "Judgement"),
    )  # fmt: skip
    return Table(title, heads, tuple(_row(facts, one, earlier) for one in facts.overview))


def _row(facts: Facts, one: Compared, earlier: str) -> Row:
    order, indicator = facts.order, one.indicator
    was, then = (
        (one.before, order.period.before) if earlier == "before" else (one.last_year, order.period.last_year)
    )
    change_ = change(indicator, one.now, was, (order.days(order.period), order.days(then)))
    return (
        indicator.name, value(indicator, one.now), value(indicator, was), difference(indicator, change_),
        difference_span(indicator, change_), _judgement(indicator, change_),
    )  # fmt: skip


def _judgement(indicator: Indicator, change_: Change | None) -> Words:
    if change_ is None:
        return _NONE
    if change_.interval is None:
        return same("–")
    if not change_.is_clear:
        return _UNCLEAR
    if indicator.direction is Direction.NEUTRAL:
        return _CLEAR
    return _BETTER if verdict(indicator, change_) else _WORSE


def _charts(facts: Facts) -> Iterator[Chart | Table]:
    order = facts.order
    shown = [period for period in (*order.earlier, order.period) if facts.filed.get(period)]
    filed = {period: sum(facts.filed[period].values()) for period in shown}
    most = max(filed, key=lambda period: filed[period], default=order.period)
    yield Chart(
        "filed", ChartKind.COLUMNS, Words("受理量走势", "Cases filed, period by period"),
        Words(
            f"柱状图：{len(shown)} 期受理量，最多的是 {most}，{filed.get(most, 0):,} 件。",
            f"Columns: cases filed in {len(shown)} periods; the most in {most}, {filed.get(most, 0):,}.",
        ),
        Kind.COUNT, tuple(Point(same(str(period)), filed[period]) for period in shown),
    )  # fmt: skip
    for key, figures in facts.trend.items():
        indicator = REGISTRY[key]
        points = tuple(
            Point(same(str(period)), figure.value, figure.interval.low, figure.interval.high)
            for period, figure in figures.items()
            if figure.interval and period in shown
        )
        yield Chart(
            f"trend-{key}", ChartKind.LINE,
            Words(f"{indicator.name.zh}走势", f"{indicator.name.en}, period by period"),
            Words(
                f"折线图：{indicator.name.zh}，{len(points)} 期，带 95% 区间。",
                f"Line: {indicator.name.en.lower()} in {len(points)} periods, with its 95 % interval.",
            ),
            Kind.SHARE, points,
        )  # fmt: skip
    heads = (
        Words("期", "Period"),
        REGISTRY["cases-filed"].name,
        *(REGISTRY[key].name for key in facts.trend),
    )
    yield Table(Words("各期数值", "Period by period"), heads, tuple(
        (
            same(str(period)),
            count(filed[period]),
            *(Cell(Kind.SHARE, by[period].value if period in by else None) for by in facts.trend.values()),
        )
        for period in shown
    ))  # fmt: skip
