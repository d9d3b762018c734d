"""The forms that a report can be given in. What draws and writes them is the extra `reports`."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from domain.errors import Transient
from projections.reports.content import Report
from projections.reports.language import Language

Render = Callable[[Report, Language], bytes]


class ReportFormat(StrEnum):
    """How a report is written."""

    HTML = "html"
    PDF = "pdf"
    XLSX = "xlsx"


class RenderingMissing(Transient):
    """The libraries that write reports are not installed."""


@dataclass(frozen=True, slots=True)
class _Form:
    media_type: str
    place: str


_FORMS: Mapping[ReportFormat, _Form] = {
    ReportFormat.HTML: _Form("text/html; charset=utf-8", "infra.reports.html:to_html"),
    ReportFormat.PDF: _Form("application/pdf", "infra.reports.pdf:to_pdf"),
    ReportFormat.XLSX: _Form(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "infra.reports.xlsx:to_xlsx"
    ),
}


def media_type(form: ReportFormat) -> str:
    """Name the form as HTTP does."""
    return _FORMS[form].media_type


def rendered(report: Report, form: ReportFormat, language: Language) -> bytes:
    """Write a report; raises RenderingMissing."""
    module, _, name = _FORMS[form].place.partition(":")
    try:
        render = cast(Render, getattr(importlib.import_module(module), name))
    except ImportError as error:
        raise RenderingMissing(
            f"reports need the extra liudan[reports]: {error.name} is not installed"
        ) from error
    return render(report, language)
