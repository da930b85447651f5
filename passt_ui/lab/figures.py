"""Results of the Lab → Plotly figures. Pure functions; inks get their colours in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from passt_core.lab.judge import Judgement
from passt_core.lab.probe import Epoch
from passt_ui import palette
from passt_ui.figures import Figure, as_json

MOST_NUMBERED = 16
"""Classes up to which the cells of a matrix carry their counts."""
LONGEST_NAME = 22
_BETWEEN = "#2b2440"
"""Between the cells: a shade above the map's darkest, in both themes."""
TRAINING, HELD_OUT = "training", "held out"


def matrix(judged: Judgement) -> dict[str, Any]:
    """The confusion matrix: what it is ↓, what was said →, colour the share of a row.

    Returns:
        The figure; ``labels``, and ``counts`` (C, C), for the line that reads a cell out.
    """
    counts = judged.confusion
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    numbered = len(judged.labels) <= MOST_NUMBERED
    figure = go.Figure(
        go.Heatmap(
            z=np.rint(100 * share).astype(np.uint8),
            colorscale=palette.SPECTRUM,
            zmin=0,
            zmax=100,
            xgap=1,
            ygap=1,
            hoverinfo="none",
            text=[[str(n) if n else "" for n in row] for row in counts] if numbered else None,
            texttemplate="%{text}" if numbered else None,
            colorbar={
                "title": {"text": "% of the class", "side": "right"},
                "thickness": 10,
                "outlinewidth": 0,
            },
        )
    )
    figure.update_layout(plot_bgcolor=_BETWEEN)
    names = [short(label) for label in judged.labels]
    axis = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    figure.update_xaxes(title_text="what was said", tickangle=-90, zeroline=False, **axis)
    figure.update_yaxes(title_text="what it is", autorange="reversed", zeroline=False, **axis)
    return {"figure": as_json(figure), "labels": list(judged.labels), "counts": counts.tolist()}


def curves(epochs: Sequence[Epoch]) -> dict[str, Figure]:
    """Loss and accuracy of a fit by epoch, each for the training and for the held-out clips."""
    number = [epoch.number for epoch in epochs]
    loss = _lines(
        number, [e.train_loss for e in epochs], [e.validation_loss for e in epochs], "loss (nats)"
    )
    loss.update_yaxes(rangemode="tozero")
    accuracy = _lines(
        number,
        [100 * e.train_accuracy for e in epochs],
        [100 * e.validation_accuracy for e in epochs],
        "accuracy (%)",
    )
    accuracy.update_yaxes(range=[0, 103])
    return {"loss": as_json(loss), "accuracy": as_json(accuracy)}


def _lines(
    number: list[int], training: list[float], held_out: list[float], title: str
) -> go.Figure:
    figure = go.Figure()
    for name, values, dash in ((TRAINING, training, "dot"), (HELD_OUT, held_out, "solid")):
        figure.add_trace(
            go.Scatter(
                x=number,
                y=values,
                name=name,
                mode="lines+markers" if len(number) < 2 else "lines",
                line={"dash": dash, "width": 2.5},
                hovertemplate=f"epoch %{{x}}: %{{y:.3~g}}<extra>{name}</extra>",
            )
        )
    figure.update_xaxes(title_text="epoch", showgrid=False, zeroline=False)
    figure.update_yaxes(title_text=title, zeroline=False)
    return figure


def short(label: str) -> str:
    """A label as an axis takes it."""
    return label if len(label) <= LONGEST_NAME else f"{label[: LONGEST_NAME - 1].rstrip(' ,')}…"
