"""From facts to the report: who reads what, in which order."""

from collections.abc import Mapping

from domain.months import CHINA
from projections.indicators.indicator import Words
from projections.indicators.standing import Provisional
from projections.reports import names
from projections.reports.appendix import appendix
from projections.reports.comparison import grid_section, ranking
from projections.reports.concerns import hot, rising
from projections.reports.content import Report, Row, Table
from projections.reports.facts import Facts
from projections.reports.overdue import overdue
from projections.reports.overview import changes, overview
from projections.reports.risks import risks
from projections.reports.satisfaction import satisfaction

_WHY: Mapping[Provisional, Words] = {
    Provisional.RUNNING: Words("本期未完", "the period is not over"),
    Provisional.SETTLING: Words("期末未满一日", "it has been over for less than a day"),
    Provisional.UNDECIDED: Words("部分件次尚未定局", "some matters may still change it"),
    Provisional.BEHIND: Words("数据滞后", "events are missing"),
}


def compose(facts: Facts) -> Report:
    """Say what the facts say."""
    order = facts.order
    where = names.unit(order.region, facts.names)
    return Report(
        title=Words(
            f"{where.zh}统计分析报告（{order.period}）", f"Statistical report, {where.en}, {order.period}"
        ),
        standing=_standing(facts),
        identity=_identity(facts),
        sections=(
            overview(facts), changes(facts), hot(facts), rising(facts), risks(facts), overdue(facts),
            satisfaction(facts), ranking(facts), grid_section(facts), appendix(),
        ),
    )  # fmt: skip


def _standing(facts: Facts) -> Words:
    if not facts.provisional:
        return Words("最终数据", "Final figures")
    reasons = [_WHY[reason] for reason in facts.provisional]
    return Words(
        f"暂定数据：{'；'.join(reason.zh for reason in reasons)}",
        f"Provisional figures: {'; '.join(reason.en for reason in reasons)}",
    )


def offsets_text(offsets: Mapping[int, int]) -> str:
    """Write a position of the log as it is given to `--position`: `partition:next offset`."""
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(offsets.items()))


def _identity(facts: Facts) -> Table:
    order = facts.order
    as_of = f"{order.as_of.astimezone(CHINA).isoformat()}"
    level = f" --level {order.level}" if order.level else ""
    position = offsets_text(order.offsets)
    command = (
        f"liudan report --region {order.region} --period {order.period}{level} --as-of {as_of} "
        f"--position {position}"
    )
    days = f"{order.period.first_day} – {order.period.last_moment:%Y-%m-%d}"
    rows: list[Row] = [
        (Words("地区", "Region"), names.same(f"{order.region}")),
        (Words("时段", "Period"), names.same(days)),
        (Words("统计时点", "As of"), names.same(as_of)),
        (Words("日志位置", "Log position"), names.same(position)),
        (Words("事件库位置", "Position of the event store"), names.same(str(facts.log.store_position))),
        (Words("重现本报告", "To make it again"), names.same(command)),
    ]  # fmt: skip
    rows += [
        (Words(f"来源 {origin} 的数据截至", f"What {origin} says is known up to"),
         names.same(moment.astimezone(CHINA).isoformat()))
        for origin, moment in sorted(order.known_until.items())
    ]  # fmt: skip
    return Table(Words("本报告", "This report"), (Words("项目", "What"), Words("内容", "Which")), tuple(rows))
