"""The Timeline tab: what a model hears along a sound of any length, and what it hears just now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from passt_core.inference.events import EventRule
from passt_ui import components
from passt_ui.services import Services
from passt_ui.slider import Slider
from passt_ui.tabs.explore import example_cards
from passt_ui.timeline import component, live, views
from passt_ui.timeline.asked import (
    BEGINS,
    BY_LENGTH,
    ENDS,
    GAP,
    LEAST,
    ROWS,
    WINDOW_S,
    WINDOWS_S,
    Limits,
    hops,
)
from passt_ui.timeline.picture import payload
from passt_ui.timeline.routes import url
from passt_ui.timeline.visit import CLASSES, Seen
from passt_ui.views import heading, how_to_read, note, notice

Changes = dict[Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class TimelineTab:
    """The tab's components."""

    tab: gr.Tab
    file: gr.File
    hand: gr.Button
    examples: gr.HTML
    window: gr.Dropdown
    hop: gr.Dropdown
    again: gr.Button
    cancel: gr.Button
    progress: gr.HTML
    notice: gr.HTML
    line: gr.HTML
    picture: gr.HTML
    classes: Slider
    chosen: gr.Dropdown
    on: Slider
    off: Slider
    least: Slider
    merge: Slider
    events: gr.HTML
    files: gr.HTML

    @property
    def look(self) -> list[Slider | gr.Dropdown]:
        """How a timeline is looked at, and what counts as an event."""
        return [self.classes, self.chosen, self.on, self.off, self.least, self.merge]

    @property
    def sliders(self) -> list[Slider]:
        """Those of them that are numbers."""
        return [self.classes, self.on, self.off, self.least, self.merge]

    @property
    def cut(self) -> list[gr.components.Component]:
        """How a sound is cut."""
        return [self.window, self.hop]

    @property
    def shown(self) -> list[gr.components.Component]:
        """What another look changes."""
        return [self.notice, self.picture, self.events]

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What a sound that is listened to changes."""
        return [
            *self.shown,
            self.progress,
            self.line,
            self.files,
            self.chosen,
            self.examples,
            self.file,
            self.again,
            self.cancel,
        ]


def build(services: Services, tab: gr.Tab) -> tuple[TimelineTab, live.LiveTab]:
    """Lay the tab out: a sound, and beside it the microphone."""
    with gr.Tabs(elem_id="timeline-parts"):
        with gr.Tab("A sound", id="timeline-sound"), gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=270):
                left = _sound_column(services)
            with gr.Column(scale=11, min_width=320):
                right = _picture_column(services)
        with gr.Tab("Live: the microphone", id="timeline-live"):
            microphone = live.build()
    return TimelineTab(tab=tab, **left, **right), microphone


def _sound_column(services: Services) -> dict[str, Any]:
    minutes = services.settings.max_minutes
    file = gr.File(
        label=f"Sound or video, up to {minutes:g} min",
        elem_id="timeline-file",
        height=150,
    )
    hand = gr.Button("Listen along the clip of Explore", elem_id="timeline-hand", size="sm")
    gr.HTML(heading("Examples"))
    examples = components.card_list(example_cards(services, ""), elem_id="timeline-examples")
    with gr.Row():
        window = gr.Dropdown(
            [(f"{seconds:g} s", seconds) for seconds in WINDOWS_S],
            value=WINDOW_S,
            label="Window",
            info="what the model hears at once",
            elem_id="timeline-window",
            min_width=120,
        )
        hop = gr.Dropdown(
            hop_choices(WINDOW_S),
            value=BY_LENGTH,
            label="Every",
            info="to the next one",
            elem_id="timeline-hop",
            min_width=120,
        )
    again = gr.Button("Listen again", elem_id="timeline-again", interactive=False)
    return {
        "file": file,
        "hand": hand,
        "examples": examples,
        "window": window,
        "hop": hop,
        "again": again,
    }


def _picture_column(services: Services) -> dict[str, Any]:
    told = gr.HTML("", elem_id="timeline-notice", visible=False)
    with gr.Row(elem_id="timeline-top", equal_height=False):
        line = gr.HTML("", elem_id="timeline-line", min_height=22)
        progress = gr.HTML("", elem_id="timeline-progress", min_height=22)
        cancel = gr.Button(
            "Cancel", visible=False, elem_id="timeline-cancel", size="sm", min_width=90, scale=0
        )
    picture = component.timeline("timeline")
    gr.HTML(
        how_to_read(
            "Above, the sound's log-mel spectrogram with fixed limits in dB; below, a row for each "
            "class and in it the probability that the model gives it, window after window. A "
            "window speaks for the stretch around its middle. Outlines are the events of the rule "
            "below. Probabilities are of each class alone unless the model was trained for one "
            "class per clip; a window of digital silence is not judged."
        )
    )
    controls = _controls(services)
    gr.HTML(heading("Events"))
    events = component.events("timeline-events")
    files = gr.HTML("", elem_id="timeline-files", apply_default_css=False)
    return {
        "notice": told,
        "line": line,
        "progress": progress,
        "cancel": cancel,
        "picture": picture,
        **controls,
        "events": events,
        "files": files,
    }


def _controls(services: Services) -> dict[str, Any]:
    with gr.Group(elem_id="timeline-rule"):
        with gr.Row():
            classes = _slider(ROWS, CLASSES, 1, "classes with the highest peaks", "classes")
            chosen = gr.Dropdown(
                sorted(services.first.predictor.labels),
                value=None,
                multiselect=True,
                label="Only these classes",
                info="in the rows and among the events; type to find one",
                elem_id="timeline-chosen",
                scale=3,
                min_width=260,
            )
        with gr.Row():
            on = _slider(BEGINS, EventRule.on, 0.05, "reached somewhere", "on")
            off = _slider(ENDS, EventRule.off, 0.05, "held throughout; no higher", "off")
            least = _slider(LEAST, EventRule.least_s, 0.1, "shorter ones go", "least")
            merge = _slider(GAP, EventRule.merge_s, 0.1, "shorter than this", "merge")
    return {
        "classes": classes,
        "chosen": chosen,
        "on": on,
        "off": off,
        "least": least,
        "merge": merge,
    }


def _slider(limits: Limits, value: float, step: float, info: str, name: str) -> Slider:
    return Slider(
        limits.least,
        limits.most,
        value=value,
        step=step,
        label=limits.name,
        info=info,
        elem_id=f"timeline-{name}",
        min_width=200,
    )


def hop_choices(window_s: float) -> list[tuple[str, float]]:
    """The hops that are offered with windows of a length."""
    return [("auto", BY_LENGTH), *((f"{hop:g} s", hop) for hop in hops(window_s))]


def show(tab: TimelineTab, token: str, seen: Seen, *, whole: bool) -> Changes:
    """What was heard, for the visit of a token; ``whole`` sends every column of it."""
    heard, rule = seen.heard, seen.rule
    found = heard.events(rule)
    place = url(token, heard.number)
    return {
        tab.line: views.line(heard),
        tab.picture: payload(heard, seen.look, found, place, whole=whole),
        tab.events: views.events(heard, found, rule, place),
        tab.files: views.downloads(place),
    }


def show_nothing(tab: TimelineTab) -> Changes:
    """No sound in hand: nothing of an earlier one stays."""
    return {
        tab.line: "",
        tab.picture: "",
        tab.events: note("What the model hears, from when to when, is listed here."),
        tab.files: "",
    }


def listening(tab: TimelineTab, told: str) -> Changes:
    """A sound is being listened to."""
    return {
        tab.progress: told,
        tab.notice: gr.HTML(value="", visible=False),
        tab.again: gr.Button(interactive=False),
        tab.cancel: gr.Button(visible=True, interactive=True),
    }


def idle(tab: TimelineTab, told: str = "", *, again: bool) -> Changes:
    """Nothing is being listened to; ``again``: there is a sound that can be."""
    return {
        tab.progress: told,
        tab.again: gr.Button(interactive=again),
        tab.cancel: gr.Button(visible=False),
    }


def refused(tab: TimelineTab, message: str) -> Changes:
    """A sentence in place."""
    return {tab.notice: gr.HTML(value=notice(message), visible=True)}
