"""风险提示: where somebody has to look first. Every rule says what it looks at; none judges people."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from projections.indicators.figures import Figure
from projections.indicators.indicator import Words
from projections.indicators.registry import REGISTRY
from projections.reports import names
from projections.reports.concerns import found_spikes
from projections.reports.content import Cell, Entry, Kind, Section, Span, Table
from projections.reports.entries import count, interval
from projections.reports.facts import Facts

SENSITIVE = ("safety.", "disputes.")
"""Categories whose delay can do harm: hazards, and disputes that may become worse."""
MANY_REPEATED = 0.2
FEW = 5
"""Fewer late matters make no unit a risk."""
_BACKLOG, _REPEATED = REGISTRY["overdue-backlog-rate"], REGISTRY["repeat-concern-rate"]


class Risk(NamedTuple):
    """One thing to look at."""

    where: Words
    number: Cell
    share: Span | Cell


class Rule(NamedTuple):
    """When something is a risk."""

    name: Words
    says: Words
    find: Callable[[Facts], Iterator[Risk]]


def risks(facts: Facts) -> Section:
    """What the rules find."""
    rows: list[tuple[Entry, ...]] = []
    for rule in RULES:
        rows += [(rule.name, found.where, found.number, found.share) for found in rule.find(facts)]
    heads = (Words("风险", "Risk"), Words("何处", "Where"), Words("件数", "Cases"),
             Words("比率或区间", "Share, interval"))  # fmt: skip
    rules = Table(
        Words("规则", "The rules"),
        (Words("风险", "Risk"), Words("判定", "When")),
        tuple((rule.name, rule.says) for rule in RULES),
    )
    found = Table(Words("提示", "What to look at"), heads, tuple(rows), Words("无。", "Nothing."))
    return Section("risks", Words("风险提示", "Risks"), blocks=(found, rules))


def _late_and_sensitive(facts: Facts) -> Iterator[Risk]:
    for (category,), figure in facts.categories[_BACKLOG.key].items():
        if category.startswith(SENSITIVE) and figure.numerator:
            yield Risk(names.category(category), count(figure.numerator), interval(_BACKLOG, figure))


def _rising_and_sensitive(facts: Facts) -> Iterator[Risk]:
    for spike in found_spikes(facts):
        place, category = spike.key
        if category.startswith(SENSITIVE):
            where, what = names.unit(place, facts.names), names.category(category)
            yield Risk(
                Words(f"{where.zh} · {what.zh}", f"{where.en} · {what.en}"),
                count(spike.cases),
                Cell(Kind.TIMES, spike.ratio),
            )


def _later_than_the_rest(facts: Facts) -> Iterator[Risk]:
    overall = next(one.now for one in facts.overview if one.indicator is _BACKLOG)
    for (place,), figure in facts.units[_BACKLOG.key].items():
        if figure.numerator >= FEW and _is_above(figure, overall):
            yield Risk(names.unit(place, facts.names), count(figure.numerator), interval(_BACKLOG, figure))


def _is_above(figure: Figure, overall: Figure) -> bool:
    return figure.interval is not None and overall.value is not None and figure.interval.low > overall.value


def _repeated(facts: Facts) -> Iterator[Risk]:
    for (category,), figure in facts.categories[_REPEATED.key].items():
        if figure.interval and figure.interval.low > MANY_REPEATED:
            yield Risk(names.category(category), count(figure.numerator), interval(_REPEATED, figure))


def _emergencies(facts: Facts) -> Iterator[Risk]:
    for (place,), figure in facts.units["emergency-response-time"].items():
        if figure.counted.included:
            yield Risk(
                names.unit(place, facts.names),
                count(figure.counted.included),
                Cell(Kind.SECONDS, figure.value),
            )


RULES = (
    Rule(
        Words("安全与纠纷超期", "Hazards and disputes overdue"),
        Words("安全、纠纷类在办件次已超期", "matters about safety or disputes wait past their limit"),
        _late_and_sensitive,
    ),
    Rule(
        Words("安全与纠纷上升", "Hazards and disputes rising"),
        Words("安全、纠纷类在上升诉求之列", "such a concern is among the rising ones"),
        _rising_and_sensitive,
    ),
    Rule(
        Words("超期积压", "Overdue backlog"),
        Words(
            f"超期在办不少于 {FEW} 件，且在办超期率的区间整个高于全域",
            f"at least {FEW} wait past their limit, and their share is surely above the region's",
        ),
        _later_than_the_rest,
    ),
    Rule(
        Words("反复诉求", "Repeated concerns"),
        Words(
            f"重复诉求率的区间整个高于 {MANY_REPEATED:.0%}",
            f"the rate of repeated concerns is surely above {MANY_REPEATED:.0%}",
        ),
        _repeated,
    ),
    Rule(
        Words("应急处置", "Emergencies"),
        Words("期内启动应急；比率栏为响应时长中位数", "declared in the period; with the median response"),
        _emergencies,
    ),
)
