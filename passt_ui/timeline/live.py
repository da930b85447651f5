"""The microphone: what is heard just now, and in the last minute."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from passt_core.errors import AudioError, PasstError
from passt_core.inference.live import KEPT_S, WINDOW_S, Live
from passt_core.network.checkpoints import Checkpoint
from passt_ui.packed import packed
from passt_ui.services import Services, Visitor
from passt_ui.slider import Slider
from passt_ui.timeline.component import live as component
from passt_ui.timeline.picture import HEAT, SILENT, colour_table
from passt_ui.views import heading, how_to_read

Changes = dict[Any, Any]

TOGETHER = 2
"""Blocks of all visitors that are listened to at a time; each sends one when the last was heard."""
MOST_BLOCK_S = 10.0
"""A longer block was not sent by the page."""
_FULL_SCALE = "<i2"
LEAST_WINDOW_S, MOST_WINDOW_S = 0.5, 10.0
CLASSES, MOST_CLASSES = 8, 20


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveTab:
    """The components of the microphone's part."""

    window: Slider
    classes: Slider
    picture: gr.HTML


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveVisit:
    """What was heard of one visitor's microphone.

    Attributes:
        live: the sound.
        checkpoint: who listens; None: nobody yet.
        rows: places in the head of the classes that are shown, from the top.
        faults: blocks that could not be heard; the page is told of a change alone, and so of the
            second of two that are alike.
    """

    live: Live = field(default_factory=Live)
    checkpoint: Checkpoint | None = None
    rows: tuple[int, ...] = ()
    faults: int = 0


def build() -> LiveTab:
    """Lay the microphone's part out."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=270):
            window = Slider(
                LEAST_WINDOW_S,
                MOST_WINDOW_S,
                value=WINDOW_S,
                step=0.5,
                label="Window (s)",
                info="the last stretch, heard anew with every block; shorter is sooner",
                elem_id="live-window",
            )
            classes = Slider(
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
                "holds the last window of it in memory and forgets the rest.</p>"
            )
        with gr.Column(scale=11, min_width=320):
            gr.HTML(heading("Heard now, and in the last minute"))
            picture = component("live")
            gr.HTML(
                how_to_read(
                    "A row for each class: its probability in the last minute, newest at the "
                    "right, and in the bar now. The level is the newest block's root mean square "
                    "below full scale. Where the model is slower than the sound, it gets longer "
                    "blocks rather than more of them: what is shown is never behind. The browser "
                    "is asked to leave the sound as it is, without the filters of a call."
                )
            )
    return LiveTab(window=window, classes=classes, picture=picture)


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveHandlers:
    """The handlers; what belongs to a visitor is in ``visit`` and in the page's state."""

    services: Services
    state: gr.State
    visit: gr.State
    tab: LiveTab

    def hear(
        self,
        visitor: Visitor | None,
        visit: LiveVisit | None,
        window_s: float | None,
        classes: float | None,
        event: gr.EventData,
    ) -> Changes:
        """Another block came from the microphone; the first of a recording begins anew.

        A number out of its range is taken for the nearest within, as the page does with its field.
        """
        predictor = (visitor or self.services.first).predictor
        begins = bool(event._data.get("begins"))
        faults = visit.faults if visit else 0
        if visit is None or begins or visit.checkpoint is not predictor.checkpoint:
            visit = LiveVisit(checkpoint=predictor.checkpoint, faults=faults)
        try:
            samples, rate = block_of(event._data)
            seconds = min(MOST_WINDOW_S, max(LEAST_WINDOW_S, window_s or WINDOW_S))
            rolling = replace(visit.live.rolling, seconds=seconds)
            live = replace(visit.live, rolling=rolling).hear(predictor, samples, rate)
        except PasstError as error:
            visit = replace(visit, faults=faults + 1)
            told = {"error": str(error), "number": visit.faults}
            return {self.visit: visit, self.tab.picture: json.dumps(told)}
        rows = steady(visit.rows, best(live, min(MOST_CLASSES, max(1, int(classes or 1)))))
        heard = replace(visit, live=live, rows=rows)
        return {self.visit: heard, self.tab.picture: payload(heard, predictor.labels)}


def block_of(data: Mapping[str, Any]) -> tuple[NDArray[np.int16], int]:
    """A block as the page sends it: samples of 16 bits in base64, and their rate in Hz.

    Raises:
        AudioError: it was not sent by the page.
    """
    try:
        rate = int(data["rate"])
        samples = np.frombuffer(base64.b64decode(data["samples"], validate=True), _FULL_SCALE)
    except (KeyError, TypeError, ValueError) as error:
        raise AudioError(
            "a block of sound came that cannot be read; reload the page, and press Listen again"
        ) from error
    if len(samples) > MOST_BLOCK_S * rate:
        raise AudioError(
            f"a block of {len(samples)} samples at {rate} Hz came; the most is {MOST_BLOCK_S:g} s: "
            "reload the page, and press Listen again"
        )
    return samples, rate


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
    times = np.array([moment.at_s for moment in moments], np.float32)
    last = moments[-1]
    sent = {
        "labels": [labels[index] for index in rows],
        "values": packed(scaled),
        "times": packed(times),
        "now": [round(float(value), 4) for value in last.probabilities[rows]],
        "at": last.at_s,
        "kept": KEPT_S,
        "level": round(last.level_db, 1),
        "peak": round(last.peak_db, 1),
        "table": packed(colour_table(HEAT, SILENT)),
    }
    return json.dumps(sent, separators=(",", ":"))


def wire(on: LiveHandlers) -> None:
    """Connect the microphone."""
    tab = on.tab
    tab.picture.hear(
        on.hear,
        [on.state, on.visit, tab.window, tab.classes],
        [on.visit, tab.picture],
        trigger_mode="multiple",
        concurrency_id="live",
        concurrency_limit=TOGETHER,
        api_name="live_hear",
        api_visibility="undocumented",
        show_progress="hidden",
    )
