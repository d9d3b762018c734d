"""Charts as SVG, drawn by Vega-Lite without a browser."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import orjson
import vl_convert
from vl_convert import register_font_directory

from projections.reports.content import Chart, ChartKind, Kind
from projections.reports.language import Language, briefly

Json: TypeAlias = Mapping[str, "Json"] | list["Json"] | str | float | bool | None
FONT_PACKAGE = "pylopdf_fonts_zh_cn"
FONTS = "Noto Sans SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, sans-serif"
"""The first one measures and fills PDF; a browser takes what its reader has."""
_VERSION = "6.1"
_WIDTH = 560
_BLUE, _GREY, _ORANGE = "#1f5f99", "#8a949e", "#c8551b"
_FORMATS: Mapping[Kind, str] = {Kind.SHARE: ".0%", Kind.COUNT: ",d", Kind.SECONDS: ",.0f"}
_CONFIG: Json = {
    "font": FONTS,
    "background": "white",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 11, "titleFontSize": 11, "gridColor": "#e6e8ea", "labelLimit": 240},
    "legend": {"labelFontSize": 11, "titleFontSize": 11},
}


def svg(chart: Chart, language: Language) -> str:
    """Draw a chart; the same chart gives the same bytes."""
    _register_fonts()
    described = orjson.dumps(specification(chart, language)).decode()
    drawing: str = vl_convert.vegalite_to_svg(described, vl_version=_VERSION)
    return drawing


def specification(chart: Chart, language: Language) -> Json:
    """Give the chart as Vega-Lite describes it."""
    values: Json = [
        {
            "label": briefly(point.label, language),
            "value": point.value,
            "low": point.low,
            "high": point.high,
            "expected": point.expected,
            "group": briefly(point.group, language) if point.group else None,
        }
        for point in chart.points
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": values},
        "width": _WIDTH,
        "config": _CONFIG,
        **_DRAW[chart.kind](chart),
    }


@cache
def _register_fonts() -> None:
    register_font_directory(str(files(FONT_PACKAGE)))


def _value(chart: Chart, **more: Json) -> dict[str, Json]:
    axis: Json = {"title": None, "format": _FORMATS.get(chart.unit, ",")}
    return {"field": "value", "type": "quantitative", "axis": axis, **more}


def _label(channel: str, **more: Json) -> dict[str, Json]:
    axis: Json = {"title": None, "labelAngle": 0 if channel == "y" else -45}
    return {"field": "label", "type": "nominal", "sort": None, "axis": axis, **more}


def _columns(chart: Chart) -> dict[str, Json]:
    return {
        "height": 200,
        "mark": {"type": "bar", "color": _BLUE},
        "encoding": {"x": _label("x"), "y": _value(chart)},
    }


def _line(chart: Chart) -> dict[str, Json]:
    closer: Json = {"zero": False}
    return {
        "height": 180,
        "encoding": {"x": _label("x", scale={"type": "point"})},
        "layer": [
            {
                "mark": {"type": "area", "color": _BLUE, "opacity": 0.2},
                "encoding": {"y": {**_value(chart, scale=closer), "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "color": _BLUE, "point": True},
                "encoding": {"y": _value(chart, scale=closer)},
            },
        ],
    }


def _bars(chart: Chart) -> dict[str, Json]:
    return {
        "height": {"step": 22},
        "encoding": {"y": _label("y")},
        "layer": [
            {"mark": {"type": "bar", "color": _BLUE}, "encoding": {"x": _value(chart)}},
            {
                "transform": [{"filter": "isValid(datum.expected)"}],
                "mark": {"type": "tick", "color": _ORANGE, "thickness": 3},
                "encoding": {"x": {**_value(chart), "field": "expected"}},
            },
        ],
    }


def _dots(chart: Chart) -> dict[str, Json]:
    closer: Json = {"zero": False}
    layers: list[Json] = [
        {
            "mark": {"type": "rule", "color": _GREY, "strokeWidth": 2},
            "encoding": {"x": {**_value(chart, scale=closer), "field": "low"}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 60, "color": _BLUE, "opacity": 1},
            "encoding": {"x": _value(chart, scale=closer)},
        },
    ]
    if chart.rule is not None:
        layers.append(
            {
                "data": {"values": [{"value": chart.rule}]},
                "mark": {"type": "rule", "color": _ORANGE, "strokeDash": [4, 3]},
                "encoding": {"x": _value(chart, scale=closer), "y": None},
            }
        )
    return {"height": {"step": 22}, "encoding": {"y": _label("y")}, "layer": layers}


def _heat(chart: Chart) -> dict[str, Json]:
    most = max((point.value or 0 for point in chart.points), default=0)
    shade: Json = {"scheme": "blues", "domainMin": 0}
    text: Json = {"condition": {"test": f"datum.value > {most * 0.6}", "value": "white"}, "value": "#222"}
    return {
        "height": {"step": 24},
        "encoding": {
            "x": _label("x"),
            "y": {"field": "group", "type": "nominal", "sort": None, "axis": {"title": None}},
        },
        "layer": [
            {
                "mark": "rect",
                "encoding": {
                    "color": {"field": "value", "type": "quantitative", "scale": shade, "legend": None}
                },
            },
            {
                "mark": {"type": "text", "fontSize": 10},
                "encoding": {
                    "text": {"field": "value", "type": "quantitative", "format": ",d"},
                    "color": text,
                },
            },
        ],
    }


_DRAW: Mapping[ChartKind, Callable[[Chart], dict[str, Json]]] = {
    ChartKind.COLUMNS: _columns,
    ChartKind.LINE: _line,
    ChartKind.BARS: _bars,
    ChartKind.DOTS: _dots,
    ChartKind.HEAT: _heat,
}
