"""超期及责任: what was late and who answers for it, by level and by unit, and how long each level held it."""

from collections import defaultdict
from collections.abc import Mapping

from projections.indicators.figures import Counted, Figure, Key, figure_of
from projections.indicators.indicator import Words
from projections.indicators.registry import REGISTRY
from projections.reports import names
from projections.reports.content import Cell, Chart, ChartKind, Kind, Point, Row, Section, Table
from projections.reports.entries import INTERVAL, NO_SHARE, count, interval, value
from projections.reports.facts import Facts
from projections.reports.gather import TIMES

TOP = 15
_ON_TIME, _BACKLOG = REGISTRY["on-time-rate"], REGISTRY["overdue-backlog-rate"]
_HEADS = (
    Words("应结", "Due"), Words("超期", "Late"), _ON_TIME.name, INTERVAL, Words("期末在办", "Waiting"),
    Words("其中超期", "Of them late"), _BACKLOG.name,
)  # fmt: skip
_LEVEL, _UNIT = Words("层级", "Level"), Words("承办单位", "Unit that answers")


def late(figure: Figure) -> int:
    """How many of those due were not resolved in time."""
    return figure.counted.included - figure.numerator


def overdue(facts: Facts) -> Section:
    """What was late, and whose."""
    on_time, backlog = facts.holders[_ON_TIME.key], facts.holders[_BACKLOG.key]
    levels = _by_level(on_time)
    waiting = _by_level(backlog)
    by_level = tuple(
        (names.level(level), *_cells(levels[level], waiting.get(level)))
        for level in names.LEVELS
        if level in levels
    )
    worst = sorted(on_time, key=lambda key: (-late(on_time[key]), key))[:TOP]
    by_unit: tuple[Row, ...] = tuple(
        (names.unit(key[1], facts.names), names.level(key[0]), *_cells(on_time[key], backlog.get(key)))
        for key in worst
        if late(on_time[key])
    )
    chart = Chart(
        "late",
        ChartKind.BARS,
        Words("各层级超期件次", "Late matters by level"),
        Words(
            f"条形图：{len(by_level)} 个层级的超期件次，数据见下表。",
            f"Bars: late matters of {len(by_level)} levels; numbers in the table.",
        ),
        Kind.COUNT,
        tuple(Point(names.level(level), late(levels[level])) for level in names.LEVELS if level in levels),
    )
    blocks = (
        chart,
        Table(Words("按层级", "By level"), (_LEVEL, *_HEADS), by_level),
        Table(Words("超期最多的单位", "The units with the most"), (_UNIT, _LEVEL, *_HEADS), by_unit),
        _times(facts),
    )
    return Section("overdue", Words("超期及责任", "Overdue, and whose"), (_SAYS,), blocks)


_SAYS = Words(
    "件次归于承办单位：办结它的单位，未办结的归于最后持有的单位。时限过后再调整的，仍算超期。"
    "报告不列工单编号；逐件责任见 liudan ticket accountability，各环节超期见 liudan sla accountability。",
    "A matter is charged to the unit that answers for it: the one that resolved it, else the one that held "
    "it last. A limit that was moved after it had passed stays broken. No ticket numbers are listed: `liudan "
    "ticket accountability` says who held each for how long, `liudan sla accountability` sums all clocks.",
)


def _by_level(figures: Mapping[Key, Figure]) -> dict[str, Figure]:
    sums: dict[str, list[Counted]] = defaultdict(list)
    for (level, _), figure in figures.items():
        sums[level].append(figure.counted)
    return {
        level: figure_of(
            _ON_TIME,  # any share: the value is hits over included
            Counted(sum(one.included for one in all_), sum(one.hits for one in all_), {}, 0, 0),
        )
        for level, all_ in sums.items()
    }


def _cells(on_time: Figure, backlog: Figure | None) -> Row:
    return (
        count(on_time.denominator),
        count(late(on_time)),
        value(_ON_TIME, on_time),
        interval(_ON_TIME, on_time),
        count(backlog.denominator if backlog else 0),
        count(backlog.numerator if backlog else 0),
        value(_BACKLOG, backlog) if backlog else NO_SHARE,
    )


def _times(facts: Facts) -> Table:
    rows = []
    for indicator in TIMES:
        figure = facts.times[indicator.key][()]
        rows.append(
            (
                indicator.name,
                count(figure.denominator),
                value(indicator, figure),
                Cell(Kind.SECONDS, figure.p90),
            )
        )
    heads = (_LEVEL, Words("件次", "Matters"), Words("中位数", "Median"), Words("90 分位", "90th percentile"))
    return Table(Words("各层级用时", "How long each level held it"), heads, tuple(rows))
