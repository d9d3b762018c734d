"""A report as a workbook: one sheet a section, numbers as numbers, and charts that Excel draws itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from projections.indicators.indicator import Words
from projections.reports.content import Cell, Chart, ChartKind, Kind, Report, Section, Span, Table
from projections.reports.language import Language, in_one_line

_FORMATS: Mapping[Kind, str] = {
    Kind.COUNT: "#,##0",
    Kind.NUMBER: "#,##0.0",
    Kind.SHARE: "0.0%",
    Kind.POINTS: '+0.0" pp";-0.0" pp"',
    Kind.RELATIVE: "+0.0%;-0.0%",
    Kind.SECONDS: '#,##0.0" h"',
    Kind.TIMES: '"× "0.0',
    Kind.PROBABILITY: "0.0000",
}
_SCALE: Mapping[Kind, float] = {Kind.POINTS: 100, Kind.SECONDS: 1 / 3600}
"""What a number is multiplied with to be in its format's unit."""
_FROM, _TO = Words("自", "from"), Words("至", "to")
_DRAWN: Mapping[ChartKind, str] = {
    ChartKind.COLUMNS: "column",
    ChartKind.LINE: "line",
    ChartKind.BARS: "bar",
    ChartKind.DOTS: "bar",
}
"""How Excel draws them; intervals stand in the tables, and a heat map is a table."""
_BESIDE = 10
_NAME = 31
_WIDE, _USUAL = 34, 13
_SAME_EVERY_TIME = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def to_xlsx(report: Report, language: Language) -> bytes:
    """Write a report; the same report gives the same bytes."""
    file = BytesIO()
    with Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties(
            {"title": in_one_line(report.title, language), "created": _SAME_EVERY_TIME, "author": "liudan"}
        )
        sheets = _Sheets(book, language)
        about = Section("report", report.title, (report.standing,), (report.identity,))
        for section in (about, *report.sections):
            sheets.add(section)
    return file.getvalue()


class _Sheets:
    """Writes one section after the other."""

    def __init__(self, book: Workbook, language: Language) -> None:
        self._book, self._language = book, language
        self._bold = book.add_format({"bold": True})
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._text = book.add_format({"text_wrap": True, "valign": "top"})
        self._numbers = {
            kind: book.add_format({"num_format": form, "valign": "top"}) for kind, form in _FORMATS.items()
        }

    def add(self, section: Section) -> None:
        """Write a section on a sheet of its own."""
        sheet = self._book.add_worksheet(self._sheet_name(section))
        sheet.set_column(0, 0, _WIDE)
        sheet.set_column(1, 20, _USUAL)
        sheet.write(0, 0, self._say(section.title), self._bold)
        row = 1
        for words in section.says:
            sheet.write(row, 0, self._say(words))
            row += 1
        for block in section.blocks:
            if isinstance(block, Table):
                row = self._table(sheet, block, row + 1)
            elif block.points:
                row = self._chart_data(sheet, block, row + 1)

    def _sheet_name(self, section: Section) -> str:
        name = self._say(section.title) if section.key != "report" else self._say(Words("报告", "Report"))
        return "".join(char for char in name if char not in "[]:*?/\\")[:_NAME]

    def _say(self, words: Words) -> str:
        return in_one_line(words, self._language)

    def _table(self, sheet: Worksheet, table: Table, row: int) -> int:
        sheet.write(row, 0, self._say(table.title), self._bold)
        if not table.rows:
            sheet.write(row + 1, 0, self._say(table.empty))
            return row + 2
        column = 0
        for head, entry in zip(table.heads, table.rows[0], strict=True):
            parts = [f"{self._say(head)} {self._say(end)}" for end in (_FROM, _TO)]
            for text in parts if isinstance(entry, Span) else [self._say(head)]:
                sheet.write(row + 1, column, text, self._head)
                column += 1
        for n, entries in enumerate(table.rows, start=row + 2):
            column = 0
            for entry in entries:
                column = self._entry(sheet, n, column, entry)
        return row + 2 + len(table.rows)

    def _entry(self, sheet: Worksheet, row: int, column: int, entry: Words | Cell | Span) -> int:
        if isinstance(entry, Words):
            sheet.write_string(row, column, self._say(entry), self._text)
            return column + 1
        values = (entry.value,) if isinstance(entry, Cell) else (entry.low, entry.high)
        for offset, value in enumerate(values):
            self._number(sheet, row, column + offset, entry.kind, value)
        return column + len(values)

    def _number(self, sheet: Worksheet, row: int, column: int, kind: Kind, value: float | None) -> None:
        form: Format = self._numbers[kind]
        if value is None:
            sheet.write_blank(row, column, None, form)
        else:
            sheet.write_number(row, column, value * _SCALE.get(kind, 1), form)

    def _chart_data(self, sheet: Worksheet, chart: Chart, row: int) -> int:
        """Write a chart's numbers, and let Excel draw them beside the tables."""
        sheet.write(row, 0, self._say(chart.title), self._bold)
        heads = (Words("标签", "Label"), Words("数值", "Value"), Words("组", "Group"))
        for column, words in enumerate(heads):
            sheet.write(row + 1, column, self._say(words), self._head)
        for n, point in enumerate(chart.points, start=row + 2):
            sheet.write_string(n, 0, self._say(point.label), self._text)
            self._number(sheet, n, 1, chart.unit, point.value)
            if point.group:
                sheet.write_string(n, 2, self._say(point.group), self._text)
        if chart.kind in _DRAWN:
            self._drawing(sheet, chart, row)
        return row + 2 + len(chart.points)

    def _drawing(self, sheet: Worksheet, chart: Chart, row: int) -> None:
        first, last = row + 2, row + 1 + len(chart.points)
        drawing = self._book.add_chart({"type": _DRAWN[chart.kind]})
        drawing.add_series(
            {
                "categories": [sheet.get_name(), first, 0, last, 0],
                "values": [sheet.get_name(), first, 1, last, 1],
            }
        )
        drawing.set_title({"name": self._say(chart.title), "name_font": {"size": 11}})
        drawing.set_legend({"none": True})
        sheet.insert_chart(row, _BESIDE, drawing, {"description": self._say(chart.says)})
