"""Result objects → Plotly figures. Pure functions; text and paper get colours in the browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from passt_core.inference.analysis import ClipAnalysis, PatchGrid
from passt_core.library.search import Distribution, SearchHit
from passt_core.signal.mel import NORM_SCALE, NORM_SHIFT
from passt_ui import palette
from passt_ui.times import clock

DB_PER_NEPER = 10.0 / np.log(10.0)
TICKS_HZ = (63, 125, 250, 500, 1000, 2000, 4000, 8000, 14_000)
LEAST_BANDS = 4
"""Ticks nearer to each other than this would touch: of two the upper one stays."""
MAX_TICKS = 11
_STEPS_S = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

Figure = dict[str, Any]


def decibels(mel: NDArray[np.float32]) -> NDArray[np.int8]:
    """Normalised log-mel → whole dB of mel power, as small numbers for the browser."""
    level = DB_PER_NEPER * (NORM_SCALE * mel - NORM_SHIFT)
    return np.clip(np.rint(level), -128, 127).astype(np.int8)


def spectrogram(window: ClipAnalysis, start_s: float) -> Figure:
    """Log-mel of a window: seconds of the clip →, Hz on the mel scale ↑, colour in dB."""
    grid = window.grid
    step = grid.front_end.frame_seconds
    mel = window.mel
    figure = go.Figure(
        go.Heatmap(
            z=decibels(mel),
            x0=start_s + step / 2,
            dx=step,
            y0=0.5,
            dy=1,
            colorscale=palette.SPECTRUM,
            zmin=palette.DB_FLOOR,
            zmax=palette.DB_CEILING,
            hoverinfo="none",
            colorbar={"title": {"text": "dB", "side": "top"}, "thickness": 10, "outlinewidth": 0},
        )
    )
    end_s = start_s + mel.shape[1] * step
    ticks = _time_ticks(start_s, end_s)
    figure.update_xaxes(
        title_text="time",
        range=[start_s, end_s],
        tickvals=ticks,
        ticktext=[_tick(tick, end_s) for tick in ticks],
        showgrid=False,
        zeroline=False,
    )
    positions, names = frequency_ticks(grid)
    figure.update_yaxes(
        title_text="frequency (Hz, mel scale)",
        range=[0, grid.config.mel_bands],
        tickvals=positions,
        ticktext=names,
        showgrid=False,
        zeroline=False,
    )
    return as_json(figure)


def veil(window: ClipAnalysis, start_s: float) -> Figure | None:
    """Heatmap trace over the spectrogram: how much of each cell was taken; None if nothing was."""
    if not len(window.dropped):
        return None
    grid = window.grid
    step = grid.front_end.frame_seconds
    taken = np.nan_to_num(1.0 - grid.seen(window.kept), nan=1.0)
    trace = go.Heatmap(
        z=np.rint(100 * taken).astype(np.uint8),
        x0=start_s + step / 2,
        dx=step,
        y0=0.5,
        dy=1,
        zmin=0,
        zmax=100,
        showscale=False,
        hoverinfo="skip",
        name="taken",
    )
    return as_json(go.Figure(trace))["data"][0]


def patch_lines(grid: PatchGrid, start_s: float) -> dict[str, list[float | None]]:
    """Where patches begin and end, as one broken line (x in seconds, y in bands)."""
    last = grid.seconds(grid.columns - 1)[1]
    top = (grid.rows - 1) * grid.config.stride_freq + grid.config.patch
    columns = [grid.seconds(c)[0] for c in range(grid.columns)] + [last]
    rows = [r * grid.config.stride_freq for r in range(grid.rows)] + [top]
    x: list[float | None] = []
    y: list[float | None] = []
    for time in columns:
        x += [start_s + time, start_s + time, None]
        y += [0, top, None]
    for row in rows:
        x += [start_s, start_s + last, None]
        y += [row, row, None]
    return {"x": x, "y": y}


def likeness(among: Distribution, hits: Sequence[SearchHit]) -> Figure:
    """Histogram: how alike a library's sounds are →, how many ↑; bars with a hit are marked."""
    edges = among.edges.astype(float)
    lowest = min((hit.similarity for hit in hits), default=np.inf)
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=among.counts,
            width=np.diff(edges),
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{customdata[0]:.2f} to %{customdata[1]:.2f}: %{y}<extra></extra>",
        )
    )
    figure.update_xaxes(
        title_text="similarity (cosine)",
        range=[edges[0], edges[-1]],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(title_text="sounds", showgrid=False, zeroline=False, rangemode="tozero")
    return as_json(figure) | {"marked": (edges[1:] >= lowest).tolist()}


def as_json(figure: go.Figure) -> Figure:
    """Plain values for the browser; arrays become typed buffers; the template stays behind."""
    figure.update_layout(template=None)
    plain: Figure = json.loads(figure.to_json())
    return plain


def _tick(seconds: float, end_s: float) -> str:
    """A time as an axis that ends there shows it: ``2.5 s`` below a minute, ``1:05`` above."""
    return f"{seconds:g} s" if end_s < 60 else clock(seconds, 1).removesuffix(".0")


def frequency_ticks(grid: PatchGrid) -> tuple[list[float], list[str]]:
    """Octaves of the axis: their places in bands and their names."""
    edges = grid.band_edges
    places: list[float] = []
    names: list[str] = []
    for hz in sorted(TICKS_HZ, reverse=True):
        place = float(np.interp(hz, edges, np.arange(len(edges)), left=np.nan, right=np.nan))
        if np.isfinite(place) and (not places or places[-1] - place >= LEAST_BANDS):
            places.append(place)
            names.append(f"{hz // 1000}k" if hz >= 1000 else str(hz))
    return places, names


def _time_ticks(start_s: float, end_s: float) -> list[float]:
    step = next((s for s in _STEPS_S if (end_s - start_s) / s <= MAX_TICKS), 60)
    first = int(np.ceil(start_s / step - 1e-6))
    last = int(np.floor(end_s / step + 1e-6))
    return [round(index * step, 3) for index in range(first, last + 1)]
