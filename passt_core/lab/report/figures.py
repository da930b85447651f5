"""The report's pictures, as Plotly's own JSON: plain data, for which no Plotly is needed.

Colours, fonts and grids are left to the page, which knows whether it is light or dark.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from passt_core.lab.evaluation import ClassResult, Evaluation
from passt_core.lab.measures import Figure
from passt_core.lab.report.content import Report

Plot = dict[str, Any]
"""``data`` and ``layout``."""

_TEXT_UP_TO = 30
_TICKS_UP_TO = 80
_ROW_PX = 22
_LEAST_PX = 320
_MOST_PX = 4000
_UNIT = (0.0, 1.02)
_LEGEND_ABOVE: MappingProxyType[str, Any] = MappingProxyType(
    {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0}
)


def confusion(found: Evaluation) -> Plot:
    """Heat map: rows are what it is, columns what was said; colour is the share of the row."""
    there = [index for index, result in enumerate(found.classes) if result.clips]
    counts = np.array(found.confusion)[there]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    columns = [_escaped(result.label) for result in found.classes]
    rows = [columns[index] for index in there]
    trace: Plot = {
        "type": "heatmap",
        "x": columns,
        "y": rows,
        "z": shares.round(4).tolist(),
        "customdata": counts.tolist(),
        "zmin": 0,
        "zmax": 1,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "%{y}<br>called %{x}<br>%{customdata} clips, %{z:.0%}<extra></extra>",
        "colorbar": {"tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
    }
    if len(columns) <= _TEXT_UP_TO:
        trace["text"] = [[str(count) if count else "" for count in row] for row in counts.tolist()]
        trace["texttemplate"] = "%{text}"
    many = len(columns) > _TICKS_UP_TO
    axis: Plot = {"showgrid": False, "showticklabels": not many, "automargin": True}
    layout = {
        "height": _height(len(rows), row=1.4 * _ROW_PX, extra=180),
        "xaxis": axis | {"title": {"text": "called"}, "tickangle": -45, "dtick": 1},
        "yaxis": axis | {"title": {"text": "is"}, "autorange": "reversed", "dtick": 1},
    }
    return {"data": [trace], "layout": layout}


def classes(found: Evaluation) -> Plot:
    """Bars: average precision and F1 of each class that has clips, the best at the top."""
    there = [result for result in found.classes if result.clips]
    ordered = sorted(there, key=lambda result: result.average_precision or 0.0)
    labels = [_escaped(result.label) for result in ordered]
    scores: tuple[tuple[str, list[float | None]], ...] = (
        ("F1", [result.f1 for result in ordered]),
        ("average precision", [result.average_precision for result in ordered]),
    )
    clips = [_clips(result) for result in ordered]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": labels,
            "x": values,
            "customdata": clips,
            "hovertemplate": "%{y}: %{x:.3f}<br>%{customdata}<extra>" + name + "</extra>",
        }
        for name, values in scores
    ]
    layout = {
        "height": _height(len(labels), row=1.5 * _ROW_PX),
        "barmode": "group",
        "bargap": 0.25,
        "xaxis": {"range": list(_UNIT)},
        "yaxis": {"automargin": True, "dtick": 1},
        "legend": _LEGEND_ABOVE | {"traceorder": "reversed"},
    }
    return {"data": data, "layout": layout}


def reliability(found: Evaluation) -> Plot:
    """Bars of how often answers of each confidence are right, and the line where they should be."""
    bins = [b for b in found.reliability if b.count]
    width = found.reliability[0].high - found.reliability[0].low
    bars = {
        "type": "bar",
        "name": "right",
        "x": [(b.low + b.high) / 2 for b in bins],
        "y": [b.accuracy for b in bins],
        "width": [0.92 * width] * len(bins),
        "customdata": [[b.count, b.confidence] for b in bins],
        "hovertemplate": "%{customdata[0]} answers<br>sure %{customdata[1]:.0%}, right %{y:.0%}"
        "<extra></extra>",
    }
    honest = {
        "type": "scatter",
        "mode": "lines",
        "name": "as sure as right",
        "x": [0, 1],
        "y": [0, 1],
        "line": {"dash": "dash", "width": 1.5},
        "hoverinfo": "skip",
    }
    sizes = {
        "type": "bar",
        "name": "answers",
        "x": bars["x"],
        "y": [b.count for b in bins],
        "width": bars["width"],
        "yaxis": "y2",
        "hovertemplate": "%{y} answers<extra></extra>",
    }
    layout = {
        "height": 440,
        "xaxis": {
            "title": {"text": "probability that was given"},
            "range": [0, 1],
            "anchor": "y2",
        },
        "yaxis": {"title": {"text": "share right"}, "range": list(_UNIT), "domain": [0.3, 1]},
        "yaxis2": {"title": {"text": "answers"}, "domain": [0, 0.2], "anchor": "x"},
        "legend": dict(_LEGEND_ABOVE),
    }
    return {"data": [bars, honest, sizes], "layout": layout}


def robustness(report: Report) -> Plot:
    """Bars of the accuracy under each change, and a line at that of unchanged clips."""
    names = [condition.name for condition in report.robustness]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": [condition.accuracy for condition in report.robustness],
        "texttemplate": "%{x:.3f}",
        "textposition": "inside",
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }
    unchanged = report.robustness[0].accuracy
    line = {
        "type": "line",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "x0": unchanged,
        "x1": unchanged,
        "line": {"dash": "dot", "width": 1.5},
    }
    layout = {
        "height": _height(len(names)),
        "xaxis": {"title": {"text": "accuracy"}, "range": list(_UNIT)},
        "yaxis": {"automargin": True, "autorange": "reversed"},
        "shapes": [line],
    }
    return {"data": [bars], "layout": layout}


def comparison(report: Report) -> Plot:
    """Points with intervals: accuracy and mAP of the model and of each baseline."""
    named = [(report.evaluation.model, report.evaluation.figures)]
    named += [(baseline.name, baseline.figures) for baseline in report.baselines]
    data = [
        _points(title, [(name, _of(key, told)) for name, told in named])
        for key, title in (("mean_average_precision", "mAP"), ("accuracy", "accuracy"))
    ]
    layout = {
        "height": _height(2 * len(named)),
        "xaxis": {"range": list(_UNIT)},
        "yaxis": {"automargin": True, "autorange": "reversed"},
        "scattermode": "group",
        "legend": _LEGEND_ABOVE | {"traceorder": "reversed"},
    }
    return {"data": data, "layout": layout}


def _points(title: str, named: Sequence[tuple[str, Figure | None]]) -> Plot:
    there = [(name, figure) for name, figure in named if figure and figure.value is not None]
    points: Plot = {
        "type": "scatter",
        "mode": "markers",
        "orientation": "h",
        "name": title,
        "y": [_escaped(name) for name, _ in there],
        "x": [figure.value for _, figure in there],
        "marker": {"size": 10},
        "hovertemplate": "%{y}: %{x:.3f}<extra>" + title + "</extra>",
    }
    intervals = [figure.by_source or figure.by_clip for _, figure in there]
    if intervals and all(intervals):
        pairs = zip(points["x"], intervals, strict=True)
        known = [(value, found) for value, found in pairs if found is not None]
        points["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, found.high - value) for value, found in known],
            "arrayminus": [max(0.0, value - found.low) for value, found in known],
        }
    return points


def _of(key: str, told: Sequence[Figure]) -> Figure | None:
    return next((figure for figure in told if figure.key == key), None)


def _clips(result: ClassResult) -> str:
    return f"{result.clips} clip{'s' if result.clips != 1 else ''}"


def _height(rows: int, *, row: float = _ROW_PX, extra: int = 120) -> int:
    return int(min(_MOST_PX, max(_LEAST_PX, rows * row + extra)))


def _escaped(label: str) -> str:
    """Plotly takes some markup in its texts; a class's name is none."""
    return html.escape(label, quote=False)
