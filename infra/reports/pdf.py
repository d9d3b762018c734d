"""A report as PDF: tagged for screen readers (PDF/UA-1), charts as vectors, the Chinese font inside.

The font (Noto Sans SC) comes with the extra `reports`, so that nothing depends on what a machine has: the
machine's own fonts are not looked at.
"""

from importlib.resources import files
from typing import TypeAlias

import orjson
import typst

from infra.reports.charts import FONT_PACKAGE, svg
from projections.indicators.indicator import Words
from projections.reports.content import Chart, Entry, Report, Section, Table
from projections.reports.language import TAGS, Language, in_one_line, spoken
from projections.reports.number_text import written

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int
_NARROW, _WIDE, _BETWEEN = 4, 34, 2
_CHINESE = "\u2e80"
"""From here on a character is as wide as two."""


def to_pdf(report: Report, language: Language) -> bytes:
    """Lay a report out; the same report gives the same bytes."""
    template = (files("infra.reports") / "templates" / "report.typ").read_bytes()
    compiler = typst.Compiler(
        template,
        font_paths=typst.Fonts(False, False, [str(files(FONT_PACKAGE))]),
        sys_inputs={"report": orjson.dumps(_report(report, language)).decode()},
    )
    pdf = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=0)
    if not isinstance(pdf, bytes):
        raise TypeError(type(pdf))
    return pdf


def _report(report: Report, language: Language) -> Json:
    tag, _, region = TAGS[language].partition("-")
    return {
        "title": list(spoken(report.title, language)),
        "lang": tag,
        "region": region or "GB",
        "standing": list(spoken(report.standing, language)),
        "identity": _table(report.identity, language),
        "sections": [_section(section, language) for section in report.sections],
    }


def _section(section: Section, language: Language) -> Json:
    shown = [block for block in section.blocks if not isinstance(block, Chart) or block.points]
    return {
        "title": in_one_line(section.title, language),
        "says": [list(spoken(words, language)) for words in section.says],
        "blocks": [
            _chart(block, language) if isinstance(block, Chart) else _table(block, language)
            for block in shown
        ],
    }


def _chart(chart: Chart, language: Language) -> Json:
    return {
        "type": "chart",
        "title": in_one_line(chart.title, language),
        "alt": in_one_line(chart.says, language),
        "svg": svg(chart, language),
    }


def _table(table: Table, language: Language) -> Json:
    rows = [[_lines(entry, language) for entry in row] for row in table.rows]
    first = table.rows[0] if table.rows else ()
    return {
        "type": "table",
        "title": in_one_line(table.title, language),
        "heads": [list(spoken(head, language)) for head in table.heads],
        "widths": [_share(n, rows, head, language) for n, head in enumerate(table.heads)],
        "numbers": [not isinstance(entry, Words) for entry in first],
        "rows": [[{"lines": list(lines)} for lines in row] for row in rows],
        "empty": list(spoken(table.empty, language)),
    }


def _share(n: int, rows: list[list[tuple[str, ...]]], head: Words, language: Language) -> int:
    """How much of the width a column takes: as much as its longest line, or word of its head."""
    words = (_length(word) for line in spoken(head, language) for word in line.split() if word.isascii())
    longest = max((_length(line) for row in rows for line in row[n]), default=0)
    return min(_WIDE, max(longest, *words, _NARROW) + _BETWEEN)


def _length(text: str) -> int:
    return sum(2 if char >= _CHINESE else 1 for char in text)


def _lines(entry: Entry, language: Language) -> tuple[str, ...]:
    return spoken(entry, language) if isinstance(entry, Words) else (written(entry),)
