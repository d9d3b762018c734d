"""A report as one HTML page that asks nobody for anything: no script, no request, charts inside."""

from functools import cache, partial

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from infra.reports.charts import svg
from projections.indicators.indicator import Words
from projections.reports.content import Cell, Chart, Report, Span
from projections.reports.language import TAGS, Language, in_one_line, spoken
from projections.reports.number_text import written

_CONTENTS = Words("目录", "Contents")


def to_html(report: Report, language: Language) -> bytes:
    """Lay a report out; the same report gives the same bytes."""
    page = _environment(language).get_template("report.html.jinja")
    return page.render(report=report, tag=TAGS[language], contents=_CONTENTS).encode()


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("infra.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "lines": partial(spoken, language=language),
        "line": partial(in_one_line, language=language),
        "written": written,
        "drawn": partial(_drawn, language=language),
    }
    environment.tests |= {
        "chart": lambda block: isinstance(block, Chart),
        "number_entry": lambda entry: isinstance(entry, Cell | Span),
    }
    return environment


def _drawn(chart: Chart, language: Language) -> Markup:
    """The drawing, for those who cannot see it with what it shows; our own library's, and no page's input."""
    label = escape(in_one_line(chart.says, language))
    drawing = svg(chart, language).replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    return Markup(drawing)  # noqa: S704 - made by Vega from our own numbers and names
