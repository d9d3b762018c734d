"""附录: the definitions of the indicators out of the registry."""

from projections.indicators.indicator import Indicator, Words
from projections.indicators.registry import REGISTRY
from projections.reports.content import Row, Section, Table
from projections.reports.names import same

_HEADS = (
    Words("指标", "Indicator"), Words("定义", "Definition"), Words("分子", "Numerator"),
    Words("分母", "Denominator"), Words("归期依据", "Belongs to the period of"), Words("剔除", "Left out"),
    Words("依据", "Source"),
)  # fmt: skip


def appendix() -> Section:
    """Every indicator as it is defined."""
    says = Words(
        "指标目录由程序中的唯一登记表生成，与接口、分析视图同源。",
        "Made of the one registry that the API and the analysts' views are made of.",
    )
    table = Table(Words("指标定义", "Definitions"), _HEADS, tuple(map(_row, REGISTRY.values())))
    return Section("definitions", Words("附录：指标定义", "Appendix: definitions"), (says,), (table,))


def _row(one: Indicator) -> Row:
    left_out = Words(
        "；".join(each.name.zh for each in one.exclusions) or "–",
        "; ".join(each.name.en for each in one.exclusions) or "–",
    )
    return (one.name, one.definition, one.numerator, one.denominator, one.period, left_out, same(one.source))
