"""How long a prefecture's monthly report takes over millions of events."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from domain.periods import Period
from domain.regions import Region
from infra.clickhouse.report_queries import ClickHouseReportQueries
from infra.reports.formats import ReportFormat, rendered
from projections.reports.compose import compose
from projections.reports.content import Report
from projections.reports.gather import gather
from projections.reports.language import Language
from projections.reports.order import ReportOrder
from tests.benchmarks.large_warehouse import large_warehouse
from tests.benchmarks.measure import Direction, Figure, Limit, Place, Sides

_EVENTS, _QUICK_EVENTS = 5_000_000, 100_000
_ORDER = ReportOrder(Region("6229"), Period.parse("2026-09"), datetime(2027, 2, 1, tzinfo=UTC))
_FORMS = (ReportFormat.HTML, ReportFormat.PDF, ReportFormat.XLSX)


class PrefectureReport:
    """A prefecture's monthly report as HTML in both languages, in seconds from the order to the last byte.

    The embedded ClickHouse, a process of its own, with 5 million events (quick: 100,000): its figures, twelve
    months of baseline, the tests for rising concerns, the grids, and the charts. Beside it: the seconds that
    go into asking, and what PDF and XLSX take to write.
    """

    name = "report"
    unit = "s"
    against = "–"
    limit = Limit(Direction.AT_MOST, 5)

    @contextmanager
    def open(self, place: Place) -> Iterator[Sides]:
        """Fill the warehouse and make the report once."""
        with (
            large_warehouse(place, place.pick(_EVENTS, _QUICK_EVENTS)) as (_, connect),
            closing(ClickHouseReportQueries(connect)) as asked,
        ):

            def content() -> Report:
                return compose(gather(_ORDER, asked, lambda _: None))

            def measured() -> Figure:
                began = time.perf_counter()
                report = content()
                asking = time.perf_counter() - began
                html, pdf, xlsx = (_writing(report, form) for form in _FORMS)
                return Figure(asking + html, (("asking", asking), ("pdf", pdf), ("xlsx", xlsx)))

            measured()
            yield Sides(measured)


def _writing(report: Report, form: ReportFormat) -> float:
    began = time.perf_counter()
    rendered(report, form, Language.BOTH)
    return time.perf_counter() - began
