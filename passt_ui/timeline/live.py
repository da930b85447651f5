"""The microphone: what is heard just now, and in the last minute."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from passt_core.errors import PasstError
from passt_core.inference.live import KEPT_S, WINDOW_S, Live
from passt_core.network.checkpoints import Checkpoint
from passt_ui.services import Services, Visitor
from passt_ui.timeline.component import live as component
from passt_ui.timeline.picture import HEAT, SILENT, colour_table
from passt_ui.views import heading, how_to_read, notice

Changes = dict[Any, Any]
Block = tuple[int, NDArray[np.generic]]

EVERY_S = 0.25
"""From one block of the microphone to the next."""
LONGEST_S = 3600.0
"""So long may the model work for one visitor's microphone before it has to be pressed again."""
TOGETHER = 8
"""Microphones that are listened to at a time."""
LEAST_WINDOW_S, MOST_WINDOW_S = 0.5, 10.0
CLASSES, MOST_CLASSES = 8, 20


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveTab:
    """The components of the microphone's part."""

    microphone: gr.Audio
    window: gr.Slider
    classes: gr.Slider
    notice: gr.HTML
    picture: gr.HTML


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveVisit:
    """What was heard of one visitor's microphone.

    Attributes:
        live: the sound.
        checkpoint: who listens; None: nobody yet.
        rows: places in the head of the classes that are shown, from the top.
    """

    live: Live = field(default_factory=Live)
    checkpoint: Checkpoint | None = None
    rows: tuple[int, ...] = ()


def build() -> LiveTab:
    """Lay the microphone's part out."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=270):
            microphone = gr.Audio(
                sources=["microphone"],
                streaming=True,
                type="numpy",
                label="Microphone: press Record, then Stop",
                elem_id="live-microphone",
            )
            window = gr.Slider(
                LEAST_WINDOW_S,
                MOST_WINDOW_S,
                value=WINDOW_S,
                step=0.5,
                label="Window (s)",
                info="the last stretch, heard anew with every block; shorter is sooner",
                elem_id="live-window",
            )
            classes = gr.Slider(
                1,
                MOST_CLASSES,
                value=CLASSES,
                step=1,
                label="Rows",
                info="classes with the highest peaks of the minute",
                elem_id="live-classes",
            )
            gr.HTML(
                '<p class="passt-quiet">Nothing is recorded: the sound goes to this app, which '
                "holds the last window of it and forgets the rest.</p>"
            )
        with gr.Column(scale=11, min_width=320):
            told = gr.HTML("", elem_id="live-notice", visible=False)
            gr.HTML(heading("Heard now, and in the last minute"))
            picture = component("live")
            gr.HTML(
                how_to_read(
                    "A row for each class: its probability in the last minute, newest at the "
                    "right, and in the bar now. The level is the newest block's root mean square "
                    "below full scale; a microphone's hum is around -50 dB. Where the model is "
                    "slower than the sound, blocks are left out rather than kept waiting."
                )
            )
    return LiveTab(
        microphone=microphone, window=window, classes=classes, notice=told, picture=picture
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveHandlers:
    """The handlers; what belongs to a visitor is in ``visit`` and in the page's state."""

    services: Services
    state: gr.State
    visit: gr.State
    tab: LiveTab

    def start(self) -> Changes:
        """Record was pressed: nothing of an earlier sound stays."""
        return {
            self.visit: LiveVisit(),
            self.tab.notice: gr.HTML(value="", visible=False),
            self.tab.picture: "",
        }

    def hear(
        self,
        visitor: Visitor | None,
        visit: LiveVisit | None,
        block: Block | None,
        window_s: float | None,
        classes: float | None,
    ) -> Changes:
        """Another block came from the microphone."""
        predictor = (visitor or self.services.first).predictor
        visit = visit or LiveVisit()
        if visit.checkpoint is not predictor.checkpoint:
            visit = LiveVisit(checkpoint=predictor.checkpoint)
        if block is None:
            return {self.visit: visit}
        rate, samples = block
        try:
            rolling = replace(visit.live.rolling, seconds=window_s or WINDOW_S)
            live = replace(visit.live, rolling=rolling).hear(predictor, samples, rate)
        except PasstError as error:
            return {self.tab.notice: gr.HTML(value=notice(str(error)), visible=True)}
        rows = steady(visit.rows, best(live, max(1, int(classes or 1))))
        heard = LiveVisit(live=live, checkpoint=predictor.checkpoint, rows=rows)
        return {self.visit: heard, self.tab.picture: payload(heard, predictor.labels)}


def best(live: Live, k: int) -> list[int]:
    """Places in the head of the ``k`` classes with the highest peaks of the minute, best first."""
    peaks = np.max([moment.probabilities for moment in live.moments], axis=0)
    return [int(index) for index in np.argsort(-peaks, kind="stable")[:k]]


def steady(before: tuple[int, ...], wanted: list[int]) -> tuple[int, ...]:
    """The wanted classes; those that were shown stay in their rows."""
    if len(before) != len(wanted):
        return tuple(wanted)
    coming = iter([index for index in wanted if index not in before])
    return tuple(index if index in wanted else next(coming) for index in before)


def payload(visit: LiveVisit, labels: tuple[str, ...]) -> str:
    """What the picture shows, as JSON."""
    moments = visit.live.moments
    rows = list(visit.rows)
    values = np.stack([moment.probabilities[rows] for moment in moments], axis=1)
    scaled = np.rint((SILENT - 1) * np.clip(values, 0.0, 1.0)).astype(np.uint8)
    times = np.array([moment.at_s for moment in moments], "<f4")
    last = moments[-1]
    sent = {
        "labels": [labels[index] for index in rows],
        "values": _base64(scaled),
        "times": _base64(times),
        "now": [round(float(value), 4) for value in last.probabilities[rows]],
        "at": last.at_s,
        "kept": KEPT_S,
        "level": round(last.level_db, 1),
        "peak": round(last.peak_db, 1),
        "table": _base64(colour_table(HEAT, SILENT)),
    }
    return json.dumps(sent, separators=(",", ":"))


def wire(on: LiveHandlers) -> None:
    """Connect the microphone."""
    tab = on.tab
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    tab.microphone.start_recording(
        on.start, None, [on.visit, tab.notice, tab.picture], api_name="live_start", **quiet
    )
    tab.microphone.stream(
        on.hear,
        [on.state, on.visit, tab.microphone, tab.window, tab.classes],
        [on.visit, tab.notice, tab.picture],
        stream_every=EVERY_S,
        time_limit=LONGEST_S,
        concurrency_id="live",
        concurrency_limit=TOGETHER,
        api_name="live_hear",
        **quiet,
    )


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
